"""Word documents (DOCX): the text with all changes accepted, under the path of its headings."""

from __future__ import annotations

from collections.abc import Iterator

from askdoc.loaders.guard import guarded
from askdoc.loaders.office.numbering import Numbering
from askdoc.loaders.office.package import Package, related
from askdoc.loaders.textbuilder import TextBuilder
from askdoc.loaders.xml import Element, attribute, child, children, descendants, local
from askdoc.types import Content

_TITLE_LEVEL = 0  # the title of the whole, above headings of level 1
_BODY_LEVEL = 9  # Word's outline level for what is no heading, counted from 0
_MAX_SPAN = 100  # columns of one table; what a cell spans beyond is left out

_TRANSPARENT = frozenset("ins moveTo smartTag customXml sdt sdtContent hyperlink fldSimple dir bdo".split())


@guarded("Word document")
def load(data: bytes) -> Content:
    """Read a Word document with its notes, lists, tables and text boxes; comments and running heads are left out."""
    package = Package(data)
    part = next(iter(related(package, "", "officeDocument")))
    reader = _Reader(package, part)
    reader.blocks(child(package.xml(part), "body"))
    reader.leave_out_comments(package, part)
    return reader.builder.content()


class _Styles:
    """What the styles of a document's paragraphs mean."""

    def __init__(self, root: Element | None) -> None:
        self._styles = {attribute(style, "styleId"): style for style in children(root, "style")}
        self._levels: dict[str, int | None] = {}

    def name(self, style: str | None) -> str:
        """A style's name as English Word has it, in lower case."""
        return _value(child(self._styles.get(style), "name")).casefold()

    def level(self, paragraph: Element) -> int | None:
        """Of which level a paragraph is a heading: 0 for the title; None if it is none."""
        properties = child(paragraph, "pPr")
        style = _value(child(properties, "pStyle"))
        own = _value(child(properties, "outlineLvl"))
        if own.isdecimal():
            return int(own) + 1 if int(own) < _BODY_LEVEL else None
        for above in self._ancestors(style):
            name = self.name(above)
            level = _value(child(self._styles[above], "pPr", "outlineLvl"))
            if name == "title":
                return _TITLE_LEVEL
            if name.startswith("heading ") and name[8:].isdecimal():
                return int(name[8:])
            if level.isdecimal():
                return int(level) + 1 if int(level) < _BODY_LEVEL else None
        return None

    def numbering(self, paragraph: Element) -> tuple[str, int] | None:
        """The list that a paragraph is an item of, and the level in it, from 0."""
        properties = child(paragraph, "pPr")
        style = _value(child(properties, "pStyle"))
        declared = [child(properties, "numPr")]
        declared += [child(self._styles[above], "pPr", "numPr") for above in self._ancestors(style)]
        numbers = [_value(child(each, "numId")) for each in declared if child(each, "numId") is not None]
        levels = [_value(child(each, "ilvl")) for each in declared if child(each, "ilvl") is not None]
        number, level = next(iter(numbers), "0"), next(iter(levels), "0")
        return (number, int(level)) if number != "0" and level.isdecimal() else None

    def _ancestors(self, style: str) -> Iterator[str]:
        """A style and those it is based on."""
        seen: set[str] = set()
        while style in self._styles and style not in seen:
            seen.add(style)
            yield style
            style = _value(child(self._styles[style], "basedOn"))


