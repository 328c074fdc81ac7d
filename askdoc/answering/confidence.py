"""The evidence for an answer → a calibrated probability that it is right. Pure.

The model is a logistic regression (Platt 1999) over a few numbers that are known when an answer is given; its
coefficients come with the weights and are fitted by `askdoc calibrate`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from askdoc.errors import UsageError
from askdoc.readers.question_type import KINDS


@dataclass(frozen=True, slots=True)
class Evidence:
    """What is known about an answer when it is given.

    margin: the reader's log-odds of the span against "no answer". lead: how far the answer's joint score is above the
    next different answer's. best_margin: the highest margin of any span. fused, dense, lexical: retrieval scores of its
    passage (dense is a cosine, lexical a BM25 score for each word of the question). gap: the fused score of its passage
    above the best other passage's. agreement: 1 if both indexes have the passage among their first three, else 0.
    words: of the answer. kind: the question's type: of `KINDS`, or "other".
    """

    margin: float
    lead: float
    best_margin: float
    fused: float
    dense: float
    lexical: float
    gap: float
    agreement: float
    words: int
    kind: str

    def features(self) -> dict[str, float]:
        """The numbers that the model weighs, by name."""
        kinds = {f"kind_{kind}": float(kind == self.kind) for kind in KINDS}
        return {
            "margin": _squash(self.margin),
            "lead": min(self.lead, 12.0),
            "best_margin": _squash(self.best_margin),
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
    """A fitted model. coefficients: by feature name, of `Evidence.features`; threshold: below it nothing is claimed.

    curve: pairs of a threshold and the accuracy that answers from it upwards had when this was fitted, by threshold.
    """

    intercept: float
    coefficients: Mapping[str, float]
    threshold: float
    curve: tuple[tuple[float, float], ...] = ()

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Calibration:
        curve = tuple((float(threshold), float(accuracy)) for threshold, accuracy in data["curve"])
        return cls(float(data["intercept"]), dict(data["coefficients"]), float(data["threshold"]), curve)

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


UNFITTED = Calibration(0.0, {"margin": 1.0}, 0.5)  # for readers without a fitted model: their own log-odds


def sigmoid(log_odds: float) -> float:
    """1 / (1 + e^-x), without overflow."""
    if log_odds >= 0:
        return 1.0 / (1.0 + math.exp(-log_odds))
    return math.exp(log_odds) / (1.0 + math.exp(log_odds))


def gap(scores: Sequence[float], at: int) -> float:
    """How far a score is above the best of the others; 0 if it stands alone."""
    others = [score for place, score in enumerate(scores) if place != at]
    return scores[at] - max(others) if others else 0.0
