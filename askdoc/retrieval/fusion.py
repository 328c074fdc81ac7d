"""Several rankings of the same passages → one. Pure: numbers in, numbers out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from askdoc.stores import Scored


@dataclass(frozen=True, slots=True)
class Fused:
    """A passage in the fused ranking."""

    id: int
    score: float  # in [0, 1]
    ranks: Mapping[str, int]  # its rank (from 1) in each ranking that has it, by the ranking's name
    scores: Mapping[str, float]  # its score in each of these rankings


def fuse(rankings: Mapping[str, Sequence[Scored]], weights: Mapping[str, float]) -> list[Fused]:
    """Fuse rankings by a convex combination of their scores, each scaled to [0, 1] by its best and worst passage.

    The scaling and its name, min-max, are those of Bruch, Gai and Ingber, "An Analysis of Fusion Functions for Hybrid
    Retrieval" (2023). A passage that is not in a ranking gets 0 there. Best first; ties by id.

    rankings: by name, best first. weights: by the same names, of any sum.
    """
    scaled = {name: _scaled(ranking) for name, ranking in rankings.items()}
    ranks = {name: {scored.id: rank for rank, scored in enumerate(ranking, 1)} for name, ranking in rankings.items()}
    scores = {name: {scored.id: scored.score for scored in ranking} for name, ranking in rankings.items()}
    total = sum(weights[name] for name in rankings)
    fused = [
        Fused(
            id_,
            sum(weights[name] * scaled[name].get(id_, 0.0) for name in rankings) / total,
            {name: ranks[name][id_] for name in rankings if id_ in ranks[name]},
            {name: scores[name][id_] for name in rankings if id_ in scores[name]},
        )
        for id_ in sorted({scored.id for ranking in rankings.values() for scored in ranking})
    ]
    return sorted(fused, key=lambda passage: (-passage.score, passage.id))


def _scaled(ranking: Sequence[Scored]) -> dict[int, float]:
    if not ranking:
        return {}
    best, worst = ranking[0].score, ranking[-1].score
    spread = best - worst
    return {scored.id: (scored.score - worst) / spread if spread > 0 else 1.0 for scored in ranking}
