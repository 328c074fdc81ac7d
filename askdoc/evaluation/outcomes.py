"""The outcome of each question: the answer of askdoc, and its scores. `report.py` turns outcomes into figures."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from askdoc.errors import WriteError


class Kind(StrEnum):
    """Whether a question has an answer."""

    ANSWERABLE = "answerable"
    UNANSWERABLE = "unanswerable"  # its own paragraph does not answer it
    OFF_TOPIC = "off-topic"  # no indexed document answers it


@dataclass(frozen=True, slots=True)
class Given:
    """The reader's answer from the question's own paragraph (the oracle setting)."""

    prediction: str  # the best span; empty if there is none
    score: float  # log-odds of the span against "no answer"; -inf without a span
    exact: float  # of the span, also if its score is negative
    f1: float  # likewise


@dataclass(frozen=True, slots=True)
class Outcome:
    """The best answer of the index to one question, of any confidence."""

    id: str
    question: str
    kind: Kind
    prediction: str  # empty if there is no answer
    confidence: float  # 0 if there is no answer
    exact: float  # against the gold answers; without any, 1.0 for an empty prediction
    f1: float  # likewise
    found: int | None  # rank of the question's own paragraph after retrieval; None if it is not there, or has none
    read: int | None  # likewise, after reading
    given: Given | None  # None for off-topic questions
    seconds: float  # from question to reply, without the work for `found` and `given`

    def right(self, from_f1: float) -> bool:
        """Is the prediction right: the question has an answer, and the F1 with it is at least `from_f1`?"""
        return self.kind is Kind.ANSWERABLE and self.f1 >= from_f1


@dataclass(frozen=True, slots=True)
class Ranking:
    """The documents retrieved for a judged query."""

    id: str
    query: str
    documents: tuple[str, ...]  # ids, best first
    grades: tuple[int, ...]  # of these documents
    judged: tuple[int, ...]  # grades of all judged documents
    seconds: float  # from query to ranking

    @property
    def rank(self) -> int | None:
        """The rank of the first relevant document."""
        return next((rank for rank, grade in enumerate(self.grades, start=1) if grade > 0), None)


def write_predictions(outcomes: Iterable[Outcome | Ranking], path: Path) -> None:
    """Write one JSON object a line, in the order of the questions. Raises `WriteError`."""
    lines = (json.dumps(_as_json(outcome), ensure_ascii=False, allow_nan=False) for outcome in outcomes)
    try:
        path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    except OSError as error:
        raise WriteError(f"{path} cannot be written: {error.strerror}", hint="name another file") from error


def _as_json(outcome: Outcome | Ranking) -> Mapping[str, object]:
    if isinstance(outcome, Ranking):
        return {"id": outcome.id, "question": outcome.query, "gold_rank": outcome.rank, "documents": outcome.documents}
    return {
        "id": outcome.id,
        "question": outcome.question,
        "kind": outcome.kind.value,
        "prediction": outcome.prediction,
        "confidence": outcome.confidence,
        "exact": outcome.exact,
        "f1": outcome.f1,
        "gold_rank": outcome.found,
        "read_rank": outcome.read,
        "given_paragraph": _given_as_json(outcome.given),
    }


def _given_as_json(given: Given | None) -> Mapping[str, object] | None:
    if given is None:
        return None
    score = given.score if given.prediction else None  # JSON has no infinity
    return {"prediction": given.prediction, "score": score, "exact": given.exact, "f1": given.f1}
