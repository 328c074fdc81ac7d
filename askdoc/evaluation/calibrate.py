"""Fits the fusion, the ranking of answers and the confidence, for `askdoc calibrate`.

It indexes the paragraphs of a set of questions with known answers. It asks questions of the set (answerable), questions
on its subjects that the paragraphs do not answer (unanswerable), and questions of other sets (off-topic). Everything is
chosen on half of the articles and reported on the other half: the weight of the fusion by retrieval; the number of
passages to read and the weight of retrieval by smoothed end-to-end F1; the confidence as a logistic regression.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias, cast

import numpy as np
import numpy.typing as npt

from askdoc import ask
from askdoc.answering import ranking
from askdoc.answering.confidence import Calibration, Evidence
from askdoc.answering.ranking import Settings
from askdoc.embedders import open_embedder
from askdoc.errors import UsageError
from askdoc.evaluation.beir import RetrievalSet
from askdoc.evaluation.metrics import Rated, auroc, calibration_error, coverage_at, equal_mass_bins, risk_coverage
from askdoc.evaluation.run import Plan, document_path, load_data, temporary_index
from askdoc.evaluation.squad import Dataset, exact_match, f1
from askdoc.progress import Progress
from askdoc.retrieval.fusion import fuse
from askdoc.stores import Scored
from askdoc.types import Hit, Reading

# By default, an answer is shown if it is more likely right than wrong: people trust a quotation that they read, and
# without an answer they still see the passages. This decides 70 % of all questions correctly; the best thresholds in
# this respect, 0.35 to 0.4, decide 71 %.
THRESHOLD = 0.5
RIGHT = 0.5  # an answer with this token F1 is right: "Westinghouse" for "George Westinghouse"
READ = 10  # passages read for each question; the search tries this many or fewer
WEIGHTS = (0, 2, 4, 6, 8, 10, 12, 15, 20, 30, 40)  # candidates for `Settings.retrieval_weight`
DENSE_WEIGHTS = (0.2, 0.3, 0.35, 0.4, 0.45, 0.5, 0.55, 0.6, 0.7)  # candidates for the weight of the dense ranking
PENALTY = 1 / 0.3  # of squared coefficients of standardised features
CONVERGED, MOST_STEPS = 1e-10, 100  # of Newton's method, which needs about ten steps
LEAST = 30  # answerable questions in each half; with fewer, figures are chance

Floats: TypeAlias = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Case:
    """A question with its rankings, hits and readings; these are empty until it is asked."""

    question: str
    kind: str  # answerable, unanswerable or off-topic
    golds: tuple[str, ...]  # the right answers; empty if the documents do not answer it
    paragraph: str  # path of its own paragraph
    article: str  # title
    rankings: Mapping[str, Sequence[Scored]]
    hits: tuple[Hit, ...]
    readings: tuple[Reading, ...]


def questions(answerable: Dataset, unanswerable: Dataset | None, off_topic: Sequence[Dataset], *, sample: int, seed: int
              ) -> list[Case]:  # fmt: skip
    """A mix of `sample` answerable questions and a third as many of each other kind, not asked yet."""
    rng = random.Random(seed)  # noqa: S311  # a sample, no secret
    cases = [_case(answerable, number, "answerable") for number in _sampled(answerable, True, sample, rng)]
    if unanswerable is not None:
        chosen = _sampled(unanswerable, False, sample // 3, rng)
        cases += [_case(unanswerable, number, "unanswerable") for number in chosen]
    for other in off_topic:
        chosen = _sampled(other, True, sample // 3 // len(off_topic), rng)
        cases += [_case(other, number, "off-topic") for number in chosen]
    return cases


def _sampled(dataset: Dataset, answerable: bool, count: int, rng: random.Random) -> list[int]:
    fitting = [number for number, question in enumerate(dataset.questions) if question.answerable == answerable]
    return sorted(rng.sample(fitting, min(count, len(fitting))))


def _case(dataset: Dataset, number: int, kind: str) -> Case:
    question = dataset.questions[number]
    golds = tuple(gold.text for gold in question.answers) if kind == "answerable" else ()
    article = dataset.paragraphs[question.paragraph].title
    return Case(question.text, kind, golds, document_path(question.paragraph), article, {}, (), ())


def asked(index: ask.Index, case: Case) -> Case:
    """The case with the rankings of the index and the readings of the reader."""
    hits, _ = index.retrieve(case.question, READ)
    readings = index.reader.read(case.question, [hit.passage.text for hit in hits])
    return replace(case, rankings=index.rankings(case.question), hits=tuple(hits), readings=tuple(readings))


class Collected(NamedTuple):
    """Asked cases."""

    cases: list[Case]
    paths: Mapping[int, str]  # passage id → path of the paragraph
    reader: str  # fingerprint


def collect(answerable: Dataset, cases: Sequence[Case], plan: Plan, progress: Progress) -> Collected:
    """Ask every case with the plan's models."""
    texts = [paragraph.text for paragraph in answerable.paragraphs]
    with temporary_index(texts, plan, progress) as opened:
        index = cast(ask.Index, opened)
        done = []
        for number, case in enumerate(cases, start=1):
            done.append(asked(index, case))
            progress("asking", number, len(cases))
        ids = {scored.id for case in done for ranking in case.rankings.values() for scored in ranking}
        return Collected(done, index.paths(sorted(ids)), index.reader.fingerprint)


