"""Web pages: their main text, under the path of title and headings."""

from __future__ import annotations

import codecs
import re
from collections.abc import Callable, Iterator
from html.entities import html5
from itertools import islice
from typing import Any, TypeAlias

from lxml import etree

from askdoc.errors import LoadError
from askdoc.loaders.guard import guarded
from askdoc.loaders.text import plain
from askdoc.loaders.textbuilder import TextBuilder, single_line, visible_text
from askdoc.loaders.xml import attribute, local, parse_xml
from askdoc.types import Content

MAX_BYTES = 64 * 1024**2  # the tree takes about ten times as much
_MAX_SPAN = 100  # columns of one table; what a cell spans beyond is left out

Element: TypeAlias = Any  # lxml has no types of its own

_DECLARED = re.compile(
    rb"""<meta[^>]{0,200}?charset\s*=\s*["']?\s*([\w.:-]+)|^\s*<\?xml[^>]{0,100}?encoding\s*=\s*["']([\w.:-]+)""", re.I
)
_DECLARED_WITHIN = 4096  # bytes
_ENTITY = re.compile(r"&([A-Za-z][A-Za-z0-9]{1,30});")
_XML_ENTITIES = frozenset("amp lt gt quot apos".split())

_NO_TEXT = frozenset(
    "script style template noscript head nav iframe svg math object embed applet video audio canvas map dialog menu "
    "input button select textarea datalist option label progress meter rp rt".split()
)
_NO_TEXT_ROLES = frozenset(
    "navigation search banner contentinfo menu menubar noteref doc-noteref doc-backlink doc-toc".split()
)
_NO_TEXT_CLASSES = frozenset("footnote-ref footnote-back footnote-backref noteref mw-editsection".split())
_ARTICLE = frozenset("article main section blockquote".split())
_BLOCKS = frozenset(
    "address article aside blockquote body center dd details div dl dt fieldset figcaption figure footer form h1 h2 h3 "
    "h4 h5 h6 header hgroup hr html legend li main ol p pre section summary table tbody td tfoot th thead tr ul".split()
)
_HEADINGS = {f"h{level}": level for level in range(1, 7)}
_HIDDEN_STYLE = re.compile(r"(?:display\s*:\s*none|visibility\s*:\s*hidden)", re.I)


@guarded("web page")
def load(data: bytes) -> Content:
    """Read a web page: without scripts, navigation and forms. Raises LoadError for what is no text at all."""
    if len(data) > MAX_BYTES:
        raise LoadError(f"it is larger than {MAX_BYTES // 1024**2} MiB, which is too much for a web page")
    text, remarks = decode(data)
    builder = TextBuilder()
    for remark in remarks:
        builder.remark(remark)
    root = parse(text)
    if root is not None:
        title = page_title(root)
        if title:
            builder.enter(0, title)
        read_page(root, builder)
    return builder.content()


def page_text(markup: str) -> str:
    """What a page says, without places; "" if it says nothing."""
    builder = TextBuilder()
    root = parse(markup)
    if root is not None:
        read_page(root, builder)
    return builder.content().text


