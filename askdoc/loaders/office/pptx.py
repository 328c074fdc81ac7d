"""PowerPoint presentations (PPTX): slide by slide, with the speaker's notes, cited as "slide 3: Results"."""

from __future__ import annotations

from collections.abc import Iterator

from askdoc.loaders.guard import guarded
from askdoc.loaders.office.package import Package, related, relations
from askdoc.loaders.textbuilder import TextBuilder, single_line
from askdoc.loaders.xml import Element, attribute, child, children, descendants, local
from askdoc.types import Content

_TITLES = frozenset(("title", "ctrTitle"))
_RUNNING = frozenset(("dt", "ftr", "hdr", "sldNum", "sldImg"))  # date, foot, head, number, picture of the slide
_BULLETED = frozenset(("body", "obj", ""))
_RELATION = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}id"


@guarded("PowerPoint presentation")
def load(data: bytes) -> Content:
    """Read the slides that are shown, and what is noted to them; pictures, charts and hidden slides are left out."""
    package = Package(data)
    part = next(iter(related(package, "", "officeDocument")))
    slides = relations(package, part)
    builder = TextBuilder()
    for number, entry in enumerate(children(child(package.xml(part), "sldIdLst"), "sldId"), 1):
        _, name = slides.get(entry.get(_RELATION, ""), ("", ""))
        if name in package.names:
            _Slide(package, name, builder).read(number)
    return builder.content()


def slide_place(number: int, title: str) -> str:
    """What a citation says of a slide."""
    return f"slide {number}: {title}" if title else f"slide {number}"


class _Slide:
    """One slide, added to the builder."""

    def __init__(self, package: Package, name: str, builder: TextBuilder) -> None:
        self.package, self.name, self.builder = package, name, builder
        self.root = package.xml(name)

    def read(self, number: int) -> None:
        """Add the slide, its title first, and its notes."""
        if self.root.get("show") in ("0", "false"):
            self.builder.leave_out("hidden slide")
            return
        shapes = list(_shapes(child(self.root, "cSld", "spTree")))
        title = next((shape for shape in shapes if _placeholder(shape) in _TITLES), None)
        words = "" if title is None else single_line(_text(child(title, "txBody")))
        place = slide_place(number, words)
        self.builder.move_to(place)
        self.builder.paragraph(words)
        for shape in shapes:
            if shape is not title:
                self._shape(shape, words)
        self.builder.move_to(f"{place}, notes")
        for notes in related(self.package, self.name, "notesSlide"):
            self._notes(self.package.xml(notes))

    def _shape(self, shape: Element, title: str) -> None:
        kind = _placeholder(shape)
        if kind in _RUNNING:
            return
        if local(shape) == "pic":
            self.builder.leave_out("picture")
        for table in descendants(child(shape, "graphic"), "tbl"):
            self._table(table, title)
        if descendants(child(shape, "graphic"), "chart"):
            self.builder.leave_out("chart")
        for diagram in descendants(child(shape, "graphic"), "relIds"):
            self._diagram(diagram)
        for paragraph in children(child(shape, "txBody"), "p"):
            text = _paragraph_text(paragraph)
            if kind in _BULLETED and child(paragraph, "pPr", "buNone") is None and text.strip():
                self.builder.item(f"• {text}")
            else:
                self.builder.paragraph(text)

    def _table(self, table: Element, title: str) -> None:
        grid: list[list[str]] = []
        for row in children(table, "tr"):
            texts: list[str] = []
            for cell in children(row, "tc"):
                if cell.get("hMerge") in ("1", "true") and texts:
                    texts.append(texts[-1])
                elif cell.get("vMerge") in ("1", "true") and grid and len(grid[-1]) > len(texts):
                    texts.append(grid[-1][len(texts)])
                else:
                    texts.append(_text(child(cell, "txBody")).replace("\n", " "))
            grid.append(texts)
        properties = child(table, "tblPr")
        headed = True if properties is not None and properties.get("firstRow") in ("1", "true") else None
        self.builder.table(grid, headed=headed, title=title)

    def _diagram(self, diagram: Element) -> None:
        """Add the texts of a SmartArt diagram, which are in a part of their own."""
        _, name = relations(self.package, self.name).get(attribute(diagram, "dm") or "", ("", ""))
        if name in self.package.names:
            for paragraph in descendants(self.package.xml(name), "p"):
                self.builder.item(_paragraph_text(paragraph))

    def _notes(self, root: Element) -> None:
        for shape in _shapes(child(root, "cSld", "spTree")):
            if _placeholder(shape) not in _RUNNING:
                for paragraph in children(child(shape, "txBody"), "p"):
                    self.builder.paragraph(_paragraph_text(paragraph))


def _shapes(tree: Element | None) -> Iterator[Element]:
    """The shapes of a slide, those in groups too; of alternatives, which show the same, the first."""
    for shape in tree if tree is not None else ():
        if local(shape) == "grpSp":
            yield from _shapes(shape)
        elif local(shape) == "AlternateContent":
            yield from _shapes(child(shape, "Choice"))
        elif local(shape) in ("sp", "pic", "graphicFrame", "cxnSp"):
            yield shape


def _placeholder(shape: Element) -> str | None:
    """What a shape holds the place of, such as "title"; "" if that is not said, None if it is no placeholder."""
    for part in shape:
        if local(part).startswith("nv"):
            placeholder = child(part, "nvPr", "ph")
            return None if placeholder is None else placeholder.get("type", "")
    return None


def _text(body: Element | None) -> str:
    return "\n".join(_paragraph_text(paragraph) for paragraph in children(body, "p"))


def _paragraph_text(paragraph: Element) -> str:
    parts = []
    for below in paragraph:
        if local(below) == "br":
            parts.append("\n")
        elif local(below) in ("r", "fld") and below.get("type") != "slidenum":
            parts += [text.text or "" for text in children(below, "t")]
    return "".join(parts)
