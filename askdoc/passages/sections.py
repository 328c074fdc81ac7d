"""Sections: what is under one heading. Cutting and citing use the same ones, so that they agree on every label."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import NamedTuple

from askdoc.types import Document, Mark

TITLE = re.compile(r"[^\r\n]*+(?:(?:\r\n?|\n)[ \t]*+(?:=++|-++))?")  # Markdown also underlines with "=" or "-"

_NO_MARK = Mark(0, None, None)


class Section(NamedTuple):
    """Text under one heading."""

    start: int
    end: int
    label: str | None
    headed: bool  # it starts with its heading


def sections(document: Document) -> Iterator[Section]:
    """What is to be read of a document, cut at headings and at `document.content.skip`."""
    opening = headings(document)
    headed = {mark.start for mark in opening}
    borders = headed | {0, len(document.text)} | {border for skipped in document.content.skip for border in skipped}
    unread = dict(document.content.skip)
    read_from = 0
    label, following = None, iter(opening)
    upcoming = next(following, None)
    for start, end in pairwise(sorted(borders)):
        while upcoming is not None and upcoming.start <= start:
            label, upcoming = upcoming.label, next(following, None)
        read_from = max(read_from, unread.get(start, 0))
        if start >= read_from:
            yield Section(start, end, label, start in headed)


def headings(document: Document) -> Sequence[Mark]:
    """The marks that open sections, each with the label of its section.

    A heading directly below the one it belongs to opens no section of its own, but names that of the first.
    """
    opening: list[Mark] = []
    last = previous = _NO_MARK
    for mark in document.content.marks:
        if mark.label != previous.label or mark.page == previous.page:  # else only a page begins
            if opening and _is_bare(document.text[last.start : mark.start], last, mark):
                opening[-1] = replace(opening[-1], label=mark.label)
            else:
                opening.append(mark)
            last = mark
        previous = mark
    return opening


def _is_bare(text: str, heading: Mark, following: Mark) -> bool:
    """Whether `text` is `heading` and nothing else, and `following` a heading below it, whose label begins alike."""
    below = bool(heading.label) and (following.label or "").startswith(heading.label or "")
    return below and TITLE.fullmatch(text.strip()) is not None
