"""What the loaders share whose text is extracted: parts of text with labels become one text with marks."""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from askdoc.loaders import Loaded
from askdoc.types import Mark

_HALF_PAIR = re.compile("[\ud800-\udfff]")  # what JSON can escape and no encoding can hold


class Part(NamedTuple):
    """A text that stands under one label."""

    label: str | None
    text: str


def assemble(parts: Iterable[Part], remarks: Sequence[str] = ()) -> Loaded:
    """Put parts below one another, a blank line between them; where the label changes stands a mark."""
    pieces: list[str] = []
    marks: list[Mark] = []
    at, label = 0, None
    for part in parts:
        text = clean(part.text)
        if not text:
            continue
        if part.label != label:
            label = part.label
            marks.append(Mark(at, None if label is None else clean(label), None))
        pieces.append(text)
        at += len(text) + 2
    return Loaded("\n\n".join(pieces), tuple(marks), tuple(remarks), extracted=True)


def clean(text: str) -> str:
    """A text that any file can hold, without white space around it."""
    return _HALF_PAIR.sub("\N{REPLACEMENT CHARACTER}", text).strip()


_HUGE_NUMBER = re.compile(r"&#\d{8,}+")  # no character has it, and Python refuses to read the longest ones


def unescape(text: str) -> str:
    """HTML's character references as the characters that they mean."""
    return html.unescape(_HUGE_NUMBER.sub("\N{REPLACEMENT CHARACTER}", text))
