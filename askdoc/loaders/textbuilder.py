"""What every format that is not its own text becomes: blocks in reading order, a blank line between them, with marks.

A format that knows its structure calls `heading`, `paragraph`, `item`, `table` and so on, and the builder keeps track
of headings. One that knows the label of each text, such as a row or a time, calls `add`, or `assemble` for all of them.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import groupby
from typing import NamedTuple

from askdoc.errors import LoadError
from askdoc.loaders.rows import Row, is_layout, row_sentences
from askdoc.types import Content, Mark

HEADING_SEPARATOR = " \N{SINGLE RIGHT-POINTING ANGLE QUOTATION MARK} "  # Title > Section, as menus show a path
MAX_LABEL = 120  # characters of one heading: a paragraph that "---" happens to follow is no title
MAX_CHARACTERS = 100_000_000  # a small file may say that it repeats something a billion times

_BLANK_LINES = re.compile(r"\s*\n\s*")
# Soft hyphens, zero-width spaces, word joiners, byte order marks; control characters; noncharacters.
_INVISIBLE = re.compile("[\u00ad\u200b\u2060\ufeff\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f\ufffe\uffff]")
_UNNAMED_SHEET = re.compile(
    r"(?:sheet|table|tabelle|blatt|feuil|feuille|hoja|foglio|planilha|blad|ark|list)\s*\d*", re.I
)
_LONE_SURROGATE = re.compile("[\ud800-\udfff]")  # JSON can escape it, and no encoding can hold it


def visible_text(text: str) -> str:
    """The text without invisible characters; runs of spaces become one space, blank lines one line break."""
    visible = storable(_INVISIBLE.sub("", text))
    return "\n".join(" ".join(line.split()) for line in _BLANK_LINES.split(visible.strip()))


def single_line(text: str) -> str:
    """The visible text with line breaks as spaces."""
    return " ".join(visible_text(text).split())


def storable(text: str) -> str:
    """The text with lone surrogates, which no file can hold, as replacement characters."""
    return _LONE_SURROGATE.sub("\N{REPLACEMENT CHARACTER}", text)


class Part(NamedTuple):
    """A text under one label."""

    label: str | None
    text: str


class Outline:
    """The path of headings above the current position, while a document is read from beginning to end."""

    def __init__(self) -> None:
        self._path: list[tuple[int, str]] = []

    @property
    def titles(self) -> list[str]:
        """The headings, outermost first."""
        return [title for _, title in self._path]

    @property
    def label(self) -> str | None:
        return HEADING_SEPARATOR.join(self.titles) or None

    def enter(self, level: int, title: str) -> None:
        """A heading begins; those of its own level and below it end. level: smaller ones are further out."""
        self._path = [outer for outer in self._path if outer[0] < level]
        self._path.append((level, title))


class TextBuilder:
    """Collects a document block by block, and marks where its headings, rows and pages begin.

    Only `add` and `verbatim` keep the spacing of what they are given. Empty blocks are ignored.
    """

    def __init__(self, remarks: Iterable[str] = ()) -> None:
        self._pieces: list[str] = []  # blocks and what is between them
        self._length = 0  # characters in `_pieces`
        self._marks: list[Mark] = []
        self._outline = Outline()
        self._place: str | None = None  # such as "slide 3: Results", in formats with places of their own
        self._begins = False  # the next block opens a section, whatever its label
        self._in_list = False  # the last block was an item
        self._left_out: Counter[str] = Counter()
        self._remarks = dict.fromkeys(remarks)  # in order, each once

    @property
    def innermost(self) -> str:
        """The last heading; "" if there is none."""
        return next(reversed(self._outline.titles), "")

    def enter(self, level: int, title: str) -> None:
        """Begin a section whose heading is not part of the text, such as a book's title."""
        self._outline.enter(level, title)
        self._begins = True

    def move_to(self, place: str | None) -> None:
        """Begin another place, such as the next slide; headings end here. Citations begin with the place."""
        self._place, self._outline, self._begins = place, Outline(), True

    def heading(self, level: int, title: str, *, page: int | None = None) -> None:
        """Add a heading; level: smaller ones are further out. What is too long to be a heading is a paragraph."""
        title = single_line(title)
        if 0 < len(title) <= MAX_LABEL:
            self.enter(level, title)
        self.paragraph(title, page=page)

    def paragraph(self, text: str, *, page: int | None = None) -> None:
        """Add a paragraph, with single line breaks where its lines are to be kept apart."""
        self._append(visible_text(text), self._label(), page)

    def continue_paragraph(self, text: str, *, joint: str, page: int | None) -> None:
        """Add the rest of the last paragraph, which may be on another page. joint: what is between the two."""
        self._append(visible_text(text), self._label(), page, joint=joint)

    def item(self, text: str) -> None:
        """Add a list item, its bullet or number included; consecutive items make one block."""
        joint = "\n" if self._in_list and not self._begins else "\n\n"
        self._append(visible_text(text), self._label(), joint=joint)
        self._in_list = True

    def verbatim(self, text: str) -> None:
        """Add lines whose spacing counts, such as a listing."""
        lines = storable(_INVISIBLE.sub("", text)).expandtabs().splitlines()
        self._append("\n".join(line.rstrip() for line in lines).strip("\n"), self._label())

    def row(self, number: int, text: str, *, page: int | None = None) -> None:
        """Add a row of a table, from 1, with its own citation."""
        label = self._label()
        self._begins = True
        self._append(visible_text(text), f"{label}, row {number}" if label else f"row {number}", page)

    def table(
        self,
        grid: Sequence[Sequence[str]],
        *,
        headed: bool | None = None,
        title: str | None = None,
        page: int | None = None,
    ) -> None:
        """Add a table row by row. headed: whether its first row names the columns, None if unknown.

        title: of the table, by default the heading above it. A table that only lays out text becomes paragraphs.
        """
        grid = [[single_line(cell) for cell in row] for row in grid]
        if is_layout(grid):
            for cell in dict.fromkeys((title or "", *(cell for row in grid for cell in row))):
                self.paragraph(cell, page=page)
            return
        prefix = self.innermost if title is None else title
        for number, text in row_sentences(enumerate(grid, 1), headed=headed):
            self.row(number, f"{prefix}. {text}" if prefix else text, page=page)

    def sheet(self, name: str, rows: Iterable[Row]) -> None:
        """Add a sheet of a workbook. rows: those that hold something, ascending, numbered as the program shows them.

        Rows without an empty row between them are a table of their own, with its own names of columns.
        """
        self.move_to(name)
        prefix = "" if _UNNAMED_SHEET.fullmatch(name) else f"{name}. "
        lines = ((number, [single_line(cell) for cell in cells]) for number, cells in rows)
        # consecutive rows have the same distance from their positions
        for _, group in groupby(enumerate(lines), key=lambda pair: pair[1][0] - pair[0]):
            block = dict(row for _, row in group)
            for number, text in row_sentences(block.items()):
                is_line = sum(map(bool, block[number])) < 2  # a title or a remark between tables
                self.row(number, text if is_line else prefix + text)

    def add(self, text: str, label: str | None) -> None:
        """Add a text as it is, under a label of its own instead of the headings'."""
        self._append(storable(text).strip(), None if label is None else storable(label).strip())

    def leave_out(self, what: str, count: int = 1) -> None:
        """Remember something that is not in the text and might be missed. what: in the singular, such as "picture"."""
        self._left_out[what] += count

    def remark(self, text: str) -> None:
        """Add a remark on the file, once."""
        self._remarks[text] = None

    def content(self) -> Content:
        """Everything that was added."""
        counts = [f"{count} {what}{'s' if count > 1 else ''}" for what, count in self._left_out.items() if count]
        left_out = [f"left out: {', '.join(counts)}"] if counts else []
        return Content("".join(self._pieces), tuple(self._marks), (*self._remarks, *left_out), extracted=True)

    def _label(self) -> str | None:
        """The path to the current position; a chapter named like its book is in it once."""
        return HEADING_SEPARATOR.join(dict.fromkeys(filter(None, (self._place, *self._outline.titles)))) or None

    def _append(self, text: str, label: str | None, page: int | None = None, *, joint: str = "\n\n") -> None:
        self._in_list = False
        if not text.strip():
            return
        if self._pieces:
            self._pieces.append(joint)
            self._length += len(joint)
        last = self._marks[-1] if self._marks else Mark(0, None, None)
        if self._begins or (label, page) != (last.label, last.page):
            self._marks.append(Mark(self._length, label, page))
        self._begins = False
        self._pieces.append(text)
        self._length += len(text)
        if self._length > MAX_CHARACTERS:
            raise LoadError(f"its text is longer than {MAX_CHARACTERS:,} characters", hint="split it")


def assemble(parts: Iterable[Part], remarks: Iterable[str] = ()) -> Content:
    """One text of parts that carry their own labels; a mark where the label changes."""
    builder = TextBuilder(remarks)
    for label, text in parts:
        builder.add(text, label)
    return builder.content()
