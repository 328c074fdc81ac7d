"""Fits what askdoc decides with: the fusion, the ranking of answers and the confidence.

    python -m askdoc.training.confidence DEV_FOLDER TRAIN_FOLDER [--sample N] [--check SQUAD_FILE …] [--out fitted.json]
        [--reader FOLDER [--embedder NAME]]

It indexes the paragraphs of `squad_v1.1_dev_a`, asks its questions (answerable), those of `squad_v2.0_dev_a` that have
no answer there (unanswerable, but on the subject) and some of other sets whose paragraphs are not in the index
(off-topic). Everything is chosen on every other article and reported on the rest. Numbers are chosen by search:
the fusion's weight by retrieval, the passages read and the worth of retrieval by smoothed end-to-end F1, the confidence
by logistic regression.
"""

from __future__ import annotations

import argparse
import json
import pickle
import random
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any, NamedTuple, cast

import numpy as np

from askdoc import ask, ranking
from askdoc.confidence import Calibration, Evidence
from askdoc.embedders import open_embedder
from askdoc.evaluation.metrics import Rated, auroc, calibration_error, coverage_at, equal_mass_bins, risk_coverage
from askdoc.evaluation.run import Plan, document_path, temporary_index
from askdoc.evaluation.squad import Dataset, exact_match, f1, load_squad
from askdoc.fusion import fuse
from askdoc.indexes import Scored
from askdoc.models import BUNDLED, FITTED
from askdoc.ranking import Settings
from askdoc.readers import folder_of
from askdoc.types import Hit, Reading

# Unless the user asks otherwise, an answer is shown if it is more likely right than wrong: who reads a quotation trusts
# it, and who reads that nothing was found still sees the passages. Shown or withheld rightly are 70 % of all questions
# then, at 0.35 to 0.4, the best thresholds by that count, 71 %.
THRESHOLD = 0.5
RIGHT = (
    0.5  # an answer is right from this token F1 on: "Westinghouse" for "George Westinghouse", "three times" for "three"
)
READ = 10  # passages read of each question, of which the search takes the first k
WORTHS = (0, 2, 4, 6, 8, 10, 12, 15, 20, 30, 40)  # of a passage's retrieval score when answers are ranked
OFF_TOPIC = ("squadshifts_new_wiki", "fairytaleqa", "covidqa", "policyqa")


@dataclass(frozen=True, slots=True)
class Case:
    """A question with all that askdoc knew when it answered. golds: empty where the documents do not answer."""

    question: str
    kind: str
    golds: tuple[str, ...]
    paragraph: str
    article: str
    rankings: Mapping[str, Sequence[Scored]]
    hits: tuple[Hit, ...]
    readings: tuple[Reading, ...]


def questions(answerable: Dataset, unanswerable: Dataset | None, off_topic: Sequence[Dataset], *, sample: int, seed: int
              ) -> list[Case]:  # fmt: skip
    """A mix of `sample` answerable questions and a third as many of each other kind; nothing asked yet."""
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
    """The case with what the index and the reader say to it."""
    hits, _ = index.retrieve(case.question, READ)
    readings = index.reader.read(case.question, [hit.passage.text for hit in hits])
    return replace(case, rankings=index.rankings(case.question), hits=tuple(hits), readings=tuple(readings))


def collect(answerable: Dataset, cases: Sequence[Case], plan: Plan) -> tuple[list[Case], dict[int, str], str]:
    """Ask every case with the plan's models; also the paragraph of each passage id, and the reader's fingerprint."""
    texts = [paragraph.text for paragraph in answerable.paragraphs]
    with temporary_index(texts, plan, lambda *_: None) as opened:
        index = cast(ask.Index, opened)
        done = []
        for at, case in enumerate(cases):
            done.append(asked(index, case))
            if at % 100 == 0:
                print(f"{at} of {len(cases)} questions asked", flush=True)  # noqa: T201
        ids = {one.id for case in done for ranked in case.rankings.values() for one in ranked}
        return done, index.paths(sorted(ids)), index.reader.fingerprint


