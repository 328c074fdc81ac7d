"""OpenDocument texts, spreadsheets and presentations (ODT, ODS, ODP), as LibreOffice writes them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from askdoc.errors import LoadError
from askdoc.loaders.guard import guarded
from askdoc.loaders.office.package import Package, locked
from askdoc.loaders.office.pptx import slide_place
from askdoc.loaders.textbuilder import TextBuilder, single_line, visible_text
from askdoc.loaders.xml import Element, attribute, child, children, descendants, local
from askdoc.types import Content

_TITLE_LEVEL = 0
_MAX_COLUMNS = 1000  # that are read; the rest of a repeated cell is empty
_MAX_REPEATED_ROWS = 1000
_MAX_SPACES = 100

_TRANSPARENT = frozenset("section index-body span a meta ruby ruby-base bookmark-ref reference-ref date time".split())
_NOT_SHOWN = frozenset("annotation annotation-end ruby-text script tracked-changes".split())


@guarded("OpenDocument file")
def load(data: bytes) -> Content:
    """Read the text with all changes accepted; comments, running heads and hidden sheets are left out."""
    package = Package(data)
    if descendants(package.xml_if_there("META-INF/manifest.xml"), "encryption-data"):
        raise locked()
    root = package.xml("content.xml")
    body = child(root, "body")
    styles = _Styles((root, package.xml_if_there("styles.xml")))
    builder = TextBuilder()
    kinds = {"text": _read_text, "spreadsheet": _read_spreadsheet, "presentation": _read_presentation}
    content = next((part for part in (body if body is not None else ()) if local(part) in kinds), None)
    if content is None:
        raise LoadError("it is an OpenDocument file without text, such as a drawing or a formula")
    kinds[local(content)](content, styles, builder)
    builder.leave_out("comment", len(descendants(content, "annotation")))
    return builder.content()


class _Styles:
    """Which styles are titles, and which do not show what is written in them."""

    def __init__(self, roots: Sequence[Element | None]) -> None:
        self._parents: dict[str, str] = {}
        self._hidden: set[str] = set()
        for style in (style for root in roots for style in descendants(root, "style")):
            name = attribute(style, "name") or ""
            self._parents[name] = attribute(style, "parent-style-name") or ""
            properties = [part for part in style if local(part).endswith("-properties")]
            shown = {attribute(part, name) for part in properties for name in ("display", "visibility")}
            if shown & {"none", "false", "hidden"}:
                self._hidden.add(name)

    def is_hidden(self, element: Element) -> bool:
        return (attribute(element, "style-name") or "") in self._hidden

    def is_title(self, element: Element) -> bool:
        style = attribute(element, "style-name") or ""
        seen: set[str] = set()
        while style and style not in seen:
            if style == "Title":
                return True
            seen.add(style)
            style = self._parents.get(style, "")
        return False


# --- texts


def _read_text(content: Element, styles: _Styles, builder: TextBuilder) -> None:
    _Text(styles, builder).blocks(content)


class _Text:
    """Walks through a text; footnotes and text boxes follow their paragraph."""

    def __init__(self, styles: _Styles, builder: TextBuilder) -> None:
        self.styles, self.builder = styles, builder
        self.aside: list[Element] = []

    def blocks(self, parent: Element) -> None:
        """Add the paragraphs, lists and tables of an element."""
        for block in parent:
            name = local(block)
            if name == "h":
                self._heading(block)
            elif name == "p":
                self._paragraph(block)
            elif name == "list":
                self._list(block)
            elif name == "table":
                self.builder.table(
                    self.grid(block), headed=True if child(block, "table-header-rows") is not None else None
                )
            elif name in ("frame", "g", "custom-shape", "text-box", "rect", "ellipse"):
                self._frame(block)
            elif name in _TRANSPARENT and not self.styles.is_hidden(block):
                self.blocks(block)
            self._asides()

    def _heading(self, heading: Element) -> None:
        level = attribute(heading, "outline-level") or ""
        self.builder.heading(int(level) if level.isdecimal() else 1, self.text(heading))

    def _paragraph(self, paragraph: Element) -> None:
        if self.styles.is_title(paragraph):
            self.builder.heading(_TITLE_LEVEL, self.text(paragraph))
        else:
            self.builder.paragraph(self.text(paragraph))

    def _list(self, items: Element) -> None:
        for item in items:
            if local(item) not in ("list-item", "list-header"):
                continue
            for block in item:
                if local(block) == "list":
                    self._list(block)
                elif local(block) == "h":
                    self._heading(block)
                elif local(block) == "p" and (text := self.text(block)).strip():
                    self.builder.item(f"• {text}")

    def grid(self, table: Element) -> list[list[str]]:
        """The text of each cell of a table."""
        return [_texts(row, self._cell) for row in _rows(table)]

    def _cell(self, cell: Element) -> str:
        return " ".join(self.text(block) for block in cell.iterdescendants() if local(block) in ("p", "h"))

    def shown(self, cell: Element) -> str:
        """What a cell of a sheet shows."""
        return visible_text("\n".join(self.text(paragraph) for paragraph in children(cell, "p")))

    def _frame(self, frame: Element) -> None:
        """Take the text boxes of a frame."""
        boxes = descendants(frame, "text-box") if local(frame) in ("frame", "g") else [frame]
        self.aside += boxes
        pictures = descendants(frame, "image")
        self.builder.leave_out("picture", 1 if pictures and not boxes else 0)

    def _asides(self) -> None:
        while self.aside:
            waiting, self.aside = self.aside, []
            for aside in waiting:
                self.blocks(aside)

    def text(self, element: Element) -> str:
        """The text of a paragraph; notes and frames in it are kept for afterwards."""
        return "".join(self._pieces(element))

    def _pieces(self, element: Element) -> Iterator[str]:
        yield _on_one_line(element.text)
        for below in element:
            name = local(below)
            if self.styles.is_hidden(below) or name == "hidden-text":
                self.builder.leave_out("hidden place")
            elif name == "note":
                self.aside.append(child(below, "note-body"))
            elif name in ("frame", "g", "custom-shape"):
                self._frame(below)
            elif name == "s":
                count = attribute(below, "c") or ""
                yield " " * (min(int(count), _MAX_SPACES) if count.isdecimal() else 1)
            elif name in ("tab", "line-break"):
                yield "\n" if name == "line-break" else " "
            elif name and name not in _NOT_SHOWN:
                yield from self._pieces(below)
            yield _on_one_line(below.tail)


def _on_one_line(text: str | None) -> str:
    return (text or "").replace("\n", " ")


def _rows(table: Element) -> Iterator[Element]:
    for part in table:
        if local(part) == "table-row":
            yield part
        elif local(part) in ("table-rows", "table-header-rows", "table-row-group"):
            yield from _rows(part)


def _texts(row: Element, read: Callable[[Element], str]) -> list[str]:
    """The texts of a row's cells; repeated cells as often as the row has them, without empty ones at the end."""
    texts: list[str] = []
    for cell in row:
        if local(cell) in ("table-cell", "covered-table-cell") and len(texts) < _MAX_COLUMNS:
            texts += [read(cell)] * _repeated(cell, "number-columns-repeated", _MAX_COLUMNS)
    while texts and not texts[-1]:
        texts.pop()
    return texts


