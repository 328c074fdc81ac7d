"""A reader without a model. It answers with words of a sentence that shares many words with the question.

For tests, and as the baseline that the bundled reader has to beat.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence

from askdoc.readers.spans import PER_PASSAGE, tidy
from askdoc.types import Reading, Span

_SENTENCE = re.compile(r"[^.!?\n]+(?:[.!?](?!\s|$)[^.!?\n]*)*[.!?]?")
_WORD = re.compile(r"\w+")
_COMMON = frozenset(
    "a an and are as at by did do does for from how in is it of on or that the this to was were what when where which"
    " who whom whose why will with".split()
)


class OverlapReader:
    """Ranks sentences by the share of the question's rarer words in them; answers with their longest run of others."""

    name = "overlap"
    english = False
    fingerprint = hashlib.sha256(b"overlap reader 1").hexdigest()

    def __init__(self, argument: str = "") -> None:
        pass

    def read(self, question: str, passages: Sequence[str]) -> list[Reading]:
        asked = {word for word in map(str.lower, _WORD.findall(question)) if word not in _COMMON}
        return [self._read(asked, passage) for passage in passages]

    def _read(self, asked: set[str], passage: str) -> Reading:
        spans = [_span(asked, passage, *match.span()) for match in _SENTENCE.finditer(passage)]
        spans = sorted((span for span in spans if span.start < span.end), key=lambda span: (-span.score, span.start))
        return Reading(tuple(spans[:PER_PASSAGE]))


def _span(asked: set[str], passage: str, start: int, end: int) -> Span:
    """The longest run of a sentence without a word of the question.

    Its score is 6 × (share of the question's words that are in the sentence) − 3.
    """
    words = list(_WORD.finditer(passage, start, end))
    shared = {word.group().lower() for word in words} & asked
    borders = [start, *(edge for word in words if word.group().lower() in asked for edge in word.span()), end]
    runs = [tidy(passage, first, last) for first, last in zip(borders[::2], borders[1::2], strict=True)]
    first, last = max(runs, key=lambda run: run[1] - run[0])
    return Span(first, last, 6.0 * len(shared) / max(1, len(asked)) - 3.0)
