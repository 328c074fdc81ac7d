"""The blocks of a laid-out document, in reading order → text in which blank lines part them, with marks."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

from askdoc.errors import LoadError
from askdoc.loaders import Loaded
from askdoc.loaders.tables import is_layout, table_rows
from askdoc.loaders.text.headings import HEADING_SEPARATOR, MAX_LABEL
from askdoc.types import Mark

MAX_CHARACTERS = 100_000_000  # a small file may say that it repeats something a billion times

_BLANK_LINES = re.compile(r"\s*\n\s*")
# Soft hyphens, zero-width spaces, word joiners, byte order marks; control characters; what is no character.
_INVISIBLE = re.compile("[\u00ad\u200b\u2060\ufeff\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f\ufffe\uffff]")
_LONE_SURROGATE = re.compile("[\ud800-\udfff]")


def tidy(text: str) -> str:
    """Without what cannot be seen; white space as single spaces, line breaks as single ones."""
    visible = _LONE_SURROGATE.sub("\ufffd", _INVISIBLE.sub("", text))
    return "\n".join(" ".join(line.split()) for line in _BLANK_LINES.split(visible.strip()))


class Draft:
    """Collects a document block by block, and keeps account of the headings, rows and pages they stand under.

    place: what a citation begins with where a format has places of its own, such as "slide 3: Results".
    """

    def __init__(self) -> None:
        self._parts: list[str] = []
        self._length = 0
        self._marks: list[Mark] = []
        self._path: list[tuple[int, str]] = []
        self._place: str | None = None
        self._begins = False  # the next block opens a section, whatever its label
        self._in_list = False
        self._left_out: Counter[str] = Counter()
        self._remarks: dict[str, None] = {}

    @property
    def innermost(self) -> str:
        """The last heading; "" if there is none."""
        return self._path[-1][1] if self._path else ""

    def enter(self, level: int, title: str) -> None:
        """From here on the text stands under a heading that is itself no part of the text, such as a book's title."""
        self._path = [outer for outer in self._path if outer[0] < level]
        self._path.append((level, title))
        self._begins = True

    def move_to(self, place: str | None) -> None:
        """From here on the text stands in another place, such as the next slide; no heading reaches into it."""
        self._place, self._path, self._begins = place, [], True

    def heading(self, level: int, title: str, *, page: int | None = None) -> None:
        """Add a heading; level: smaller ones are further out. What is too long to be a heading is a paragraph."""
        title = " ".join(tidy(title).split())
        if 0 < len(title) <= MAX_LABEL:
            self.enter(level, title)
        self.paragraph(title, page=page)

    def paragraph(self, text: str, *, page: int | None = None) -> None:
        """Add a paragraph, with single line breaks where its lines are to be kept apart."""
        self._add(tidy(text), self._label(), page, "\n\n")
        self._in_list = False

    def continue_paragraph(self, text: str, *, joint: str, page: int | None) -> None:
        """Add the rest of the last paragraph, which may be on another page. joint: what stands between the two."""
        self._add(tidy(text), self._label(), page, joint)

    def item(self, text: str) -> None:
        """Add an item of a list, its bullet or number included; items that follow one another make one block."""
        self._add(tidy(text), self._label(), None, "\n" if self._in_list and not self._begins else "\n\n")
        self._in_list = True

    def verbatim(self, text: str) -> None:
        """Add lines whose spacing counts, such as a listing."""
        lines = _LONE_SURROGATE.sub("\ufffd", _INVISIBLE.sub("", text)).expandtabs().splitlines()
        self._add("\n".join(line.rstrip() for line in lines).strip("\n"), self._label(), None, "\n\n")
        self._in_list = False

    def row(self, number: int, text: str, *, page: int | None = None) -> None:
        """Add a row of a table, from 1, with its own citation."""
        label = self._label()
        self._begins = True
        self._add(tidy(text), f"{label}, row {number}" if label else f"row {number}", page, "\n\n")
        self._in_list = False

    def table(
        self,
        grid: Sequence[Sequence[str]],
        *,
        headed: bool | None = None,
        title: str | None = None,
        page: int | None = None,
    ) -> None:
        """Add a table row by row. headed: whether its first row names the columns, None if nobody says.

        title: of the table, by default the heading it stands under. What only lays out text in columns is paragraphs.
        """
        grid = [[" ".join(tidy(cell).split()) for cell in row] for row in grid]
        if is_layout(grid):
            for cell in dict.fromkeys((title or "", *(cell for row in grid for cell in row))):
                self.paragraph(cell, page=page)
            return
        for number, text in table_rows(grid, headed=headed):
            prefix = self.innermost if title is None else title
            self.row(number, f"{prefix}. {text}" if prefix else text, page=page)

    def leave_out(self, what: str, count: int = 1) -> None:
        """Remember something that is not in the text and might be missed. what: in the singular, such as "picture"."""
        self._left_out[what] += count

    def remark(self, text: str) -> None:
        """Tell the reader of the report, once."""
        self._remarks[text] = None

    def loaded(self) -> Loaded:
        """Everything that was added."""
        left_out = [f"{count} {what}{'s' if count > 1 else ''}" for what, count in self._left_out.items() if count]
        told = [f"left out: {', '.join(left_out)}"] if left_out else []
        return Loaded("".join(self._parts), tuple(self._marks), (*self._remarks, *told), extracted=True)

    def _label(self) -> str | None:
        parts = [part for part in (self._place, *(title for _, title in self._path)) if part]
        told = [part for at, part in enumerate(parts) if part not in parts[:at]]  # a chapter named like its book
        return HEADING_SEPARATOR.join(told) or None

    def _add(self, text: str, label: str | None, page: int | None, joint: str) -> None:
        if not text.strip():
            return
        if self._parts:
            self._parts.append(joint)
            self._length += len(joint)
        last = self._marks[-1] if self._marks else Mark(0, None, None)
        if self._begins or (label, page) != (last.label, last.page):
            self._marks.append(Mark(self._length, label, page))
        self._begins = False
        self._parts.append(text)
        self._length += len(text)
        if self._length > MAX_CHARACTERS:
            raise LoadError(f"its text is longer than {MAX_CHARACTERS:,} characters", hint="split it")
