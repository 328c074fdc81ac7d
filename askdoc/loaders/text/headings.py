"""What formats share that are their own text: from headings and their levels to marks with the path of headings."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from askdoc.loaders.textbuilder import Outline
from askdoc.types import Mark

_LINE = re.compile(r"[^\r\n]*+(?:\r\n?|\n|\Z)")


class Heading(NamedTuple):
    """A heading that begins at the offset `start`. level: the lower, the higher in the outline."""

    start: int
    level: int
    title: str


def marks(headings: Iterable[Heading]) -> Iterator[Mark]:
    """A mark for each heading, labelled with its path."""
    outline = Outline()
    for heading in headings:
        outline.enter(heading.level, heading.title)
        yield Mark(heading.start, outline.label, None)


def lines(text: str) -> Iterator[tuple[int, str]]:
    """The lines of a text, without white space at their ends, and where each begins."""
    for line in _LINE.finditer(text):
        if line[0]:
            yield line.start(), line[0].rstrip()
