"""Outcomes → the figures of a run, as numbers and as JSON; pure.

Every mean has its 95 % bootstrap interval, to distinguish a gain from noise.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, TypeAlias

from askdoc.evaluation import metrics
from askdoc.evaluation.metrics import Bin, CurvePoint, Mean, Rated, Squad2
from askdoc.evaluation.outcomes import Kind, Outcome, Ranking
from askdoc.evaluation.squad import Scored

REPORT_SCHEMA = 1
ACCURACIES = (0.8, 0.9)
CURVE_POINTS = 100


@dataclass(frozen=True, slots=True)
class Setting:
    """What was measured. Figures are comparable only if all of this is equal."""

    data: str  # name of the set
    documents: int  # indexed
    embedder: str | None = None  # as named by the user; None for the bundled one
    reader: str | None = None  # likewise
    sample: int | None = None  # number of questions; None for all
    seed: int = 0  # of the sample
    off_topic: str | None = None  # name of the set of the off-topic questions
    right_f1: float = 0.5  # lowest F1 at which an answer counts as right


@dataclass(frozen=True, slots=True)
class Retrieval:
    """The ranks of the relevant documents. MRR and nDCG count only documents that were retrieved."""

    questions: int
    hit1: Mean
    hit5: Mean
    hit20: Mean
    mrr: Mean
    ndcg10: Mean


@dataclass(frozen=True, slots=True)
class Overlap:
    """Exact match and token F1 with the gold answers, over answerable questions."""

    questions: int
    exact: Mean
    f1: Mean


@dataclass(frozen=True, slots=True)
class AtAccuracy:
    """The largest coverage with an accuracy."""

    accuracy: float
    coverage: float  # share of the questions that get an answer
    threshold: float | None  # lowest confidence of a shown answer; None if no threshold has the accuracy


@dataclass(frozen=True, slots=True)
class Selective:
    """How well the confidence separates right answers from wrong ones."""

    asked: int  # questions
    answered: int  # questions with an answer, of any confidence
    aurc: float  # area under the whole risk-coverage curve
    at_accuracy: tuple[AtAccuracy, ...]  # for each of `ACCURACIES`
    ece: float  # expected calibration error in `bins`
    ece_equal_mass: float  # the same with bins of equal size
    bins: tuple[Bin, ...]  # of equal width
    curve: tuple[CurvePoint, ...]  # the risk-coverage curve, thinned to at most `CURVE_POINTS`

    def coverage(self, accuracy: float) -> float:
        """The coverage at one of `ACCURACIES`."""
        return next(point.coverage for point in self.at_accuracy if point.accuracy == accuracy)


@dataclass(frozen=True, slots=True)
class Answerability:
    """AUROC of separating answerable questions from others; None if there are no others."""

    given_paragraph: float | None  # from unanswerable questions, by the reader's score on their paragraph
    unanswerable: float | None  # from unanswerable questions, by the confidence when the index is asked
    off_topic: float | None  # from off-topic questions, likewise


@dataclass(frozen=True, slots=True)
class Speed:
    """The time that indexing and asking took."""

    build_seconds: float  # for the whole index
    ask_seconds: float  # for all questions
    per_second: float  # questions
    p50_ms: float  # median time of a question, milliseconds
    p95_ms: float  # 95th percentile


@dataclass(frozen=True, slots=True)
class AnswerReport:
    """The figures over a SQuAD-format set."""

    setting: Setting
    questions: Mapping[str, int]  # number by kind
    retrieval: Retrieval
    hit1_after_reading: Mean  # share of the questions whose own paragraph is the first hit after reading
    reader: Overlap  # given the question's own paragraph
    end_to_end: Overlap  # from the whole index
    squad2: Squad2 | None  # official figures; None if all questions have an answer
    confidence: Selective | None  # over all questions; None without answers
    confidence_answerable: Selective | None  # over answerable questions; None if all questions are answerable
    answerability: Answerability
    speed: Speed


@dataclass(frozen=True, slots=True)
class RetrievalReport:
    """The figures over a set in the BEIR layout."""

    setting: Setting
    questions: Mapping[str, int]
    retrieval: Retrieval
    speed: Speed


Report: TypeAlias = AnswerReport | RetrievalReport


def report_answers(outcomes: Sequence[Outcome], setting: Setting, build_seconds: float) -> AnswerReport:
    """Summarise outcomes; raises `ValueError` if no question is answerable."""
    answerable = [outcome for outcome in outcomes if outcome.kind is Kind.ANSWERABLE]
    if not answerable:
        raise ValueError("none of the questions has an answer")
    mixed = len(answerable) < len(outcomes)
    return AnswerReport(
        setting=setting,
        questions={kind.value: sum(outcome.kind is kind for outcome in outcomes) for kind in Kind},
        retrieval=_retrieval([(outcome.found, _single_ndcg(outcome.found)) for outcome in answerable]),
        hit1_after_reading=metrics.bootstrap_mean([metrics.hit_at(outcome.read, 1) for outcome in answerable]),
        reader=_overlap([outcome.given for outcome in answerable if outcome.given]),
        end_to_end=_overlap(answerable),
        squad2=_squad2(outcomes),
        confidence=_selective(outcomes, setting.right_f1),
        confidence_answerable=_selective(answerable, setting.right_f1) if mixed else None,
        answerability=_answerability(outcomes),
        speed=_speed([outcome.seconds for outcome in outcomes], build_seconds),
    )


def report_rankings(rankings: Sequence[Ranking], setting: Setting, build_seconds: float) -> RetrievalReport:
    """Summarise rankings; raises `ValueError` without any."""
    ranked = [(ranking.rank, metrics.ndcg_at(ranking.grades, ranking.judged)) for ranking in rankings]
    return RetrievalReport(
        setting=setting,
        questions={"judged": len(rankings)},
        retrieval=_retrieval(ranked),
        speed=_speed([ranking.seconds for ranking in rankings], build_seconds),
    )


def as_json(report: Report) -> dict[str, Any]:
    """The report as JSON values; numbers that are not finite become null."""
    return {"schema": REPORT_SCHEMA, **_finite(asdict(report))}


def _single_ndcg(rank: int | None) -> float:
    """nDCG@10 where exactly one paragraph is relevant."""
    return metrics.ndcg_at([] if rank is None else [0.0] * (rank - 1) + [1.0], [1.0])


def _retrieval(ranked: Sequence[tuple[int | None, float]]) -> Retrieval:
    ranks = [rank for rank, _ in ranked]
    return Retrieval(
        questions=len(ranks),
        hit1=metrics.bootstrap_mean([metrics.hit_at(rank, 1) for rank in ranks]),
        hit5=metrics.bootstrap_mean([metrics.hit_at(rank, 5) for rank in ranks]),
        hit20=metrics.bootstrap_mean([metrics.hit_at(rank, 20) for rank in ranks]),
        mrr=metrics.bootstrap_mean([metrics.reciprocal_rank(rank) for rank in ranks]),
        ndcg10=metrics.bootstrap_mean([ndcg for _, ndcg in ranked]),
    )


def _overlap(scored: Sequence[Any]) -> Overlap:
    return Overlap(
        questions=len(scored),
        exact=metrics.bootstrap_mean([outcome.exact for outcome in scored]),
        f1=metrics.bootstrap_mean([outcome.f1 for outcome in scored]),
    )


def _squad2(outcomes: Sequence[Outcome]) -> Squad2 | None:
    if not any(outcome.kind is Kind.UNANSWERABLE for outcome in outcomes):
        return None
    return metrics.squad2(
        [
            Scored(
                answerable=outcome.kind is Kind.ANSWERABLE,
                no_answer=-outcome.given.score,
                exact=outcome.given.exact,
                f1=outcome.given.f1,
            )
            for outcome in outcomes
            if outcome.given
        ]
    )


def _selective(outcomes: Sequence[Outcome], right_f1: float) -> Selective | None:
    """The figures of the confidence; None without answers."""
    answers = [Rated(outcome.confidence, outcome.right(right_f1)) for outcome in outcomes if outcome.prediction]
    if not answers:
        return None
    curve, bins = metrics.risk_coverage(answers, len(outcomes)), metrics.equal_width_bins(answers)
    return Selective(
        asked=len(outcomes),
        answered=len(answers),
        aurc=metrics.aurc(answers),
        at_accuracy=tuple(_at_accuracy(curve, accuracy) for accuracy in ACCURACIES),
        ece=metrics.calibration_error(bins),
        ece_equal_mass=metrics.calibration_error(metrics.equal_mass_bins(answers)),
        bins=bins,
        curve=_thin(curve),
    )


def _at_accuracy(curve: Sequence[CurvePoint], accuracy: float) -> AtAccuracy:
    point = metrics.coverage_at(curve, accuracy)
    if point is None:
        return AtAccuracy(accuracy=accuracy, coverage=0.0, threshold=None)
    return AtAccuracy(accuracy=accuracy, coverage=point.coverage, threshold=point.threshold)


def _thin(curve: Sequence[CurvePoint]) -> tuple[CurvePoint, ...]:
    """Evenly spread points of the curve, including the last one."""
    step = math.ceil(len(curve) / CURVE_POINTS)
    return tuple(reversed(curve[::-1][::step]))


def _answerability(outcomes: Sequence[Outcome]) -> Answerability:
    confidence = {kind: [outcome.confidence for outcome in outcomes if outcome.kind is kind] for kind in Kind}
    given = {
        kind: [outcome.given.score for outcome in outcomes if outcome.given and outcome.kind is kind] for kind in Kind
    }
    return Answerability(
        given_paragraph=_auroc(given, Kind.UNANSWERABLE),
        unanswerable=_auroc(confidence, Kind.UNANSWERABLE),
        off_topic=_auroc(confidence, Kind.OFF_TOPIC),
    )


def _auroc(scores: Mapping[Kind, Sequence[float]], other: Kind) -> float | None:
    positives, negatives = scores[Kind.ANSWERABLE], scores[other]
    return metrics.auroc(positives, negatives) if positives and negatives else None


def _speed(seconds: Sequence[float], build_seconds: float) -> Speed:
    total = math.fsum(seconds)
    return Speed(
        build_seconds=build_seconds,
        ask_seconds=total,
        per_second=len(seconds) / total if total else 0.0,
        p50_ms=_percentile(seconds, 0.50) * 1000,
        p95_ms=_percentile(seconds, 0.95) * 1000,
    )


def _percentile(values: Sequence[float], share: float) -> float:
    """The smallest value that at least this share of values does not exceed (nearest rank)."""
    return sorted(values)[max(0, math.ceil(share * len(values)) - 1)]


def _finite(value: Any) -> Any:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_finite(item) for item in value]
    return value