def decode(data: bytes) -> tuple[str, tuple[str, ...]]:
    """The characters of a page, and remarks: by its byte order mark, by what it declares, or else as plain text is."""
    declaration = _DECLARED.search(data[:_DECLARED_WITHIN])
    declared = (declaration[1] or declaration[2]).decode("ascii", "replace") if declaration else ""
    try:
        encoding = codecs.lookup(declared).name
    except LookupError:
        encoding = ""
    if encoding in ("ascii", "iso8859-1"):
        encoding = "cp1252"  # what browsers read
    if not encoding or encoding.startswith("utf") or data.startswith((b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff")):
        loaded = plain.load(data)
        return loaded.text, loaded.remarks
    text = data.decode(encoding, "replace")
    broken = text.count("\ufffd")
    return text, (f"{broken} places are not valid {declared}",) if broken else ()


def parse(text: str) -> Element | None:
    """The root of a page: of XHTML as XML, which knows empty elements, of anything else as browsers do."""
    text = text.replace("\0", "")
    if "<html" in text[:_DECLARED_WITHIN] and "http://www.w3.org/1999/xhtml" in text[:_DECLARED_WITHIN]:
        body = re.sub(r"^\s*<\?xml[^>]*\?>", "", text)
        try:
            return parse_xml(_ENTITY.sub(_character, body).encode())
        except etree.XMLSyntaxError:
            pass  # not well-formed: then it is read as HTML
    parser = etree.HTMLParser(encoding="utf-8", no_network=True, remove_comments=True, remove_pis=True, huge_tree=False)
    text = re.sub(r"^\s*<\?xml[^>]*\?>", "", text)
    return etree.fromstring(text.encode("utf-8", "replace"), parser) if text.strip() else None


def _character(entity: re.Match[str]) -> str:
    """The character of a named entity: XML knows only five of them."""
    return entity[0] if entity[1] in _XML_ENTITIES else html5.get(f"{entity[1]};", entity[0])


def page_title(root: Element) -> str:
    """The title, unless the first heading says the same or is the same without the site's name."""
    title = _first_text(root, lambda name: name == "title")
    heading = _first_text(root, lambda name: name in _HEADINGS)
    return "" if heading and heading.casefold() in title.casefold() else title


def _first_text(root: Element, wanted: Callable[[str], bool]) -> str:
    first = next((element for element in root.iter() if wanted(local(element))), None)
    return "" if first is None else single_line("".join(first.itertext()))


def read_page(root: Element, builder: TextBuilder) -> None:
    """Add the text of a page to a text."""
    body = next((element for element in root.iter() if local(element) == "body"), root)
    names = {local(element) for element in body.iter()}
    _Reader(builder, has_article=bool(names & {"article", "main"})).read(body)


class _Reader:
    """Walks through a page without recursion, and adds a block wherever one ends."""

    def __init__(self, builder: TextBuilder, *, has_article: bool) -> None:
        self.builder = builder
        self.has_article = has_article
        self.words: list[str] = []
        self.lists: list[int | None] = []  # for each list that is open: the number of the last item, None for bullets
        self.item = ""  # what the next block begins with, if it is an item's first

    def read(self, body: Element) -> None:
        walk = etree.iterwalk(body, events=("start", "end"))
        for event, element in walk:
            name = local(element)
            if event == "end":
                self._end(name)
                if element is not body:
                    self.words.append(_spaceless(element.tail))
            elif _is_no_text(element, has_article=self.has_article) or self._is_whole(element, name):
                walk.skip_subtree()
            else:
                self._start(element, name)
        self._flush()

    def _is_whole(self, element: Element, name: str) -> bool:
        """Add what is read as a whole; whether it was."""
        if name == "table" and not is_frame(element):
            self._flush()
            add_table(self.builder, element)
        elif name == "pre":
            self._flush()
            self.builder.verbatim("".join(element.itertext()))
        elif name in _HEADINGS:
            self._flush()
            self.builder.heading(_HEADINGS[name], inline_text(element))
        else:
            return False
        return True

    def _start(self, element: Element, name: str) -> None:
        if name in _BLOCKS:
            self._flush()
        if name in ("ul", "ol"):
            start = attribute(element, "start") or ""
            self.lists.append(None if name == "ul" else (int(start) if start.isdecimal() else 1) - 1)
        elif name == "li":
            self.item = self._bullet()
        elif name == "br":
            self.words.append("\n")
        elif name == "img" and not _is_ornament(element):
            self.builder.leave_out("picture")
        self.words.append(_spaceless(element.text))

    def _bullet(self) -> str:
        if not self.lists or self.lists[-1] is None:
            return "• "
        self.lists[-1] += 1
        return f"{self.lists[-1]}. "

    def _end(self, name: str) -> None:
        if name in _BLOCKS:
            self._flush()
        if name in ("ul", "ol") and self.lists:
            self.lists.pop()

    def _flush(self) -> None:
        text = visible_text("".join(self.words))
        self.words = []
        if not text:
            return
        if self.lists:
            self.builder.item(f"{self.item}{text}")
        else:
            self.builder.paragraph(text)
        self.item = ""


def _spaceless(text: str | None) -> str:
    """Text in which line breaks mean no more than spaces, as outside of <pre>."""
    return re.sub(r"[\r\n]+", " ", text or "")


def _is_no_text(element: Element, *, has_article: bool) -> bool:
    """Whether it is not part of what the page says: code, navigation, forms, what is not shown."""
    name = local(element)
    if not name or name in _NO_TEXT or _is_hidden(element):
        return True
    if name == "form":
        return not any(local(below) in {"p", "article", "table", *_HEADINGS} for below in element.iterdescendants())
    if name == "sup":
        return _is_note_mark(element)
    if name not in ("header", "footer", "aside"):
        return False
    if any(local(above) in _ARTICLE for above in element.iterancestors()):
        return False
    if name == "header":
        return not any(local(below) in _HEADINGS for below in element.iterdescendants())
    return name == "footer" or has_article


def _is_hidden(element: Element) -> bool:
    if element.get("hidden") is not None or element.get("aria-hidden") == "true":
        return True
    if _HIDDEN_STYLE.search(element.get("style") or ""):
        return True
    roles = f"{element.get('role') or ''} {attribute(element, 'type') or ''}".split()
    classes = (element.get("class") or "").split()
    return bool(_NO_TEXT_ROLES.intersection(roles) or _NO_TEXT_CLASSES.intersection(classes))


def _is_note_mark(element: Element) -> bool:
    """Whether this is the number of a footnote: it would be in the middle of a sentence."""
    links = any(local(below) == "a" for below in element.iterdescendants())
    return links and re.fullmatch(r"\W*(?:\w{1,3}|note \d+)\W*", "".join(element.itertext()).strip()) is not None


def _is_ornament(element: Element) -> bool:
    return element.get("alt") == "" or element.get("width") in ("0", "1") or element.get("height") in ("0", "1")


def inline_text(element: Element) -> str:
    """The text in an element, block elements in it apart."""
    parts: list[str] = [_spaceless(element.text)]
    walk = etree.iterwalk(element, events=("start", "end"))
    for event, below in walk:
        if below is element:
            continue
        name = local(below)
        if event == "start" and _is_no_text(below, has_article=False):
            walk.skip_subtree()
        elif event == "start":
            parts.append((" " if name in _BLOCKS or name == "br" else "") + _spaceless(below.text))
        else:
            parts.append((" " if name in _BLOCKS else "") + _spaceless(below.tail))
    return single_line("".join(parts))


# --- tables


def is_frame(table: Element) -> bool:
    """Whether a table only lays out a page: it says so, or holds tables, headings or lists."""
    if table.get("role") in ("presentation", "none"):
        return True
    return any(local(below) in {"table", "ul", "ol", "pre", *_HEADINGS} for below in table.iterdescendants())


def add_table(builder: TextBuilder, table: Element) -> None:
    """Add a table's caption and rows."""
    caption = next((inline_text(below) for below in table if local(below) == "caption"), "")
    rows = [list(_cells(row)) for row in table.iterdescendants() if local(row) == "tr"]
    builder.table(_grid(rows), headed=_is_headed(table, rows), title=caption or None)


def _is_headed(table: Element, rows: list[list[tuple[Element, int, int]]]) -> bool | None:
    """Whether the first row names the columns, None if the page does not say."""
    kinds = [[local(cell) for cell, *_ in row] for row in rows if row]
    if any(local(part) == "thead" for part in table) or (kinds and set(kinds[0]) == {"th"}):
        return True
    return False if kinds and all(row == ["th", "td"] for row in kinds) else None


def _cells(row: Element) -> Iterator[tuple[Element, int, int]]:
    """The cells of a row, with the number of columns and of rows that each takes."""
    for cell in row:
        if local(cell) in ("td", "th"):
            yield cell, _span(cell, "colspan"), _span(cell, "rowspan")


def _span(cell: Element, name: str) -> int:
    value = cell.get(name) or ""
    return min(max(1, int(value)), _MAX_SPAN) if value.isdecimal() and len(value) < 6 else 1


def _grid(rows: list[list[tuple[Element, int, int]]]) -> list[list[str]]:
    """The text of each cell of a table; a merged cell is in each that it covers."""
    grid: list[list[str]] = []
    open_cells: dict[int, tuple[str, int]] = {}  # column → text of a cell from above, and for how many more rows
    for row in rows:
        texts: dict[int, str] = {at: text for at, (text, _) in open_cells.items()}
        below = {at: (text, left - 1) for at, (text, left) in open_cells.items() if left > 1}
        at = 0
        for cell, columns, height in row:
            while at in open_cells:
                at += 1
            text = inline_text(cell)
            for column in islice(range(at, _MAX_SPAN), columns):
                texts[column] = text
                if height > 1:
                    below[column] = (text, height - 1)
            at += columns
        open_cells = below
        grid.append([texts.get(column, "") for column in range(max(texts, default=-1) + 1)])
    return grid
