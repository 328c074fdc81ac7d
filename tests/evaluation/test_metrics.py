from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from askdoc.evaluation.metrics import (
    CurvePoint,
    Rated,
    aurc,
    auroc,
    bootstrap_mean,
    calibration_error,
    coverage_at,
    equal_mass_bins,
    equal_width_bins,
    hit_at,
    ndcg_at,
    reciprocal_rank,
    risk_coverage,
    squad2,
)
from askdoc.evaluation.squad import Scored

# few different values, so that ties are common
confidences = st.integers(0, 20).map(lambda number: number / 20)
answers = st.lists(st.builds(Rated, confidences, st.booleans()), min_size=1, max_size=40)
grades = st.lists(st.integers(0, 3), min_size=1, max_size=15)
scores = st.lists(st.integers(-30, 30).map(float), min_size=1, max_size=30)


def rated(*pairs: tuple[float, bool]) -> list[Rated]:
    return [Rated(confidence, right) for confidence, right in pairs]


def test_a_hit_is_counted_up_to_its_rank() -> None:
    assert [hit_at(5, k) for k in (1, 4, 5, 20)] == [0.0, 0.0, 1.0, 1.0]
    assert hit_at(None, 20) == 0.0


def test_the_reciprocal_rank_of_what_is_not_found_is_zero() -> None:
    assert [reciprocal_rank(rank) for rank in (1, 4, None)] == [1.0, 0.25, 0.0]


def test_ndcg_by_hand() -> None:
    """Grades 0, 2, 1 found in that order; ideal is 2, 1, 1."""
    found = 2 / math.log2(3) + 1 / math.log2(4)
    ideal = 2 / math.log2(2) + 1 / math.log2(3) + 1 / math.log2(4)
    assert ndcg_at([0, 2, 1], [1, 0, 2, 1]) == pytest.approx(found / ideal)


def test_ndcg_looks_no_further_than_the_cut() -> None:
    assert ndcg_at([0, 0, 1], [1], k=2) == 0.0
    assert ndcg_at([1, 1], [1, 1, 1, 1], k=2) == 1.0


def test_ndcg_of_nothing_relevant_is_zero() -> None:
    assert ndcg_at([0, 0], [0, 0]) == 0.0


@given(grades)
def test_the_ideal_ranking_has_ndcg_one(judged: list[int]) -> None:
    assert ndcg_at(sorted(judged, reverse=True), judged) == pytest.approx(1.0 if any(judged) else 0.0)


@given(grades, st.randoms(use_true_random=False))
def test_no_ranking_beats_the_ideal(judged: list[int], random: object) -> None:
    shuffled = list(judged)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert 0.0 <= ndcg_at(shuffled, judged) <= 1.0 + 1e-12


def test_the_curve_by_hand() -> None:
    """Of five questions four were answered: right, wrong and right (a tie), wrong."""
    curve = risk_coverage(rated((0.9, True), (0.5, False), (0.5, True), (0.1, False)), asked=5)
    assert curve == (
        CurvePoint(threshold=0.9, coverage=1 / 5, accuracy=1.0),
        CurvePoint(threshold=0.5, coverage=3 / 5, accuracy=2 / 3),
        CurvePoint(threshold=0.1, coverage=4 / 5, accuracy=1 / 2),
    )


def test_coverage_takes_the_widest_point_even_behind_a_dip() -> None:
    curve = risk_coverage(rated((0.9, False), (0.8, True), (0.7, True), (0.6, True), (0.5, True)), asked=5)
    best = coverage_at(curve, 0.8)
    assert best is not None
    assert (best.coverage, best.threshold) == (1.0, 0.5)
    assert coverage_at(curve, 0.9) is None


def test_aurc_by_hand() -> None:
    """Risks at 1, 2, 3 answers are 0, 1/2, 1/3."""
    assert aurc(rated((0.9, True), (0.5, False), (0.1, True))) == pytest.approx((0 + 1 / 2 + 1 / 3) / 3)


