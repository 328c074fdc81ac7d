"""What the formats with headings share: from headings and their levels to marks with the path of headings."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from askdoc.types import Mark

HEADING_SEPARATOR = " \N{SINGLE RIGHT-POINTING ANGLE QUOTATION MARK} "  # Title > Section, as menus show a path
MAX_LABEL = 120  # characters of one heading: a paragraph that "---" happens to follow is no title

_LINE = re.compile(r"[^\r\n]*+(?:\r\n?|\n|\Z)")


class Heading(NamedTuple):
    """A heading that begins at the offset `start`. level: the lower, the higher in the outline."""

    start: int
    level: int
    title: str


class Outline:
    """The headings that a place stands under, while a text is read from its beginning to its end."""

    def __init__(self) -> None:
        self._path: list[tuple[int, str]] = []

    @property
    def label(self) -> str | None:
        return HEADING_SEPARATOR.join(title for _, title in self._path) or None

    def enter(self, level: int, title: str) -> None:
        """A heading begins; those of its own level and below it end."""
        self._path = [outer for outer in self._path if outer[0] < level]
        self._path.append((level, title))


def marks(headings: Iterable[Heading]) -> Iterator[Mark]:
    """A mark for each heading, labelled with the headings that it stands under and itself."""
    outline = Outline()
    for heading in headings:
        outline.enter(heading.level, heading.title)
        yield Mark(heading.start, outline.label, None)


def lines(text: str) -> Iterator[tuple[int, str]]:
    """The lines of a text, without white space at their ends, and where each begins."""
    for found in _LINE.finditer(text):
        if found[0]:
            yield found.start(), found[0].rstrip()
