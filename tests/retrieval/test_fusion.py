"""Several rankings into one."""

from __future__ import annotations

import pytest

from askdoc.retrieval.fusion import fuse
from askdoc.stores import Scored

WEIGHTS = {"dense": 0.4, "lexical": 0.6}


def ranking(**scores: float) -> list[Scored]:
    return [Scored(int(name[1:]), score) for name, score in scores.items()]


def test_scores_are_the_weighted_sum_of_what_each_index_says_scaled_to_its_best_and_worst() -> None:
    fused = fuse({"dense": ranking(p1=0.9, p2=0.7, p3=0.5), "lexical": ranking(p2=8.0, p1=3.0, p4=2.0)}, WEIGHTS)
    assert [one.id for one in fused] == [2, 1, 3, 4]
    assert [one.score for one in fused] == pytest.approx([0.4 * 0.5 + 0.6, 0.4 + 0.6 / 6, 0.0, 0.0])


def test_ranks_and_scores_are_told_as_each_index_gave_them() -> None:
    fused = fuse({"dense": ranking(p1=0.9, p2=0.7), "lexical": ranking(p2=8.0)}, WEIGHTS)
    by_id = {one.id: one for one in fused}
    assert (by_id[2].ranks, by_id[2].scores) == ({"dense": 2, "lexical": 1}, {"dense": 0.7, "lexical": 8.0})
    assert (by_id[1].ranks, by_id[1].scores) == ({"dense": 1}, {"dense": 0.9})


def test_what_both_indexes_rank_first_scores_one() -> None:
    fused = fuse({"dense": ranking(p1=0.9, p2=0.7), "lexical": ranking(p1=8.0, p2=1.0)}, WEIGHTS)
    assert fused[0].score == pytest.approx(1.0)


def test_only_the_proportion_of_weights_counts() -> None:
    rankings = {"dense": ranking(p1=0.9, p2=0.7, p3=0.1), "lexical": ranking(p2=8.0, p3=1.0, p1=0.5)}
    tenfold = {name: 10 * weight for name, weight in WEIGHTS.items()}
    for mine, other in zip(fuse(rankings, WEIGHTS), fuse(rankings, tenfold), strict=True):
        assert mine.id == other.id
        assert mine.score == pytest.approx(other.score)


def test_a_lonely_hit_and_equal_hits_count_in_full() -> None:
    assert fuse({"dense": ranking(p7=-0.2)}, WEIGHTS)[0].score == 1.0
    assert [one.score for one in fuse({"dense": ranking(p1=0.5, p2=0.5)}, WEIGHTS)] == [1.0, 1.0]


def test_ties_are_in_the_order_of_ids() -> None:
    fused = fuse({"dense": ranking(p9=0.5, p3=0.5), "lexical": ranking(p5=2.0, p4=2.0)}, {"dense": 1, "lexical": 1})
    assert [one.id for one in fused] == [3, 4, 5, 9]


def test_nothing_found_anywhere_is_nothing() -> None:
    assert fuse({"dense": [], "lexical": []}, WEIGHTS) == []
    assert [one.id for one in fuse({"dense": [], "lexical": ranking(p1=1.0)}, WEIGHTS)] == [1]
