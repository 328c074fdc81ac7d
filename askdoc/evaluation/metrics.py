"""The figures, each a pure function with the source of its formula. Scores and rates are in [0, 1].

Ranks count from 1; `None` means "not found". Questions with equal confidence stay together: no threshold separates
them.
"""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby

import numpy as np

from askdoc.evaluation.squad import BestThreshold, Scored, best_threshold_exact, best_threshold_f1


@dataclass(frozen=True, slots=True)
class Mean:
    """A mean with its bootstrap interval, which shows how much it varies with the choice of questions."""

    value: float
    low: float  # ends of the interval
    high: float


@dataclass(frozen=True, slots=True)
class Rated:
    """An answer's confidence, and whether it is right."""

    confidence: float  # in [0, 1]
    right: bool


@dataclass(frozen=True, slots=True)
class CurvePoint:
    """A point of the risk-coverage curve: only answers with a confidence of `threshold` or more are shown."""

    threshold: float
    coverage: float  # share of the questions that get an answer
    accuracy: float  # share of these answers that are right; the risk is 1 - accuracy


@dataclass(frozen=True, slots=True)
class Bin:
    """Answers of similar confidence."""

    low: float  # lowest confidence
    high: float  # highest confidence
    count: int  # answers
    confidence: float  # mean
    accuracy: float  # share of the answers that are right


@dataclass(frozen=True, slots=True)
class Scores:
    """Exact match and token F1 as the official script reports them; both None without questions."""

    questions: int
    exact: float | None
    f1: float | None


@dataclass(frozen=True, slots=True)
class Squad2:
    """The figures of `evaluate-v2.0.py`."""

    overall: Scores  # over all questions
    has_answer: Scores  # over questions with an answer (HasAns)
    no_answer: Scores  # over questions without an answer (NoAns)
    best_exact: BestThreshold  # with the threshold of "no answer" that is best for these questions
    best_f1: BestThreshold  # likewise


def hit_at(rank: int | None, k: int) -> float:
    """1.0 if the document is among the first `k`."""
    return float(rank is not None and rank <= k)


def reciprocal_rank(rank: int | None) -> float:
    """1 / rank, 0.0 if not found; its mean over questions is the MRR (Voorhees 1999, TREC-8)."""
    return 0.0 if rank is None else 1.0 / rank


def ndcg_at(ranked: Sequence[float], judged: Iterable[float], k: int = 10) -> float:
    """Normalised discounted cumulative gain, as in trec_eval (`ndcg_cut`) and BEIR.

    ranked: the grades of the retrieved documents, best first, 0 for documents not judged. judged: the grades of all
    judged documents. The gain is the grade itself, the discount log2(rank + 1) (Järvelin and Kekäläinen 2002). 0.0 if
    no document is relevant.
    """
    ideal = _dcg(sorted(judged, reverse=True)[:k])
    return _dcg(ranked[:k]) / ideal if ideal > 0 else 0.0


def _dcg(grades: Sequence[float]) -> float:
    return math.fsum(max(grade, 0) / math.log2(rank + 1) for rank, grade in enumerate(grades, start=1))


def risk_coverage(answers: Iterable[Rated], asked: int) -> tuple[CurvePoint, ...]:
    """The risk-coverage curve (El-Yaniv and Wiener 2010), one point for each confidence, most confident first.

    asked: the number of questions, with those that got no answer; these are in no point.
    """
    points, shown, right = [], 0, 0
    for confidence, count, right_here in _steps(answers):
        shown, right = shown + count, right + right_here
        points.append(CurvePoint(threshold=confidence, coverage=shown / asked, accuracy=right / shown))
    return tuple(points)


def aurc(answers: Iterable[Rated]) -> float:
    """The area under the risk-coverage curve (Geifman, Uziel and El-Yaniv 2019): 0.0 is best.

    The mean risk of showing the 1, 2, … n most confident answers; among equal confidences, its expectation over their
    orders. Raises ValueError without answers.
    """
    risks: list[float] = []
    wrong = 0
    for _, count, right in _steps(answers):
        before, wrong_here = len(risks), count - right
        risks += [(wrong + wrong_here * taken / count) / (before + taken) for taken in range(1, count + 1)]
        wrong += wrong_here
    if not risks:
        raise ValueError("no answers to rate")
    return math.fsum(risks) / len(risks)


def coverage_at(curve: Iterable[CurvePoint], accuracy: float) -> CurvePoint | None:
    """The point of greatest coverage with at least this accuracy (Kamath, Jia and Liang 2020), if there is one."""
    good = [point for point in curve if point.accuracy >= accuracy]
    return max(good, key=lambda point: point.coverage, default=None)


