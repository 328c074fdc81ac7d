"""The evidence for an answer → a calibrated probability that it is right. Pure.

The model is a logistic regression (Platt 1999) over a few numbers that are known when an answer is given; its
coefficients come with the weights and are fitted by `askdoc.training.confidence`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from askdoc.errors import UsageError
from askdoc.readers.question_type import KINDS

# Features as fitted.json files named them that were made by earlier versions, and their names now.
_RENAMED = {"margin": "null_margin", "best_margin": "best_null_margin", "lead": "runner_up_margin"}


@dataclass(frozen=True, slots=True)
class Evidence:
    """What is known about an answer when it is given."""

    null_margin: float  # the reader's log-odds of the span against "no answer"
    runner_up_margin: float  # its joint score above that of the next different answer
    best_null_margin: float  # the highest null margin of any span
    fused: float  # retrieval score of its passage, in [0, 1]
    dense: float  # of its passage, a cosine; 0 if that index did not find it
    lexical: float  # of its passage, a BM25 score for each word of the question; likewise
    gap: float  # the fused score of its passage above that of the best other passage
    agreement: float  # 1 if both indexes have its passage among their first three, else 0
    words: int  # of the answer
    kind: str  # the question's type: of `KINDS`, or "other"

    def features(self) -> dict[str, float]:
        """The numbers that the model weighs, by name."""
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
    """Log-odds beyond ±15 say nothing more."""
    return max(-15.0, min(15.0, margin))


@dataclass(frozen=True, slots=True)
class Calibration:
    """A fitted model."""

    intercept: float
    coefficients: Mapping[str, float]  # by feature name, of `Evidence.features`
    threshold: float  # below it nothing is claimed
    curve: tuple[
        tuple[float, float], ...
    ] = ()  # threshold, and how often answers from it upwards were right; ascending

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Calibration:
        curve = tuple((float(threshold), float(accuracy)) for threshold, accuracy in data["curve"])
        coefficients = {_RENAMED.get(name, name): float(weight) for name, weight in data["coefficients"].items()}
        return cls(float(data["intercept"]), coefficients, float(data["threshold"]), curve)

    def threshold_for(self, accuracy: float) -> float:
        """The lowest threshold from which on answers were this often right; raises `UsageError` if none is so good."""
        fitting = [threshold for threshold, reached in self.curve if reached >= accuracy]
        if not fitting:
            best = max((reached for _, reached in self.curve), default=0.0)
            raise UsageError(
                f"no confidence was measured to be right in {accuracy:.0%} of cases",
                hint=f"the most is --min-accuracy {math.floor(100 * best) / 100}" if best else "use --min-confidence",
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


def gap(scores: Sequence[float], at: int) -> float:
    """How far a score is above the best of the others; 0 if there are none."""
    others = [score for place, score in enumerate(scores) if place != at]
    return scores[at] - max(others) if others else 0.0