def hit_at(
    cases: Sequence[Case], paths: Mapping[int, str], weight: float, ks: Sequence[int] = (1, 5, 20)
) -> list[float]:
    """hit@k of the fusion with this weight of the dense ranking: is the paragraph of a case among the first k?"""
    ranks = []
    for case in cases:
        fused = fuse(case.rankings, {"dense": weight, "lexical": 1.0 - weight})
        paragraphs = list(dict.fromkeys(paths[scored.id] for scored in fused))
        ranks.append(paragraphs.index(case.paragraph) + 1 if case.paragraph in paragraphs else 10**6)
    return [float(np.mean([rank <= k for rank in ranks])) for k in ks]


def with_fusion(case: Case, weight: float, limit: int) -> Case:
    """The case with its hits scored and ordered by another fusion; keeps the first `limit`."""
    scores = {fused.id: fused.score for fused in fuse(case.rankings, {"dense": weight, "lexical": 1.0 - weight})}
    by_parts = {
        tuple(sorted(fused.scores.items())): scores[fused.id]
        for fused in fuse(case.rankings, {"dense": 1, "lexical": 1})
    }
    scored = [
        (replace(hit, score=by_parts[tuple(sorted(hit.scores.items()))]), reading)
        for hit, reading in zip(case.hits, case.readings, strict=True)
    ]
    scored.sort(key=lambda pair: -pair[0].score)
    hits = tuple(replace(hit, rank=rank) for rank, (hit, _) in enumerate(scored[:limit], 1))
    return replace(case, hits=hits, readings=tuple(reading for _, reading in scored[:limit]))


def judged(case: Case, settings: Settings, *, merged: bool = True) -> list[ranking.Candidate]:
    """The answers of a case, best first. merged: merge equal answers."""
    limit, weight = settings.passages, settings.retrieval_weight
    candidates = ranking.candidates(case.hits[:limit], case.readings[:limit], retrieval_weight=weight)
    return ranking.merge(candidates) if merged else candidates


def score(cases: Sequence[Case], settings: Settings) -> dict[str, float]:
    """End-to-end EM and F1, and hit@1 after reading, over answerable cases, in per cent."""
    totals = np.zeros(3)
    answerable = [case for case in cases if case.golds]
    for case in answerable:
        merged = judged(case, settings)
        text = merged[0].text if merged else ""
        path = merged[0].hit.passage.source.path if merged else ""
        totals += (exact_match(text, case.golds), f1(text, case.golds), path == case.paragraph)
    return dict(zip(("em", "f1", "hit1"), (100 * totals / len(answerable)).round(2).tolist(), strict=True))


def graded(case: Case, settings: Settings, *, merged: bool = True) -> tuple[Evidence, bool] | None:
    """The evidence for the best answer of a case, and whether it is right; None without an answer."""
    candidates = judged(case, settings, merged=merged)
    if not candidates:
        return None
    right = bool(case.golds) and f1(candidates[0].text, case.golds) >= RIGHT
    return ranking.evidence(case.question, candidates, 0, case.hits[: settings.passages]), right


