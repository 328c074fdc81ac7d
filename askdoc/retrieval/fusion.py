"""Several rankings of the same passages → one. Pure: numbers in, numbers out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from askdoc.stores import Scored


@dataclass(frozen=True, slots=True)
class Fused:
    """A passage in the joint ranking. score: in [0, 1]. ranks (from 1) and scores: by index, where that found it."""

    id: int
    score: float
    ranks: Mapping[str, int]
    scores: Mapping[str, float]


def fuse(rankings: Mapping[str, Sequence[Scored]], weights: Mapping[str, float]) -> list[Fused]:
    """Mix rankings by a convex combination of their scores, each scaled to [0, 1] by its best and worst hit.

    The scaling and its name, min-max, are those of Bruch, Gai and Ingber, "An Analysis of Fusion Functions for Hybrid
    Retrieval" (2023). A passage that an index did not find gets 0 there. Best first; ties by id.
    """
    scaled = {name: _scaled(ranking) for name, ranking in rankings.items()}
    ranks = {name: {one.id: rank for rank, one in enumerate(ranking, 1)} for name, ranking in rankings.items()}
    scores = {name: {one.id: one.score for one in ranking} for name, ranking in rankings.items()}
    total = sum(weights[name] for name in rankings)
    fused = [
        Fused(
            id_,
            sum(weights[name] * scaled[name].get(id_, 0.0) for name in rankings) / total,
            {name: ranks[name][id_] for name in rankings if id_ in ranks[name]},
            {name: scores[name][id_] for name in rankings if id_ in scores[name]},
        )
        for id_ in sorted({one.id for ranking in rankings.values() for one in ranking})
    ]
    return sorted(fused, key=lambda one: (-one.score, one.id))


def _scaled(ranking: Sequence[Scored]) -> dict[int, float]:
    if not ranking:
        return {}
    best, worst = ranking[0].score, ranking[-1].score
    span = best - worst
    return {one.id: (one.score - worst) / span if span > 0 else 1.0 for one in ranking}