def _repeated(element: Element, name: str, limit: int) -> int:
    value = attribute(element, name) or ""
    return min(int(value), limit) if value.isdecimal() and len(value) < 10 else 1


# --- spreadsheets


def _read_spreadsheet(content: Element, styles: _Styles, builder: TextBuilder) -> None:
    for table in children(content, "table"):
        if styles.is_hidden(table):
            builder.leave_out("hidden sheet")
            continue
        builder.sheet(attribute(table, "name") or "", _sheet_rows(table, styles, builder))
        builder.leave_out("chart", len(descendants(table, "object")))
        builder.leave_out("picture", sum(child(frame, "object") is None for frame in descendants(table, "frame")))


def _sheet_rows(table: Element, styles: _Styles, builder: TextBuilder) -> Iterator[tuple[int, list[str]]]:
    """The rows of a sheet that hold something, by their numbers, from 1."""
    reader = _Text(styles, builder)
    number = 0
    for row in _rows(table):
        times = _repeated(row, "number-rows-repeated", 2**31)
        cells = _texts(row, reader.shown)
        if cells:
            for repeat in range(min(times, _MAX_REPEATED_ROWS)):
                yield number + repeat + 1, cells
        number += times


# --- presentations


def _read_presentation(content: Element, styles: _Styles, builder: TextBuilder) -> None:
    for number, page in enumerate(children(content, "page"), 1):
        if styles.is_hidden(page):
            builder.leave_out("hidden slide")
        else:
            _read_slide(page, number, _Text(styles, builder))


def _read_slide(page: Element, number: int, reader: _Text) -> None:
    builder = reader.builder
    frames = list(page)
    title = next((frame for frame in frames if attribute(frame, "class") == "title"), None)
    words = "" if title is None else single_line(reader.text(title))
    place = slide_place(number, words)
    builder.move_to(place)
    builder.paragraph(words)
    for frame in frames:
        if frame is not title and local(frame) != "notes":
            _read_shape(frame, reader, words)
    builder.move_to(f"{place}, notes")
    for notes in children(page, "notes"):
        for frame in children(notes, "frame"):
            if attribute(frame, "class") == "notes":
                for box in children(frame, "text-box"):
                    reader.blocks(box)


def _read_shape(shape: Element, reader: _Text, title: str) -> None:
    tables = descendants(shape, "table")
    for table in tables:
        reader.builder.table(reader.grid(table), title=title)
    if not tables and descendants(shape, "object"):
        reader.builder.leave_out("chart")
    elif not tables and descendants(shape, "image") and not descendants(shape, "p"):
        reader.builder.leave_out("picture")
    for part in (shape, *descendants(shape, "text-box"), *descendants(shape, "custom-shape")):
        if local(part) in ("text-box", "custom-shape", "rect", "ellipse"):
            reader.blocks(part)
