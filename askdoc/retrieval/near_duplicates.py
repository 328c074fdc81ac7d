"""Passages with nearly the same text, by their shingles (Broder 1997): runs of three words. Pure."""

from __future__ import annotations

import re
from typing import TypeAlias

SAME = 0.8  # the Jaccard index of two passages' shingles from which on they count as one

Shingles: TypeAlias = frozenset[tuple[str, ...]]

_WORD = re.compile(r"\w+")


def shingles(text: str) -> Shingles:
    """A text's runs of three words; of a shorter text the text itself."""
    words = _WORD.findall(text.casefold())
    return frozenset(zip(words, words[1:], words[2:], strict=False)) or frozenset({(text,)})


def nearly_same(mine: Shingles, others: Shingles) -> bool:
    """Is the Jaccard index of two passages' shingles at least `SAME`?"""
    # The smaller set bounds the intersection, so most pairs are told apart without looking into them.
    if min(len(mine), len(others)) < SAME * max(len(mine), len(others)):
        return False
    common = len(mine & others)
    return common >= SAME * (len(mine) + len(others) - common)