def hit_at(
    cases: Sequence[Case], paths: Mapping[int, str], weight: float, ks: Sequence[int] = (1, 5, 20)
) -> list[float]:
    """hit@k of the fusion with this weight of the dense index: the gold paragraph is among the first k paragraphs."""
    ranks = []
    for case in cases:
        fused = fuse(case.rankings, {"dense": weight, "lexical": 1.0 - weight})
        found = list(dict.fromkeys(paths[one.id] for one in fused))
        ranks.append(found.index(case.paragraph) + 1 if case.paragraph in found else 10**6)
    return [float(np.mean([rank <= k for rank in ranks])) for k in ks]


def with_fusion(case: Case, weight: float, limit: int) -> Case:
    """The case with its hits scored and ordered by another fusion, and only the first `limit` of them."""
    scores = {one.id: one.score for one in fuse(case.rankings, {"dense": weight, "lexical": 1.0 - weight})}
    by_parts = {
        tuple(sorted(one.scores.items())): scores[one.id] for one in fuse(case.rankings, {"dense": 1, "lexical": 1})
    }
    scored = [
        (replace(hit, score=by_parts[tuple(sorted(hit.scores.items()))]), reading)
        for hit, reading in zip(case.hits, case.readings, strict=True)
    ]
    scored.sort(key=lambda pair: -pair[0].score)
    hits = tuple(replace(hit, rank=rank) for rank, (hit, _) in enumerate(scored[:limit], 1))
    return replace(case, hits=hits, readings=tuple(reading for _, reading in scored[:limit]))


def judged(case: Case, settings: Settings, *, merged: bool = True) -> list[ranking.Candidate]:
    """The case's answers, best first; equal ones are one if `merged`."""
    limited, worth = settings.passages, settings.retrieval_weight
    found = ranking.candidates(case.hits[:limited], case.readings[:limited], retrieval_weight=worth)
    return ranking.merge(found) if merged else found


def score(cases: Sequence[Case], settings: Settings) -> dict[str, float]:
    """End-to-end EM and F1, and how often the first passage after reading is the gold one, over answerable cases."""
    totals = np.zeros(3)
    answerable = [case for case in cases if case.golds]
    for case in answerable:
        merged = judged(case, settings)
        text = merged[0].text if merged else ""
        path = merged[0].hit.passage.source.path if merged else ""
        totals += (exact_match(text, case.golds), f1(text, case.golds), path == case.paragraph)
    return dict(zip(("em", "f1", "hit1"), (100 * totals / len(answerable)).round(2).tolist(), strict=True))


def graded(case: Case, settings: Settings, *, merged: bool = True) -> tuple[Evidence, bool] | None:
    """The evidence for the case's best answer, and whether that is right; None if nothing was found."""
    found = judged(case, settings, merged=merged)
    if not found:
        return None
    right = bool(case.golds) and f1(found[0].text, case.golds) >= RIGHT
    return ranking.evidence(case.question, found, 0, case.hits[: settings.passages]), right


def fit(pairs: Sequence[tuple[Evidence, bool]]) -> Calibration:
    """Logistic regression with an L2 penalty on standardised features, turned back into plain coefficients."""
    from sklearn.linear_model import LogisticRegression

    names = list(pairs[0][0].features())
    features = np.array([[evidence.features()[name] for name in names] for evidence, _ in pairs])
    labels = np.array([right for _, right in pairs])
    mean, scale = features.mean(axis=0), features.std(axis=0) + 1e-9
    model = LogisticRegression(C=0.3, max_iter=2000).fit((features - mean) / scale, labels)
    weights = model.coef_[0] / scale
    intercept = float(model.intercept_[0] - (weights * mean).sum())
    coefficients = {name: round(float(w), 5) for name, w in zip(names, weights, strict=True)}
    return Calibration(round(intercept, 5), coefficients, THRESHOLD)


class Rating(NamedTuple):
    """A case's best answer: its confidence (0.0 if nothing was found), and whether it is right."""

    confidence: float
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
    """Pairs of a threshold and the accuracy of the answers from it upwards, where at least 30 answers are left."""
    points = []
    for threshold in np.arange(0.05, 1.0, 0.01).round(2).tolist():
        shown = [rating.right for rating in ratings if rating.confidence >= threshold]
        if len(shown) >= 30:
            points.append([threshold, round(float(np.mean(shown)), 4)])
    return points