def fit(pairs: Sequence[tuple[Evidence, bool]]) -> Calibration:
    """Logistic regression with an L2 penalty on standardised features; returns coefficients for plain features."""
    names = list(pairs[0][0].features())
    features = np.array([[evidence.features()[name] for name in names] for evidence, _ in pairs])
    labels = np.array([float(right) for _, right in pairs])
    mean, scale = features.mean(axis=0), features.std(axis=0) + 1e-9
    standardised, constant = logistic_regression((features - mean) / scale, labels)
    weights = standardised / scale
    intercept = float(constant - (weights * mean).sum())
    coefficients = {name: round(float(w), 5) for name, w in zip(names, weights, strict=True)}
    return Calibration(round(intercept, 5), coefficients, THRESHOLD)


def logistic_regression(features: Floats, labels: Floats, *, penalty: float = PENALTY) -> tuple[Floats, float]:
    """The coefficients and the intercept that make 0/1 labels most likely, by Newton's method.

    Minimises the log loss plus penalty/2 times the sum of squared coefficients; the intercept is free.
    """
    if len(np.unique(labels)) < 2:
        raise UsageError("every answer is right, or every one wrong: nothing can be fitted", hint="use other questions")
    columns = np.column_stack([features, np.ones(len(features))])  # (cases, features + 1)
    penalties = np.append(np.full(features.shape[1], penalty), 0.0)
    weights = np.zeros(columns.shape[1])

    def loss(weights: Floats) -> float:
        logits = columns @ weights
        return float(np.logaddexp(0, logits).sum() - labels @ logits + penalties @ weights**2 / 2)

    for _ in range(MOST_STEPS):
        probabilities = 1 / (1 + np.exp(-(columns @ weights)))
        gradient = columns.T @ (probabilities - labels) + penalties * weights
        curvature = (columns.T * (probabilities * (1 - probabilities))) @ columns + np.diag(penalties)
        step = np.linalg.solve(curvature, gradient)
        while loss(weights - step) > loss(weights) and np.abs(step).max() > CONVERGED:
            step = step / 2
        weights = weights - step
        if np.abs(step).max() <= CONVERGED:
            break
    return weights[:-1], float(weights[-1])


class Rating(NamedTuple):
    """The best answer of a case."""

    confidence: float  # 0.0 without an answer
    right: bool
    case: Case


def rate(cases: Sequence[Case], settings: Settings, calibration: Calibration, *, merged: bool = True) -> list[Rating]:
    """The ratings of cases, in order."""
    pairs = [(case, graded(case, settings, merged=merged)) for case in cases]
    return [
        Rating(calibration.probability(pair[0]), pair[1], case) if pair else Rating(0.0, False, case)
        for case, pair in pairs
    ]


def curve(ratings: Sequence[Rating]) -> list[list[float]]:
    """Pairs of a threshold and the accuracy of the answers at or above it, as long as these are at least 30."""
    points = []
    for threshold in np.arange(0.05, 1.0, 0.01).round(2).tolist():
        shown = [rating.right for rating in ratings if rating.confidence >= threshold]
        if len(shown) >= 30:
            points.append([threshold, round(float(np.mean(shown)), 4)])
    return points


def report(
    cases: Sequence[Case], settings: Settings, calibration: Calibration, *, merged: bool = True
) -> dict[str, Any]:
    """The figures of the confidence on these cases: by kind, and over all."""
    ratings = rate(cases, settings, calibration, merged=merged)
    answers = [Rated(rating.confidence, rating.right) for rating in ratings]
    confidences = {
        kind: [rating.confidence for rating in ratings if rating.case.kind == kind]
        for kind in ("answerable", "unanswerable", "off-topic")
    }
    points = risk_coverage(answers, asked=len(answers))
    figures: dict[str, Any] = score(cases, settings)
    figures["ece"] = round(calibration_error(equal_mass_bins(answers)), 4)
    figures["answered_answerable"] = _share(confidences["answerable"], calibration.threshold)
    for kind in ("unanswerable", "off-topic"):
        if confidences[kind]:
            figures[f"auroc_{kind}"] = round(auroc(confidences["answerable"], confidences[kind]), 4)
            figures[f"refused_{kind}"] = round(1.0 - _share(confidences[kind], calibration.threshold), 4)
    for accuracy in (0.8, 0.9):
        point = coverage_at(points, accuracy)
        figures[f"coverage_at_{accuracy}"] = round(point.coverage, 4) if point else 0.0
    return figures | {"questions": len(cases)}


