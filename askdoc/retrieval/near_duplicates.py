"""Passages with nearly the same text, by their shingles (Broder 1997): runs of three words. Pure."""

from __future__ import annotations

import re
from typing import TypeAlias

SAME = 0.8  # Jaccard index of the shingles at which two passages count as one

Shingles: TypeAlias = frozenset[tuple[str, ...]]

_WORD = re.compile(r"\w+")


def shingles(text: str) -> Shingles:
    """The runs of three words of a text; for a shorter text, the text itself."""
    words = _WORD.findall(text.casefold())
    return frozenset(zip(words, words[1:], words[2:], strict=False)) or frozenset({(text,)})


def nearly_same(first: Shingles, second: Shingles) -> bool:
    """Is the Jaccard index of two passages' shingles at least `SAME`?"""
    # The smaller set bounds the intersection: most pairs are decided by their sizes.
    if min(len(first), len(second)) < SAME * max(len(first), len(second)):
        return False
    common = len(first & second)
    return common >= SAME * (len(first) + len(second) - common)
