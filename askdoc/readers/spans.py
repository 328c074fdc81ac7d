"""Start and end logits → spans that a person would quote."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from askdoc.readers.question_type import BRIEF, CLAUSE
from askdoc.types import Span

if TYPE_CHECKING:
    import numpy.typing as npt

MAX_SPAN = 40  # word pieces; 99.5 % of the answers in the dev sets are shorter
PER_PASSAGE = 5  # spans of one passage at most
CONSIDERED = 60  # raw spans that are considered; many of the best overlap
# Chosen on half the articles of squad_v1.1_dev_a. On the other half, EM/F1 of brief answers rise from 71.9/80.0 to
# 73.2/80.7, of clauses from 34.9/56.6 to 34.9/59.6. "What" questions ask for both, and neither method helps them.
NEARLY = 0.4  # logits; a span this much below the best is nearly as good
TEMPERATURE = 0.6  # of the distribution over spans

_JOINERS = frozenset("'’-.,_\u2011")  # part of a word or a number if there are letters or digits on both sides
_PAIRS = {"(": ")", "[": "]", "{": "}", "“": "”", "«": "»"}
_GERMAN_PAIRS = {"(": ")", "[": "]", "{": "}", "„": "“", "»": "«"}  # the closing marks are the English opening ones
_STRAY = " \t\r\n\f\v\u00a0,;:!?…–—-*_|•·"
_BLANK_LINE = re.compile(r"(?:\r\n|\n|\r(?!\n))[ \t]*[\r\n]")
_ABBREVIATION = re.compile(r"(?:\b\w\.)+\w$|\b(?:Inc|Ltd|Co|Corp|Jr|Sr|St|Dr|Mr|Mrs|Ms|Prof|etc|al|No|vs|a\.m|p\.m)$")


def inside_word(text: str, border: int) -> bool:
    """Is the border between `text[border - 1]` and `text[border]` inside a word, a number or a hyphenated word?"""
    if border <= 0 or border >= len(text):
        return False
    before, after = text[border - 1], text[border]
    if _wordlike(before) and _wordlike(after):
        return True
    if _wordlike(before) and after in _JOINERS:
        return border + 1 < len(text) and _joined(before, after, text[border + 1])
    if before in _JOINERS and _wordlike(after):
        return border >= 2 and _joined(text[border - 2], before, after)
    return False


def _wordlike(character: str) -> bool:
    # Combining marks belong to the letter before them. In scripts without spaces every border will do.
    lettered = character.isalnum() or unicodedata.category(character)[0] == "M"
    return lettered and not "\u2e80" <= character <= "\u9fff"


def _joined(before: str, joiner: str, after: str) -> bool:
    if joiner in ".,":
        return before.isdigit() and after.isdigit()
    if joiner in "'’":  # the possessive may be left out: Trump|'s
        return before.isalpha() and after.isalpha() and after not in "sS"
    return before.isalpha() and after.isalpha()


def best_spans(
    text: str,
    offsets: Sequence[tuple[int, int]],
    start: npt.NDArray[np.float32],
    end: npt.NDArray[np.float32],
    *,
    kind: str = "what",
) -> list[Span]:
    """The best spans of one window, best first, without overlaps; `score` is the sum of the two logits.

    offsets: of the window's word pieces in `text`. start, end: their logits, shape (word pieces,). kind: the question's
    type (`question_type.kind_of`): of the possible borders of an answer, `BRIEF` types get the shortest span that is
    nearly the best, `CLAUSE` types the span with the highest expected F1.
    """
    if not offsets:
        return []
    raw = _raw_spans(text, offsets, start, end)
    borders = _shortest(raw) if kind in BRIEF else _expected(raw) if kind in CLAUSE else range(len(raw.scores))
    spans = (
        Span(*tidy(text, offsets[raw.first[chosen]][0], offsets[raw.last[chosen]][1]), float(raw.scores[number]))
        for number, chosen in enumerate(borders)
    )
    return distinct(spans, PER_PASSAGE)


@dataclass(frozen=True, slots=True)
class _Raw:
    """The best spans, best first; they may overlap."""

    first: npt.NDArray[np.intp]  # (spans,): the first word piece of each
    last: npt.NDArray[np.intp]  # (spans,): the last one, inclusive
    scores: npt.NDArray[np.float32]  # (spans,)


def _raw_spans(
    text: str, offsets: Sequence[tuple[int, int]], start: npt.NDArray[np.float32], end: npt.NDArray[np.float32]
) -> _Raw:
    starts = np.array([not inside_word(text, first) for first, _ in offsets], dtype=bool)
    ends = np.array([not inside_word(text, last) for _, last in offsets], dtype=bool)
    reach = min(MAX_SPAN, len(offsets))
    ending = np.concatenate([np.where(ends, end, -np.inf), np.full(reach - 1, -np.inf)])
    # scores[first, more]: from word piece `first` to word piece `first + more`
    scores = np.where(starts, start, -np.inf)[:, None] + np.lib.stride_tricks.sliding_window_view(ending, reach)
    paragraphs = _paragraphs(text, offsets)
    lasts = np.concatenate([paragraphs, np.full(reach - 1, -1)])
    together = np.lib.stride_tricks.sliding_window_view(lasts, reach) == paragraphs[:, None]
    flat = np.where(together, scores, -np.inf).ravel()
    best = min(flat.size, CONSIDERED)
    order = np.argpartition(flat, flat.size - best)[-best:]
    order = order[np.argsort(-flat[order], kind="stable")]
    order = order[np.isfinite(flat[order])]
    return _Raw(order // reach, order // reach + order % reach, flat[order])


def _paragraphs(text: str, offsets: Sequence[tuple[int, int]]) -> npt.NDArray[np.intp]:
    """The number of the paragraph of each word piece: a span must not go from a heading into the text below."""
    breaks = [match.start() for match in _BLANK_LINE.finditer(text)]
    return np.searchsorted(breaks, [first for first, _ in offsets])


def _shortest(raw: _Raw) -> Iterator[int]:
    """For each span, the number of the shortest span inside it that is nearly as good."""
    for number, score in enumerate(raw.scores):
        inside = (raw.first >= raw.first[number]) & (raw.last <= raw.last[number]) & (raw.scores >= score - NEARLY)
        yield int(np.argmin(np.where(inside, raw.last - raw.first, MAX_SPAN)))


def _expected(raw: _Raw) -> Iterator[int]:
    """For each span, the number of the overlapping span with the highest expected F1 (minimum Bayes risk)."""
    chances = np.exp((raw.scores - raw.scores.max(initial=-np.inf)) / TEMPERATURE)
    shared = np.minimum(raw.last[:, None], raw.last) - np.maximum(raw.first[:, None], raw.first) + 1
    lengths = raw.last - raw.first + 1
    overlap = 2 * np.maximum(shared, 0) / (lengths[:, None] + lengths)
    expected = overlap @ chances
    for number in range(len(raw.scores)):
        yield int(np.argmax(np.where(shared[number] > 0, expected, -np.inf)))


def distinct(spans: Iterable[Span], limit: int) -> list[Span]:
    """The first `limit` spans that are not empty and do not overlap with an earlier one."""
    kept: list[Span] = []
    for span in spans:
        if span.start < span.end and all(span.end <= other.start or other.end <= span.start for other in kept):
            kept.append(span)
            if len(kept) == limit:
                break
    return kept


def tidy(text: str, start: int, end: int) -> tuple[int, int]:
    """Remove stray punctuation from a span, and complete an abbreviation, a bracket or a quotation that it cuts."""
    while True:
        before = (start, end)
        start, end = _strip(text, start, end)
        start, end = _balance(text, start, end)
        if (start, end) == before:
            break
    if end < len(text) and text[end] == "." and _ABBREVIATION.search(text, start, end):
        end += 1
    return start, end


def _strip(text: str, start: int, end: int) -> tuple[int, int]:
    while start < end and (text[start] in _STRAY or text[start] == ".") and not _signed(text, start, end):
        start += 1
    while start < end and text[end - 1] in _STRAY:
        end -= 1
    if start < end and text[end - 1] == "." and not _ABBREVIATION.search(text, start, end - 1):
        end -= 1
    return start, end


def _signed(text: str, start: int, end: int) -> bool:
    """Does a number start here with its sign or decimal point, as in -5 and .22?"""
    return text[start] in "-–." and start + 1 < end and text[start + 1].isdigit()


def _balance(text: str, start: int, end: int) -> tuple[int, int]:
    """Complete a bracket or quotation if its other half is next to the span, else leave its half out."""
    for opening, closing in (_GERMAN_PAIRS if "„" in text else _PAIRS).items():
        inside = text[start:end]
        missing = inside.count(opening) - inside.count(closing)
        if missing > 0:
            start, end = _close(text, start, end, opening, closing)
        elif missing < 0:
            start, end = _open(text, start, end, opening, closing)
    if text.count('"', start, end) % 2:
        start, end = _quotes(text, start, end)
    return start, end


def _close(text: str, start: int, end: int, opening: str, closing: str) -> tuple[int, int]:
    if text[end : end + 1] == closing:
        return start, end + 1
    if text[start] == opening:
        return start + 1, end
    return start, text.rindex(opening, start, end)


def _open(text: str, start: int, end: int, opening: str, closing: str) -> tuple[int, int]:
    if start > 0 and text[start - 1] == opening:
        return start - 1, end
    if text[end - 1] == closing:
        return start, end - 1
    return text.index(closing, start, end) + 1, end


def _quotes(text: str, start: int, end: int) -> tuple[int, int]:
    if text[start] == '"':
        return (start, end + 1) if text[end : end + 1] == '"' else (start + 1, end)
    if text[end - 1] == '"':
        return (start - 1, end) if start > 0 and text[start - 1] == '"' else (start, end - 1)
    if text[end : end + 1] == '"':
        return start, end + 1
    if start > 0 and text[start - 1] == '"':
        return start - 1, end
    return start, end  # the quotation begins or ends too far away to complete it