class _Reader:
    """Walks through the body; footnotes and text boxes follow their paragraph."""

    def __init__(self, package: Package, part: str) -> None:
        self.builder = TextBuilder()
        self.styles = _Styles(_related_xml(package, part, "styles"))
        self.numbering = Numbering(_related_xml(package, part, "numbering"))
        self.notes = {kind: _notes(_related_xml(package, part, f"{kind}s")) for kind in ("footnote", "endnote")}
        self.aside: list[Element] = []  # notes and text boxes that the paragraph refers to

    def blocks(self, parent: Element | None) -> None:
        """Add the paragraphs and tables of an element."""
        for block in parent if parent is not None else ():
            name = local(block)
            if name == "p":
                self._paragraph(block)
                self._asides()
            elif name == "tbl":
                self._table(block)
                self._asides()
            elif name in _TRANSPARENT and not _is_contents(block):
                self.blocks(block)

    def _paragraph(self, paragraph: Element) -> None:
        properties = child(paragraph, "pPr")
        text = self._text(paragraph)
        if self.styles.name(_value(child(properties, "pStyle"))).startswith(("toc ", "table of figures")):
            return  # a list of contents only repeats the headings
        level, item = self.styles.level(paragraph), self.styles.numbering(paragraph)
        number = self.numbering.next(*item) if item and text.strip() else ""
        if level is not None:
            self.builder.heading(level, f"{number} {text}")
        elif number:
            self.builder.item(f"{number} {text}")
        else:
            self.builder.paragraph(text)

    def _asides(self) -> None:
        """Add what the last block refers to; a note may itself refer to something."""
        while self.aside:
            waiting, self.aside = self.aside, []
            for aside in waiting:
                self.blocks(aside)

    def _text(self, element: Element) -> str:
        return "".join(self._pieces(element))

    def _pieces(self, element: Element) -> Iterator[str]:
        for below in element:
            name = local(below)
            if name == "r":
                if child(below, "rPr", "vanish") is not None and _value(child(below, "rPr", "vanish")) not in (
                    "0",
                    "false",
                ):
                    self.builder.leave_out("hidden place")
                else:
                    yield from self._run(below)
            elif name in _TRANSPARENT:
                yield from self._pieces(below)
            elif name in ("oMath", "oMathPara"):
                yield "".join(text.text or "" for text in descendants(below, "t"))

    def _run(self, run: Element) -> Iterator[str]:
        for below in run:
            name = local(below)
            if name == "t":
                yield below.text or ""
            elif name in ("br", "cr"):
                yield "\n"
            elif name in ("tab", "ptab"):
                yield " "
            elif name == "noBreakHyphen":
                yield "-"
            elif name in ("footnoteReference", "endnoteReference"):
                # each once: a note of a damaged file may refer to itself
                note = self.notes[name.removesuffix("Reference")].pop(attribute(below, "id"), None)
                self.aside += [] if note is None else [note]
            elif name in ("drawing", "pict", "object", "AlternateContent"):
                self._drawing(below)

    def _drawing(self, drawing: Element) -> None:
        """Take the text boxes of a drawing; of alternatives, which say the same, the first."""
        shown = child(drawing, "Choice") if local(drawing) == "AlternateContent" else drawing
        boxes = [box for box in descendants(shown, "txbxContent") if not _is_within(box, "txbxContent", shown)]
        self.aside += boxes
        if not boxes and shown is not None:
            self.builder.leave_out(_kind_of_drawing(shown))

    def _table(self, table: Element) -> None:
        grid: list[list[str]] = []
        for row in _rows(table):
            if child(row, "trPr", "del") is None:
                grid.append(self._row(row, grid[-1] if grid else []))
        first = next(iter(_rows(table)), None)
        headed = True if child(first, "trPr", "tblHeader") is not None else None
        self.builder.table(grid, headed=headed)

    def _row(self, row: Element, above: list[str]) -> list[str]:
        """The texts of a row; a merged cell is in each column that it covers."""
        texts: list[str] = []
        skipped = _value(child(row, "trPr", "gridBefore"))
        texts += [""] * (min(int(skipped), _MAX_SPAN) if skipped.isdecimal() else 0)
        for cell in _cells(row):
            properties = child(cell, "tcPr")
            span = _value(child(properties, "gridSpan"))
            merged = child(properties, "vMerge")
            if merged is not None and _value(merged) in ("", "continue") and len(above) > len(texts):
                text = above[len(texts)]
            else:
                text = self._cell(cell)
            texts += [text] * (min(int(span), _MAX_SPAN) if span.isdecimal() else 1)
        return texts[:_MAX_SPAN]

    def _cell(self, cell: Element) -> str:
        """The text of a cell on one line; of tables in it, the cells one after the other."""
        parts = []
        for block in cell:
            if local(block) == "p":
                parts.append(self._text(block))
            elif local(block) == "tbl":
                parts += [self._cell(inner) for row in _rows(block) for inner in _cells(row)]
            elif local(block) in _TRANSPARENT:
                parts.append(self._cell(block))
        return " ".join(filter(str.strip, parts))

    def leave_out_comments(self, package: Package, part: str) -> None:
        """Count the comments as left out."""
        self.builder.leave_out("comment", len(children(_related_xml(package, part, "comments"), "comment")))


def _related_xml(package: Package, part: str, kind: str) -> Element | None:
    return next((package.xml(name) for name in related(package, part, kind)), None)


def _notes(root: Element | None) -> dict[str | None, Element]:
    """Notes by their ids, without the lines that part them from the text."""
    notes = (*children(root, "footnote"), *children(root, "endnote"))
    return {attribute(note, "id"): note for note in notes if (attribute(note, "type") or "normal") == "normal"}


def _value(element: Element | None) -> str:
    return "" if element is None else attribute(element, "val") or ""


def _is_contents(block: Element) -> bool:
    """Whether a block is a table of contents, or other text that Word puts together itself."""
    gallery = child(block, "sdtPr", "docPartObj", "docPartGallery")
    return _value(gallery) == "Table of Contents"


def _is_within(element: Element, name: str, top: Element) -> bool:
    for above in element.iterancestors():
        if above is top:
            return False
        if local(above) == name or local(above) == "Fallback":
            return True
    return False


def _kind_of_drawing(drawing: Element) -> str:
    names = {local(below) for below in drawing.iterdescendants()}
    if "chart" in names:
        return "chart"
    return "diagram" if "relIds" in names else "picture"


def _rows(table: Element) -> Iterator[Element]:
    yield from _within(table, "tr")


def _cells(row: Element) -> Iterator[Element]:
    yield from _within(row, "tc")


def _within(parent: Element, name: str) -> Iterator[Element]:
    """Children of a name, also where a content control or a tracked insertion is wrapped around them."""
    for below in parent:
        if local(below) == name:
            yield below
        elif local(below) in _TRANSPARENT:
            yield from _within(below, name)