def _steps(answers: Iterable[Rated]) -> list[tuple[float, int, int]]:
    """(confidence, answers, right answers) for each confidence, highest first."""
    ordered = sorted(answers, key=lambda answer: -answer.confidence)
    groups = ((key, list(group)) for key, group in groupby(ordered, key=lambda answer: answer.confidence))
    return [(key, len(group), sum(answer.right for answer in group)) for key, group in groups]


def auroc(positives: Iterable[float], negatives: Iterable[float]) -> float:
    """The chance that a positive scores above a negative, ties counted half (Hanley and McNeil 1982).

    Raises ValueError if either is empty.
    """
    above, below = list(positives), sorted(negatives)
    if not above or not below:
        raise ValueError("AUROC needs a score of each kind")
    twice = sum(bisect_left(below, score) + bisect_right(below, score) for score in above)
    return twice / (2 * len(above) * len(below))


def equal_width_bins(answers: Iterable[Rated], count: int = 10) -> tuple[Bin, ...]:
    """The answers in bins ((m-1)/count, m/count] of confidence (Guo et al. 2017); empty bins are left out."""
    edges = [number / count for number in range(1, count + 1)]
    members: list[list[Rated]] = [[] for _ in edges]
    for answer in answers:
        members[bisect_left(edges, answer.confidence)].append(answer)
    return tuple(_bin(group) for group in members if group)


def equal_mass_bins(answers: Iterable[Rated], count: int = 10) -> tuple[Bin, ...]:
    """The answers in bins of about equal size (Nguyen and O'Connor 2015); equal confidences stay together."""
    ordered = sorted(answers, key=lambda answer: answer.confidence)
    members: list[list[Rated]] = [[] for _ in range(count)]
    before = 0
    for _, group in groupby(ordered, key=lambda answer: answer.confidence):
        tied = list(group)
        middle = before + len(tied) / 2  # strictly between 0 and len(ordered)
        members[int(count * middle / len(ordered))] += tied
        before += len(tied)
    return tuple(_bin(group) for group in members if group)


def calibration_error(bins: Sequence[Bin]) -> float:
    """The expected calibration error (Naeini et al. 2015, Guo et al. 2017): mean |accuracy - confidence|, by answer.

    Raises ValueError without bins.
    """
    total = sum(bin_.count for bin_ in bins)
    if not total:
        raise ValueError("no answers to rate")
    return math.fsum(bin_.count * abs(bin_.accuracy - bin_.confidence) for bin_ in bins) / total


def _bin(answers: Sequence[Rated]) -> Bin:
    confidences = [answer.confidence for answer in answers]
    return Bin(
        low=min(confidences),
        high=max(confidences),
        count=len(answers),
        confidence=math.fsum(confidences) / len(answers),
        accuracy=sum(answer.right for answer in answers) / len(answers),
    )


def squad2(results: Sequence[Scored], threshold: float = 0.0) -> Squad2:
    """The official SQuAD 2.0 figures, given each question's paragraph (Rajpurkar, Jia and Liang 2018).

    threshold: spans with `no_answer` above it are withheld; 0.0 fits log-odds, where it is a tie. Raises ValueError
    without results.
    """
    best_exact, best_f1 = best_threshold_exact(results), best_threshold_f1(results)
    pairs = [(result.answerable, _given(result, threshold)) for result in results]
    return Squad2(
        overall=_scores([pair for _, pair in pairs]),
        has_answer=_scores([pair for answerable, pair in pairs if answerable]),
        no_answer=_scores([pair for answerable, pair in pairs if not answerable]),
        best_exact=best_exact,
        best_f1=best_f1,
    )


def _given(result: Scored, threshold: float) -> tuple[float, float]:
    """(exact, F1) if the span is withheld above the threshold, which is right if the question has no answer."""
    if result.no_answer > threshold:
        return float(not result.answerable), float(not result.answerable)
    return result.exact, result.f1


def _scores(pairs: Sequence[tuple[float, float]]) -> Scores:
    if not pairs:
        return Scores(questions=0, exact=None, f1=None)
    exact, f1 = (math.fsum(values) / len(pairs) for values in zip(*pairs, strict=True))
    return Scores(questions=len(pairs), exact=exact, f1=f1)


def bootstrap_mean(values: Sequence[float], *, seed: int = 0, resamples: int = 1000, level: float = 0.95) -> Mean:
    """The mean of values, with its percentile bootstrap interval (Efron 1979) at `level`.

    To distinguish a gain from noise, give the differences of two systems by question: it is noise if the interval
    contains 0. Raises ValueError without values.
    """
    if not values:
        raise ValueError("no values to average")
    numbers, random = np.asarray(values, dtype=np.float64), np.random.default_rng(seed)
    means = [numbers[random.integers(len(numbers), size=len(numbers))].mean() for _ in range(resamples)]
    low, high = np.quantile(means, [(1 - level) / 2, (1 + level) / 2])
    return Mean(value=math.fsum(values) / len(values), low=float(low), high=float(high))