def test_aurc_of_a_tie_is_the_mean_over_its_orders() -> None:
    first = aurc(rated((0.9, True), (0.5, False), (0.4, True)))
    second = aurc(rated((0.9, True), (0.4, False), (0.5, True)))
    assert aurc(rated((0.9, True), (0.5, False), (0.5, True))) == pytest.approx((first + second) / 2)


@given(answers)
def test_the_curve_ends_with_all_answers(given_answers: list[Rated]) -> None:
    curve = risk_coverage(given_answers, asked=len(given_answers))
    assert curve[-1].coverage == 1.0
    assert curve[-1].accuracy == pytest.approx(sum(answer.right for answer in given_answers) / len(given_answers))
    assert sorted(curve, key=lambda point: point.coverage) == list(curve)


@given(answers)
def test_to_be_sure_of_what_is_right_has_the_least_area(given_answers: list[Rated]) -> None:
    knowing = [Rated(float(answer.right), answer.right) for answer in given_answers]
    assert aurc(knowing) <= aurc(given_answers) + 1e-12


@given(answers)
def test_equal_confidence_gives_the_overall_risk(given_answers: list[Rated]) -> None:
    blind = [Rated(0.5, answer.right) for answer in given_answers]
    wrong = sum(not answer.right for answer in given_answers)
    assert aurc(blind) == pytest.approx(wrong / len(blind))


@given(answers)
def test_curve_and_area_depend_on_the_order_of_confidence_only(given_answers: list[Rated]) -> None:
    bent = [Rated(answer.confidence**3 / 2, answer.right) for answer in reversed(given_answers)]
    assert aurc(bent) == pytest.approx(aurc(given_answers))
    for accuracy in (0.5, 0.8, 0.9):
        before, after = (coverage_at(risk_coverage(those, 40), accuracy) for those in (given_answers, bent))
        assert (before and before.coverage) == (after and after.coverage)


def test_auroc_by_hand() -> None:
    """Of the six pairs four are in order and one is a tie."""
    assert auroc([3.0, 1.0], [0.0, 1.0, 2.0]) == pytest.approx((3 + 1 + 0.5) / 6)


def test_auroc_knows_minus_infinity() -> None:
    assert auroc([0.0, float("-inf")], [float("-inf")]) == pytest.approx(0.75)


def test_auroc_needs_both_kinds() -> None:
    with pytest.raises(ValueError, match="each kind"):
        auroc([], [1.0])


@given(scores, scores)
def test_auroc_is_the_share_of_pairs_in_order(positives: list[float], negatives: list[float]) -> None:
    pairs = [1.0 if p > n else 0.5 if p == n else 0.0 for p in positives for n in negatives]
    assert auroc(positives, negatives) == pytest.approx(sum(pairs) / len(pairs))


@given(scores, scores)
def test_auroc_does_not_change_under_a_monotone_map(positives: list[float], negatives: list[float]) -> None:
    def bend(values: Sequence[float]) -> list[float]:
        return [math.atan(value) * 7 - 3 for value in values]

    assert auroc(bend(positives), bend(negatives)) == auroc(positives, negatives)


@given(scores, scores)
def test_auroc_turns_round_with_the_roles(positives: list[float], negatives: list[float]) -> None:
    assert auroc(positives, negatives) + auroc(negatives, positives) == pytest.approx(1.0)


def test_equal_width_bins_by_hand() -> None:
    """Guo's bins are open below and closed above: 0.5 belongs to (0, 0.5]."""
    bins = equal_width_bins(rated((0.0, False), (0.5, True), (0.6, True), (1.0, False)), count=2)
    assert [(one.low, one.high, one.count) for one in bins] == [(0.0, 0.5, 2), (0.6, 1.0, 2)]
    assert [one.confidence for one in bins] == pytest.approx([0.25, 0.8])
    assert [one.accuracy for one in bins] == [0.5, 0.5]
    assert calibration_error(bins) == pytest.approx((2 * 0.25 + 2 * 0.3) / 4)


def test_edges_of_bins_are_not_blurred_by_rounding() -> None:
    """0.7 * 10 is a little more than 7 in floating point."""
    assert [one.count for one in equal_width_bins(rated((0.7, True), (0.65, True)))] == [2]


