"""What askdoc said to each question, and how good that was; the story goes on in `report.py`."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from askdoc.errors import WriteError


class Kind(StrEnum):
    """Whether there was an answer to be found: yes; not in the paragraph asked about; not in any indexed document."""

    ANSWERABLE = "answerable"
    UNANSWERABLE = "unanswerable"
    OFF_TOPIC = "off-topic"


@dataclass(frozen=True, slots=True)
class Given:
    """What the reader said when it was given the question's own paragraph.

    prediction: its best span, empty if it had none. score: log-odds of that span against "no answer", -inf without a
    span. exact, f1: of the span, as if it were always given.
    """

    prediction: str
    score: float
    exact: float
    f1: float


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the index said to one question, when nothing is withheld.

    prediction: empty if there was no answer at all; then confidence is 0. exact, f1: against the gold answers; where
    there is none, 1.0 for the empty prediction. found, read: the rank of the question's own paragraph after retrieval
    and after reading, None if it is not there or the question has no paragraph. given: None for off-topic questions.
    seconds: from question to reply, without retrieval for `found` and without `given`.
    """

    id: str
    question: str
    kind: Kind
    prediction: str
    confidence: float
    exact: float
    f1: float
    found: int | None
    read: int | None
    given: Given | None
    seconds: float

    def right(self, from_f1: float) -> bool:
        """Whether the prediction answers: there is an answer, and the F1 with it is at least `from_f1`."""
        return self.kind is Kind.ANSWERABLE and self.f1 >= from_f1


@dataclass(frozen=True, slots=True)
class Ranking:
    """What retrieval brought for a judged query.

    documents, grades: what was found, in order. judged: the grades of all judged documents.
    seconds: from query to ranking.
    """

    id: str
    query: str
    documents: tuple[str, ...]
    grades: tuple[int, ...]
    judged: tuple[int, ...]
    seconds: float

    @property
    def rank(self) -> int | None:
        """The rank of the first relevant document."""
        return next((rank for rank, grade in enumerate(self.grades, start=1) if grade > 0), None)


def write_predictions(outcomes: Iterable[Outcome | Ranking], path: Path) -> None:
    """Write one JSON object a line, in the order of the questions."""
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
    score = given.score if given.prediction else None  # JSON knows no infinity
    return {"prediction": given.prediction, "score": score, "exact": given.exact, "f1": given.f1}