def _share(confidences: Sequence[float], threshold: float) -> float:
    return round(float(np.mean([confidence >= threshold for confidence in confidences])), 4)


def halves(cases: Sequence[Case]) -> tuple[list[Case], list[Case]]:
    """Split the cases by article: all questions on an article are in the same half."""
    sizes = Counter(case.article for case in cases)
    by_size = sorted(sizes, key=lambda article: (-sizes[article], article))
    first = {article for number, article in enumerate(by_size) if number % 4 in (0, 3)}  # 0, 3 and 1, 2: equal sizes
    return [case for case in cases if case.article in first], [case for case in cases if case.article not in first]


def search(cases: Sequence[Case], paths: Mapping[int, str]) -> tuple[Settings, dict[str, Any]]:
    """The settings with the best F1 on these cases, smoothed over `WEIGHTS`, and the figures of all that were tried."""
    answerable = [case for case in cases if case.golds]
    weights = {w: hit_at(answerable, paths, w) for w in DENSE_WEIGHTS}
    weight = max(weights, key=lambda w: weights[w][1] + weights[w][0] / 10)
    figures: dict[str, float] = {}
    choices: list[tuple[float, Settings]] = []
    for limit in (3, 5, 6, 8, READ):
        fused = [with_fusion(case, weight, limit) for case in answerable]
        tried = [
            Settings({"dense": weight, "lexical": round(1 - weight, 3)}, 100, limit, float(retrieval))
            for retrieval in WEIGHTS
        ]
        scores = [score(fused, settings)["f1"] for settings in tried]
        figures |= {
            f"read {limit}, retrieval {weight:g}": figure for weight, figure in zip(WEIGHTS, scores, strict=True)
        }
        choices += zip(smoothed(scores), tried, strict=True)
    _, best = max(choices, key=lambda pair: pair[0])
    return best, {"hit@1,5,20 by dense weight": weights, "f1": figures}


def smoothed(values: Sequence[float]) -> list[float]:
    """The mean of each value and its neighbours: a single high value may be chance."""
    windows = [values[max(0, middle - 1) : middle + 2] for middle in range(len(values))]
    return [sum(window) / len(window) for window in windows]


def ablation(
    cases: Sequence[Case], paths: Mapping[int, str], settings: Settings, calibration: Calibration, unmerged: Calibration
) -> dict[str, dict[str, float]]:
    """The figures with each stage added, in per cent, by stage. cases: those not used for choosing.

    unmerged: a calibration fitted without merging equal answers.
    """
    answerable = [case for case in cases if case.golds]
    depths = ("hit@1", "hit@5", "hit@20")
    stages = {}
    for name, weight in (("dense", 1.0), ("lexical", 0.0), ("fused", settings.weights["dense"])):
        hits = (round(100 * hit, 2) for hit in hit_at(answerable, paths, weight))
        stages[name] = dict(zip(depths, hits, strict=True))
    reader_alone = replace(settings, retrieval_weight=0.0)
    raw = replace(calibration, intercept=0.0, coefficients={"null_margin": 1.0})
    for name, stage_settings, model, merged in (
        ("fused + reader", reader_alone, raw, False),
        ("+ re-ranking", settings, raw, False),
        ("+ confidence", settings, unmerged, False),
        ("+ merging of equal answers", settings, calibration, True),
    ):
        figures = report(cases, stage_settings, model, merged=merged)
        stages[name] = {
            "hit@1": figures["hit1"], "EM": figures["em"], "F1": figures["f1"], "ECE": round(100 * figures["ece"], 2),
            "coverage at 80 %": round(100 * figures["coverage_at_0.8"], 2),
            "AUROC off-topic": round(100 * figures.get("auroc_off-topic", 0.0), 2),
        }  # fmt: skip
    return stages


