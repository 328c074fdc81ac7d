"""Sections: the text under one heading. Splitting and citing both use them, so that they agree on every label."""

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
    """Text under one heading: `document.text[start:end]`."""

    start: int
    end: int
    label: str | None  # the heading, with the headings above it
    headed: bool  # the text starts with its heading


def sections(document: Document) -> Iterator[Section]:
    """The sections of a document, in order, without the ranges in `document.content.skip`."""
    opening = headings(document)
    headed = {mark.start for mark in opening}
    borders = headed | {0, len(document.text)} | {border for skipped in document.content.skip for border in skipped}
    skipped_until = dict(document.content.skip)
    read_from = 0
    label, remaining = None, iter(opening)
    upcoming = next(remaining, None)
    for start, end in pairwise(sorted(borders)):
        while upcoming is not None and upcoming.start <= start:
            label, upcoming = upcoming.label, next(remaining, None)
        read_from = max(read_from, skipped_until.get(start, 0))
        if start >= read_from:
            yield Section(start, end, label, start in headed)


def headings(document: Document) -> Sequence[Mark]:
    """The marks that open sections, each with the label of its section.

    A heading directly below its parent opens no section of its own; it becomes the label of its parent's section.
    """
    opening: list[Mark] = []
    last = previous = _NO_MARK
    for mark in document.content.marks:
        if mark.label != previous.label or mark.page == previous.page:  # otherwise it only begins a page
            if opening and _is_bare(document.text[last.start : mark.start], last, mark):
                opening[-1] = replace(opening[-1], label=mark.label)
            else:
                opening.append(mark)
            last = mark
        previous = mark
    return opening


def _is_bare(text: str, heading: Mark, following: Mark) -> bool:
    """Is `text` only `heading`, and is `following` a heading below it, with a label that begins with its label?"""
    below = bool(heading.label) and (following.label or "").startswith(heading.label or "")
    return below and TITLE.fullmatch(text.strip()) is not None