def report(
    cases: Sequence[Case], settings: Settings, calibration: Calibration, *, merged: bool = True
) -> dict[str, Any]:
    """How good the confidence is on these cases: by kind, and over all."""
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
    """Split by article, so that no article's questions are on both sides."""
    sizes = Counter(case.article for case in cases)
    place = {article: at for at, (article, _) in enumerate(sorted(sizes.items(), key=lambda item: (-item[1], item[0])))}
    ours = [case for case in cases if place[case.article] % 4 in (0, 3)]  # pairs swap, so that the halves are as large
    return ours, [case for case in cases if place[case.article] % 4 not in (0, 3)]


def search(cases: Sequence[Case], paths: Mapping[int, str]) -> tuple[Settings, dict[str, Any]]:
    """The settings whose F1, smoothed over `WORTHS`, is best on these cases, and what was tried."""
    answerable = [case for case in cases if case.golds]
    weights = {w: hit_at(answerable, paths, w) for w in (0.2, 0.3, 0.35, 0.4, 0.45, 0.5, 0.55, 0.6, 0.7)}
    weight = max(weights, key=lambda w: weights[w][1] + weights[w][0] / 10)
    figures: dict[str, float] = {}
    choices: list[tuple[float, Settings]] = []
    for limit in (3, 5, 6, 8, READ):
        some = [with_fusion(case, weight, limit) for case in answerable]
        tried = [
            Settings({"dense": weight, "lexical": round(1 - weight, 3)}, 100, limit, float(worth)) for worth in WORTHS
        ]
        scores = [score(some, settings)["f1"] for settings in tried]
        figures |= {f"read {limit}, worth {worth:g}": one for worth, one in zip(WORTHS, scores, strict=True)}
        choices += zip(smoothed(scores), tried, strict=True)
    _, best = max(choices, key=lambda pair: pair[0])
    return best, {"hit@1,5,20 by dense weight": weights, "f1": figures}


def smoothed(values: Sequence[float]) -> list[float]:
    """Each value's mean with its neighbours: the highest one alone may be chance."""
    near = [values[max(0, at - 1) : at + 2] for at in range(len(values))]
    return [sum(some) / len(some) for some in near]


def ablation(
    cases: Sequence[Case], paths: Mapping[int, str], settings: Settings, calibration: Calibration, unmerged: Calibration
) -> dict[str, dict[str, float]]:
    """What each stage adds, on cases that nothing was chosen on: figures in percent, by stage.

    unmerged: a calibration fitted as the other one was, but without merging equal answers.
    """
    answerable = [case for case in cases if case.golds]
    depths = ("hit@1", "hit@5", "hit@20")
    stages = {}
    for name, weight in (("dense", 1.0), ("lexical", 0.0), ("fused", settings.weights["dense"])):
        found = (round(100 * hit, 2) for hit in hit_at(answerable, paths, weight))
        stages[name] = dict(zip(depths, found, strict=True))
    reader_alone = replace(settings, retrieval_weight=0.0)
    raw = replace(calibration, intercept=0.0, coefficients={"margin": 1.0})
    for name, how, model, merged in (
        ("fused + reader", reader_alone, raw, False),
        ("+ re-ranking", settings, raw, False),
        ("+ confidence", settings, unmerged, False),
        ("+ merging of equal answers", settings, calibration, True),
    ):
        figures = report(cases, how, model, merged=merged)
        stages[name] = {
            "hit@1": figures["hit1"], "EM": figures["em"], "F1": figures["f1"], "ECE": round(100 * figures["ece"], 2),
            "coverage at 80 %": round(100 * figures["coverage_at_0.8"], 2),
            "AUROC off-topic": round(100 * figures.get("auroc_off-topic", 0.0), 2),
        }  # fmt: skip
    return stages


