"""What was found and what was read → answers and passages in order. Pure.

An answer's joint score is the reader's log-odds for the span plus the fused retrieval score of its passage times a
weight: the reader alone believes too easily in passages that are off the subject.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from askdoc.answering.confidence import Evidence, gap
from askdoc.readers.question_type import kind_of
from askdoc.types import Hit, Reading, Span

_WORD = re.compile(r"\w+")
_ARTICLES = frozenset({"a", "an", "the"})
FIRST = 3  # places in an index's ranking that count as agreement


@dataclass(frozen=True, slots=True)
class Settings:
    """Numbers that were chosen by search on development data."""

    weights: Mapping[str, float]  # of the indexes in the fusion
    pool: int  # hits taken from each index
    passages: int  # how many are read
    retrieval_weight: float  # what a fused score of 1 is worth in the reader's log-odds

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Settings:
        return cls(dict(data["weights"]), int(data["pool"]), int(data["passages"]), float(data["retrieval_weight"]))


@dataclass(frozen=True, slots=True)
class Candidate:
    """A span that may answer."""

    hit: Hit  # that it was read from
    span: Span
    score: float  # of both
    supporters: tuple[Hit, ...] = ()  # other hits that say the same

    @property
    def text(self) -> str:
        return self.hit.passage.text[self.span.start : self.span.end]


def rank(hits: Sequence[Hit], readings: Sequence[Reading], settings: Settings) -> list[Candidate]:
    """All different answers that were read, best first."""
    return merge(candidates(hits, readings, retrieval_weight=settings.retrieval_weight))


def candidates(hits: Sequence[Hit], readings: Sequence[Reading], *, retrieval_weight: float) -> list[Candidate]:
    """Every span of every reading with its joint score, best first; ties in the order of the hits."""
    found = [
        Candidate(hit, span, span.score + retrieval_weight * hit.score)
        for hit, reading in zip(hits, readings, strict=True)
        for span in reading.spans
    ]
    return sorted(found, key=lambda candidate: -candidate.score)


def merge(ranked: Sequence[Candidate]) -> list[Candidate]:
    """Equal answers become one, the best of them, supported by the hits of the others. Keeps the order."""
    groups: dict[str, list[Candidate]] = {}
    for candidate in ranked:
        groups.setdefault(normalised(candidate.text), []).append(candidate)
    return [dataclasses.replace(group[0], supporters=_supporters(group)) for group in groups.values()]


def _supporters(group: Sequence[Candidate]) -> tuple[Hit, ...]:
    first = group[0].hit
    return tuple({other.hit.rank: other.hit for other in group if other.hit.rank != first.rank}.values())


def normalised(text: str) -> str:
    """Answers of the same words, but for articles, case and punctuation, are equal. Symbols alone stay as they are."""
    words = [word for word in _WORD.findall(text.casefold()) if word not in _ARTICLES]
    return " ".join(words) or text


def rerank(hits: Sequence[Hit], ranked: Sequence[Candidate]) -> list[Hit]:
    """The hits in the order of their best answer; those without one last, in the order in which they were found."""
    order = {rank: place for place, rank in enumerate(dict.fromkeys(candidate.hit.rank for candidate in ranked))}
    ordered = sorted(hits, key=lambda hit: order.get(hit.rank, len(order) + hit.rank))
    return [dataclasses.replace(hit, rank=rank) for rank, hit in enumerate(ordered, 1)]


def evidence(question: str, merged: Sequence[Candidate], place: int, hits: Sequence[Hit]) -> Evidence:
    """The evidence for `merged[place]`, an answer among all the others and all the hits."""
    candidate = merged[place]
    hit = candidate.hit
    words = max(1, len(_WORD.findall(question)))
    fused = {other.rank: other.score for other in hits}
    return Evidence(
        null_margin=candidate.span.score,
        runner_up_margin=gap([other.score for other in merged], place),
        best_null_margin=max(other.span.score for other in merged),
        fused=hit.score,
        dense=hit.scores.get("dense", 0.0),
        lexical=hit.scores.get("lexical", 0.0) / words,
        gap=gap(list(fused.values()), list(fused).index(hit.rank)),
        agreement=float(len(hit.ranks) > 1 and all(rank <= FIRST for rank in hit.ranks.values())),
        words=len(_WORD.findall(candidate.text)),
        kind=kind_of(question),
    )
