"""Hits and their readings → answers and hits in order. Pure.

The joint score of an answer is the reader's log-odds for the span plus the weighted fused score of its passage: on its
own, the reader trusts passages that are off the subject too easily.
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

FIRST = 3  # the rankings agree on a passage that is among the first three of both
_WORD = re.compile(r"\w+")
_ARTICLES = frozenset({"a", "an", "the"})


@dataclass(frozen=True, slots=True)
class Settings:
    """Numbers that were chosen by search on development data."""

    weights: Mapping[str, float]  # of the rankings in the fusion, by name
    pool: int  # passages taken from each ranking
    passages: int  # number of hits to read
    retrieval_weight: float  # log-odds that a fused score of 1 adds to the reader's

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Settings:
        return cls(dict(data["weights"]), int(data["pool"]), int(data["passages"]), float(data["retrieval_weight"]))


@dataclass(frozen=True, slots=True)
class Candidate:
    """A span that may answer, with its hit."""

    hit: Hit
    span: Span
    score: float  # joint score, in log-odds
    supporters: tuple[Hit, ...] = ()  # other hits that give the same answer

    @property
    def text(self) -> str:
        return self.hit.passage.text[self.span.start : self.span.end]


def rank(hits: Sequence[Hit], readings: Sequence[Reading], settings: Settings) -> list[Candidate]:
    """All different answers in the readings, best first. readings: one for each hit, in the same order."""
    return merge(candidates(hits, readings, retrieval_weight=settings.retrieval_weight))


def candidates(hits: Sequence[Hit], readings: Sequence[Reading], *, retrieval_weight: float) -> list[Candidate]:
    """All spans of all readings with their joint scores, best first; ties in the order of the hits."""
    unsorted = [
        Candidate(hit, span, span.score + retrieval_weight * hit.score)
        for hit, reading in zip(hits, readings, strict=True)
        for span in reading.spans
    ]
    return sorted(unsorted, key=lambda candidate: -candidate.score)


def merge(ranked: Sequence[Candidate]) -> list[Candidate]:
    """Keep the best of equal answers, supported by the hits of the others. Keeps the order."""
    groups: dict[str, list[Candidate]] = {}
    for candidate in ranked:
        groups.setdefault(normalised(candidate.text), []).append(candidate)
    return [dataclasses.replace(group[0], supporters=_supporters(group)) for group in groups.values()]


def _supporters(group: Sequence[Candidate]) -> tuple[Hit, ...]:
    first = group[0].hit
    return tuple({other.hit.rank: other.hit for other in group if other.hit.rank != first.rank}.values())


def normalised(text: str) -> str:
    """The text without articles, case and punctuation, to compare answers; a text of symbols alone stays as it is."""
    words = [word for word in _WORD.findall(text.casefold()) if word not in _ARTICLES]
    return " ".join(words) or text


def rerank(hits: Sequence[Hit], ranked: Sequence[Candidate]) -> list[Hit]:
    """The hits in the order of their best answers, with new ranks; hits without an answer last, in their old order."""
    order = {rank: number for number, rank in enumerate(dict.fromkeys(candidate.hit.rank for candidate in ranked))}
    ordered = sorted(hits, key=lambda hit: order.get(hit.rank, len(order) + hit.rank))
    return [dataclasses.replace(hit, rank=rank) for rank, hit in enumerate(ordered, 1)]


def evidence(question: str, merged: Sequence[Candidate], position: int, hits: Sequence[Hit]) -> Evidence:
    """The evidence for `merged[position]`, given all other answers and all hits."""
    candidate = merged[position]
    hit = candidate.hit
    words = max(1, len(_WORD.findall(question)))
    fused = {other.rank: other.score for other in hits}
    return Evidence(
        null_margin=candidate.span.score,
        runner_up_margin=gap([other.score for other in merged], position),
        best_null_margin=max(other.span.score for other in merged),
        fused=hit.score,
        dense=hit.scores.get("dense", 0.0),
        lexical=hit.scores.get("lexical", 0.0) / words,
        gap=gap(list(fused.values()), list(fused).index(hit.rank)),
        agreement=float(len(hit.ranks) > 1 and all(rank <= FIRST for rank in hit.ranks.values())),
        words=len(_WORD.findall(candidate.text)),
        kind=kind_of(question),
    )
