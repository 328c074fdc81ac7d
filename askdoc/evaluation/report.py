"""Outcomes → the figures of a run, as numbers and as JSON; pure.

Every mean has its 95 % bootstrap interval, so that a gain can be told from noise.
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
    """What was measured: figures are comparable only where all of this is equal.

    embedder, reader: as named by the user, None for the bundled one. sample: how many questions were drawn, if not all.
    off_topic: the set that other questions came from. right_f1: an answer counts as right from this F1 on.
    """

    data: str
    documents: int
    embedder: str | None = None
    reader: str | None = None
    sample: int | None = None
    seed: int = 0
    off_topic: str | None = None
    right_f1: float = 0.5


@dataclass(frozen=True, slots=True)
class Retrieval:
    """How high what was sought ranks, over questions that have it; MRR and nDCG within what retrieval brought."""

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
    """The most that can be answered with this accuracy, and the confidence from which to do so (None: nothing can)."""

    accuracy: float
    coverage: float
    threshold: float | None


@dataclass(frozen=True, slots=True)
class Selective:
    """What the confidence is worth. asked: questions; answered: those that got any answer.

    curve: the risk-coverage curve, thinned to at most `CURVE_POINTS`. aurc: the area under the whole of it.
    ece: expected calibration error in the bins (equal width); ece_equal_mass: the same with bins of equal size.
    """

    asked: int
    answered: int
    aurc: float
    at_accuracy: tuple[AtAccuracy, ...]
    ece: float
    ece_equal_mass: float
    bins: tuple[Bin, ...]
    curve: tuple[CurvePoint, ...]

    def coverage(self, accuracy: float) -> float:
        """The coverage at one of `ACCURACIES`."""
        return next(point.coverage for point in self.at_accuracy if point.accuracy == accuracy)


@dataclass(frozen=True, slots=True)
class Answerability:
    """AUROC of telling answerable questions from others; None where there are no others.

    given_paragraph: by the reader's score, from questions that their paragraph does not answer.
    unanswerable, off_topic: by the confidence when the index is asked.
    """

    given_paragraph: float | None
    unanswerable: float | None
    off_topic: float | None


@dataclass(frozen=True, slots=True)
class Speed:
    """Seconds to build the index and to ask; per second: questions; p50, p95: milliseconds a question."""

    build_seconds: float
    ask_seconds: float
    per_second: float
    p50_ms: float
    p95_ms: float


@dataclass(frozen=True, slots=True)
class AnswerReport:
    """The figures over a SQuAD-format set.

    reader: given the paragraph. end_to_end: the paragraph has to be found. hit1_after_reading: how often the
    question's own paragraph is the first one shown. squad2: official figures, if some questions have no answer.
    confidence: over everything asked; confidence_answerable: without unanswerable and off-topic questions, None if
    there are none.
    """

    setting: Setting
    questions: Mapping[str, int]
    retrieval: Retrieval
    hit1_after_reading: Mean
    reader: Overlap
    end_to_end: Overlap
    squad2: Squad2 | None
    confidence: Selective | None
    confidence_answerable: Selective | None
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
    """Summarise; raises ValueError if no question is answerable, since there would be nothing to measure."""
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
    """Summarise; raises ValueError without rankings."""
    ranked = [(ranking.rank, metrics.ndcg_at(ranking.grades, ranking.judged)) for ranking in rankings]
    return RetrievalReport(
        setting=setting,
        questions={"judged": len(rankings)},
        retrieval=_retrieval(ranked),
        speed=_speed([ranking.seconds for ranking in rankings], build_seconds),
    )


def as_json(report: Report) -> dict[str, Any]:
    """The report as JSON values; what is not finite becomes null."""
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
        exact=metrics.bootstrap_mean([one.exact for one in scored]),
        f1=metrics.bootstrap_mean([one.f1 for one in scored]),
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
    """None if nothing was answered."""
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
    """Evenly spread points of the curve, the last one among them."""
    step = math.ceil(len(curve) / CURVE_POINTS)
    return tuple(reversed(curve[::-1][::step]))


def _answerability(outcomes: Sequence[Outcome]) -> Answerability:
    confidence = {kind: [one.confidence for one in outcomes if one.kind is kind] for kind in Kind}
    given = {kind: [one.given.score for one in outcomes if one.given and one.kind is kind] for kind in Kind}
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