@dataclass(frozen=True, slots=True)
class Sources:
    """The SQuAD-format files to calibrate on."""

    data: Path  # its paragraphs are indexed and its questions are asked
    unanswerable: Path | None = None  # questions that these paragraphs do not answer; by default those of `data`
    off_topic: tuple[Path, ...] = ()  # questions on other topics
    checks: tuple[Path, ...] = ()  # other sets, only to report on
    sample: int = 1500  # answerable questions of `data`; a third as many of each other kind are asked
    seed: int = 1  # of the sample


def calibrate(sources: Sources, plan: Plan, progress: Progress) -> tuple[dict[str, Any], dict[str, Any]]:
    """Fit the plan's models; returns the content of `fitted.json`, and all figures. Raises `AskdocError`."""
    data = _load(sources.data)
    unanswerable = _load(sources.unanswerable) if sources.unanswerable else data
    off_topic = [_load(path) for path in sources.off_topic]
    sizes = {"sample": sources.sample, "seed": sources.seed}
    collected = collect(data, questions(data, unanswerable, off_topic, **sizes), plan, progress)
    fitted, figures = fit_all(collected, " and ".join(dict.fromkeys([data.name, unanswerable.name])))
    if plan.embedder is not None:
        fitted["confidence"]["embedder"] = open_embedder(plan.embedder).fingerprint
    for other in map(_load, sources.checks):
        cases = questions(other, None, [data], sample=sources.sample // 3, seed=sources.seed)
        checked = collect(other, cases, plan, progress).cases
        fitted["measured"][f"checked on {other.name}"] = report_as_fitted(checked, fitted)
    return fitted, figures


def _load(path: Path) -> Dataset:
    data = load_data(path)
    if isinstance(data, RetrievalSet):
        raise UsageError(f"{path} is a BEIR folder, which has no answers", hint="use a file in SQuAD format")
    return data


def report_as_fitted(cases: Sequence[Case], fitted: Mapping[str, Any]) -> dict[str, Any]:
    """The report on other cases, with the settings and the calibration that were fitted."""
    settings = Settings.from_dict(fitted["ranking"])
    fused = [with_fusion(case, settings.weights["dense"], settings.passages) for case in cases]
    return report(fused, settings, Calibration.from_dict(fitted["confidence"]))


def fit_all(collected: Collected, data: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """The content of `fitted.json`, and the figures behind it."""
    cases, paths, reader = collected
    fitting, checking = halves(cases)
    smallest = min(sum(bool(case.golds) for case in half) for half in (fitting, checking))
    if smallest < LEAST:
        raise UsageError(
            f"{data}: {smallest} answerable questions in one half of the articles, at least {LEAST} are needed",
            hint="use more questions, from four articles or more",
        )
    settings, tried = search(fitting, paths)
    weight = settings.weights["dense"]
    fitting, checking = (
        [with_fusion(case, weight, settings.passages) for case in half] for half in (fitting, checking)
    )
    calibration, unmerged = (
        fit([pair for case in fitting if (pair := graded(case, settings, merged=merged))]) for merged in (True, False)
    )
    figures = {
        "searched": tried,
        "fitted on": report(fitting, settings, calibration),
        "checked on": report(checking, settings, calibration),
        "ablation": ablation(checking, paths, settings, calibration, unmerged),
    }
    fitted = {
        "about": f"fitted by askdoc calibrate on half the articles of {data}",
        "date": date.today().isoformat(),
        "ranking": {
            "weights": dict(settings.weights), "pool": settings.pool, "passages": settings.passages,
            "retrieval_weight": settings.retrieval_weight,
        },
        "confidence": {
            "reader": reader, "intercept": calibration.intercept, "coefficients": dict(calibration.coefficients),
            "threshold": calibration.threshold,
            "curve": curve(rate(checking, settings, calibration)),
        },
        "measured": {"fitted on": figures["fitted on"], "checked on": figures["checked on"]},
        "ablation": figures["ablation"],
    }  # fmt: skip
    return fitted, figures
