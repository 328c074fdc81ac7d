"""The evidence for an answer → a calibrated probability that it is right. Pure.

The model is a logistic regression (Platt 1999) over the few numbers of `Evidence`. Its coefficients come with the
weights; `askdoc calibrate` fits them.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from askdoc.errors import UsageError
from askdoc.readers.question_type import KINDS

# Features: their names in fitted.json files of earlier versions → their names now
_RENAMED = {"margin": "null_margin", "best_margin": "best_null_margin", "lead": "runner_up_margin"}


@dataclass(frozen=True, slots=True)
class Evidence:
    """The numbers from which the confidence of an answer is computed."""

    null_margin: float  # the reader's log-odds of the span against "no answer"
    runner_up_margin: float  # the answer's joint score minus that of the next different answer
    best_null_margin: float  # the highest null margin of any span
    fused: float  # fused retrieval score of the passage, in [0, 1]
    dense: float  # dense score of the passage, a cosine; 0 if it is not in that ranking
    lexical: float  # BM25 score of the passage, divided by the question's number of words; likewise
    gap: float  # the passage's fused score minus that of the best other passage
    agreement: float  # 1 if the passage is among the first `ranking.FIRST` of both rankings, else 0
    words: int  # in the answer
    kind: str  # the question's type: a key of `KINDS`, or "other"

    def features(self) -> dict[str, float]:
        """The inputs of the logistic regression, by name."""
        kinds = {f"kind_{kind}": float(kind == self.kind) for kind in KINDS}
        return {
            "null_margin": _squash(self.null_margin),
            "runner_up_margin": min(self.runner_up_margin, 12.0),
            "best_null_margin": _squash(self.best_null_margin),
            "fused": self.fused,
            "dense": self.dense,
            "lexical": self.lexical,
            "gap": self.gap,
            "agreement": self.agreement,
            "words": math.log1p(self.words),
            **kinds,
        }


def _squash(margin: float) -> float:
    """Clip log-odds to ±15; beyond, they carry no more information."""
    return max(-15.0, min(15.0, margin))


@dataclass(frozen=True, slots=True)
class Calibration:
    """A fitted logistic regression."""

    intercept: float
    coefficients: Mapping[str, float]  # by feature name, of `Evidence.features`
    threshold: float  # confidence below which an answer is not shown by default
    # (threshold, share of the answers at or above it that were right), ascending
    curve: tuple[tuple[float, float], ...] = ()

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Calibration:
        curve = tuple((float(threshold), float(accuracy)) for threshold, accuracy in data["curve"])
        coefficients = {_RENAMED.get(name, name): float(weight) for name, weight in data["coefficients"].items()}
        return cls(float(data["intercept"]), coefficients, float(data["threshold"]), curve)

    def threshold_for(self, accuracy: float) -> float:
        """The lowest threshold with at least this accuracy in calibration; raises `UsageError` if there is none."""
        fitting = [threshold for threshold, reached in self.curve if reached >= accuracy]
        if not fitting:
            best = max((reached for _, reached in self.curve), default=0.0)
            raise UsageError(
                f"no confidence level reached {accuracy:.0%} accuracy in calibration",
                hint=f"the highest available is --min-accuracy {math.floor(100 * best) / 100}"
                if best
                else "use --min-confidence",
            )
        return min(fitting)

    def probability(self, evidence: Evidence) -> float:
        """The probability in (0, 1) that the answer is right."""
        features = evidence.features()
        return sigmoid(self.intercept + sum(weight * features[name] for name, weight in self.coefficients.items()))


UNFITTED = Calibration(0.0, {"null_margin": 1.0}, 0.5)  # for readers without a fitted model: their own log-odds


def sigmoid(log_odds: float) -> float:
    """1 / (1 + e^-x), without overflow."""
    if log_odds >= 0:
        return 1.0 / (1.0 + math.exp(-log_odds))
    return math.exp(log_odds) / (1.0 + math.exp(log_odds))


def gap(scores: Sequence[float], position: int) -> float:
    """`scores[position]` minus the best of the other scores; 0 if there are no others."""
    others = [score for number, score in enumerate(scores) if number != position]
    return scores[position] - max(others) if others else 0.0