def main() -> None:
    """Run as a program; see the top of this file."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("dev", type=Path)
    parser.add_argument("train", type=Path)
    parser.add_argument("--sample", type=int, default=1500, help="answerable questions")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--check", type=Path, action="append", default=[], help="a SQuAD-format file of another domain")
    parser.add_argument("--reader", help="the folder of another reader; what is fitted for it is kept there")
    parser.add_argument("--embedder", help="another embedder, to be used with that reader")
    parser.add_argument("--out", type=Path, help="default: fitted.json beside the bundled models, or the other reader")
    parser.add_argument("--cache", type=Path, help="keep the asked questions in this folder, or take them from there")
    arguments = parser.parse_args()
    plan, folder = Plan(embedder=arguments.embedder, reader=arguments.reader), folder_of(arguments.reader or "")
    if (arguments.embedder or arguments.reader) and folder is None and arguments.out is None:
        parser.error("name the folder of a reader, --reader FOLDER, or a file, --out FILE")
    dev = load_squad(arguments.dev / "squad_v1.1_dev_a.json.gz")
    unanswerable = load_squad(arguments.dev / "squad_v2.0_dev_a.json.gz")
    others = [load_squad(arguments.train / f"{name}.json.gz") for name in OFF_TOPIC]
    sizes = {"sample": arguments.sample, "seed": arguments.seed}
    asked_dev = cached(dev, questions(dev, unanswerable, others, **sizes), plan, arguments.cache)
    fitted, figures = fit_all(*asked_dev)
    if plan.embedder is not None:
        fitted["confidence"]["embedder"] = open_embedder(plan.embedder).fingerprint
    for path in arguments.check:
        other = load_squad(path)
        sizes = {"sample": arguments.sample // 3, "seed": arguments.seed}
        cases, _, _ = cached(other, questions(other, None, [dev], **sizes), plan, arguments.cache)
        fitted["measured"][f"checked on {other.name}"] = report_as_fitted(cases, fitted)
    (arguments.out or _beside(folder)).write_text(json.dumps(fitted, indent=1) + "\n", encoding="utf-8")
    print(json.dumps({"fitted": fitted, "figures": figures}, indent=1))  # noqa: T201


def _beside(reader: Path | None) -> Path:
    """Where askdoc looks for what was fitted for a reader."""
    return (reader or BUNDLED) / FITTED


def cached(
    dataset: Dataset, cases: Sequence[Case], plan: Plan, folder: Path | None
) -> tuple[list[Case], dict[int, str], str]:
    """`collect`, or what it gave the last time."""
    models = "".join(f"-{name}".replace("/", "_") for name in (plan.embedder, plan.reader) if name)
    kept = folder / f"{dataset.name}-{len(cases)}{models}.pickle" if folder else None
    if kept is not None and kept.exists():
        found: tuple[list[Case], dict[int, str], str] = pickle.loads(kept.read_bytes())  # noqa: S301  # our own file
        return found
    found = collect(dataset, cases, plan)
    if kept is not None:
        kept.parent.mkdir(parents=True, exist_ok=True)
        kept.write_bytes(pickle.dumps(found))
    return found


def report_as_fitted(cases: Sequence[Case], fitted: Mapping[str, Any]) -> dict[str, Any]:
    """The report on other cases, with what was fitted."""
    settings = Settings.from_dict(fitted["ranking"])
    some = [with_fusion(case, settings.weights["dense"], settings.passages) for case in cases]
    return report(some, settings, Calibration.from_dict(fitted["confidence"]))


def fit_all(cases: Sequence[Case], paths: Mapping[int, str], reader: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """What `fitted.json` holds, and the figures behind it."""
    ours, theirs = halves(cases)
    settings, tried = search(ours, paths)
    weight = settings.weights["dense"]
    ours, theirs = ([with_fusion(case, weight, settings.passages) for case in half] for half in (ours, theirs))
    calibration, unmerged = (
        fit([pair for case in ours if (pair := graded(case, settings, merged=merged))]) for merged in (True, False)
    )
    figures = {
        "searched": tried,
        "fitted on": report(ours, settings, calibration),
        "checked on": report(theirs, settings, calibration),
        "ablation": ablation(theirs, paths, settings, calibration, unmerged),
    }
    fitted = {
        "about": "fitted by askdoc.training.confidence on half the articles of squad_v1.1_dev_a and squad_v2.0_dev_a",
        "date": date.today().isoformat(),
        "ranking": {
            "weights": dict(settings.weights), "pool": settings.pool, "passages": settings.passages,
            "retrieval_weight": settings.retrieval_weight,
        },
        "confidence": {
            "reader": reader, "intercept": calibration.intercept, "coefficients": dict(calibration.coefficients),
            "threshold": calibration.threshold,
            "curve": curve(rate(theirs, settings, calibration)),
        },
        "measured": {"fitted on": figures["fitted on"], "checked on": figures["checked on"]},
        "ablation": figures["ablation"],
    }  # fmt: skip
    return fitted, figures


if __name__ == "__main__":
    main()