def test_equal_mass_bins_hold_equally_many() -> None:
    bins = equal_mass_bins([Rated(number / 100, True) for number in range(100)], count=4)
    assert [one.count for one in bins] == [25, 25, 25, 25]
    assert bins[0].high < bins[1].low


@given(answers, st.integers(1, 12))
def test_bins_hold_every_answer_once_and_never_part_a_tie(given_answers: list[Rated], count: int) -> None:
    for bins in (equal_width_bins(given_answers, count), equal_mass_bins(given_answers, count)):
        assert sum(one.count for one in bins) == len(given_answers)
        assert all(left.high < right.low for left, right in pairwise(bins))


@given(answers)
def test_calibration_error_is_a_share(given_answers: list[Rated]) -> None:
    assert 0.0 <= calibration_error(equal_width_bins(given_answers)) <= 1.0


@pytest.mark.parametrize("split", [equal_width_bins, equal_mass_bins])
def test_a_perfectly_calibrated_confidence_has_no_error(split: object) -> None:
    """Of 20 answers with confidence k/20, k are right."""
    perfect = [Rated(k / 20, number < k) for k in range(1, 21) for number in range(20)]
    assert calibration_error(split(perfect)) == pytest.approx(0.0, abs=1e-12)  # type: ignore[operator]


def test_being_always_sure_and_mostly_wrong_is_the_whole_gap() -> None:
    assert calibration_error(equal_width_bins(rated((1.0, True), *[(1.0, False)] * 3))) == pytest.approx(0.75)


def test_squad2_by_hand() -> None:
    """Spans with no_answer above 0 are withheld, which is right for the unanswerable ones only."""
    figures = squad2(
        [
            Scored(answerable=True, no_answer=-2.0, exact=1.0, f1=1.0),
            Scored(answerable=True, no_answer=-1.0, exact=0.0, f1=0.5),
            Scored(answerable=True, no_answer=1.0, exact=1.0, f1=1.0),
            Scored(answerable=False, no_answer=2.0, exact=0.0, f1=0.0),
            Scored(answerable=False, no_answer=-3.0, exact=0.0, f1=0.0),
        ]
    )
    assert (figures.has_answer.questions, figures.has_answer.exact, figures.has_answer.f1) == (3, 1 / 3, 0.5)
    assert (figures.no_answer.questions, figures.no_answer.exact, figures.no_answer.f1) == (2, 0.5, 0.5)
    assert (figures.overall.exact, figures.overall.f1) == pytest.approx((2 / 5, 2.5 / 5))
    # with the threshold at 1.0 the third span is given, too
    assert (figures.best_f1.score, figures.best_f1.threshold) == (pytest.approx(3.5 / 5), 1.0)


def test_squad2_without_unanswerable_questions_has_no_figures_for_them() -> None:
    figures = squad2([Scored(answerable=True, no_answer=-1.0, exact=1.0, f1=1.0)])
    assert (figures.no_answer.questions, figures.no_answer.exact) == (0, None)


def test_the_bootstrap_is_reproducible_and_holds_the_mean() -> None:
    values = [0.0, 1.0] * 50
    mean = bootstrap_mean(values, seed=3)
    assert mean == bootstrap_mean(values, seed=3)
    assert mean.value == 0.5
    # the normal approximation gives 1.96 * 0.5 / sqrt(100) = 0.098 on either side
    assert (mean.low, mean.high) == pytest.approx((0.402, 0.598), abs=0.02)


def test_the_bootstrap_tells_a_gain_from_noise() -> None:
    noise = bootstrap_mean([0.3, -0.3, 0.2, -0.2, 0.05, -0.1] * 5)
    gain = bootstrap_mean([0.3, 0.1, 0.2, 0.25, 0.05, 0.1] * 5)
    assert noise.low < 0 < noise.high
    assert gain.low > 0


@given(st.lists(st.floats(0, 1), min_size=1, max_size=20))
def test_the_interval_lies_within_the_values(values: list[float]) -> None:
    mean = bootstrap_mean(values, resamples=50)
    assert min(values) - 1e-9 <= mean.low <= mean.high <= max(values) + 1e-9
