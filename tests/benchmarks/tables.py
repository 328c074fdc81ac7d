"""Which sentence of a table's row is answered best: the same questions about the same tables, in each form.

    python tests/benchmarks/tables.py

The tables in `tables/` (numbers, names, dates, missing and long cells, rows that are alike) are indexed as CSV, all
together, once for each form of `askdoc.loaders.rows.NAMED`. Asked are the questions in `tables/*.jsonl`, written by
hand, and one made for each cell: "What is the COLUMN of FIRST CELL?" Counted is where the right row is the first
passage; where the first answer holds the right cell, and where it is only that cell; and where such an answer is also
confident enough to be shown. Questions by hand on which the forms differ are listed.
"""

from __future__ import annotations

import csv
import json
import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

sys.path.insert(0, str(Path(__file__).parents[2]))

import record

from askdoc import ask, build, loaders
from askdoc.evaluation.squad import exact_match
from askdoc.loaders import rows

FOLDER = Path(__file__).parent / "tables"
TABLES = [path for path in sorted(FOLDER.iterdir()) if path.suffix in (".csv", ".tsv")]
FORMS = {"colon": "{name}: {value}", "is": "{name} is {value}"}


@dataclass(frozen=True, slots=True)
class Question:
    """A question about one cell. row: its number in the file, as a citation says it."""

    table: str
    question: str
    answer: str
    row: int


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one form gave for one question."""

    first_row: bool  # the right row is the first passage
    right: bool  # the first answer holds the right cell
    exact: bool  # and nothing else
    shown: bool  # it is right, and confident enough to be shown
    answer: str


def written() -> list[Question]:
    """The questions written by hand, by table."""
    return [
        Question(path.stem, **json.loads(line))
        for path in sorted(FOLDER.glob("*.jsonl"))
        for line in path.read_text(encoding="utf-8").splitlines()
    ]


def made() -> list[Question]:
    """A question for each cell but the first of each row. All tables have their header in the first wide row."""
    questions = []
    for path in TABLES:
        text = path.read_text(encoding="utf-8")
        delimiter = max(",;\t", key=text.count)
        lines = [(number, row) for number, row in enumerate(csv.reader(text.splitlines(), delimiter=delimiter), 1)]
        (_, names), *body = [(number, row) for number, row in lines if len(row) > 1]
        for number, (first, *cells) in body:
            questions += [
                Question(path.stem, f"What is the {name.lower()} of {first}?", cell, number)
                for name, cell in zip(names[1:], cells, strict=True)
                if cell
            ]
    return questions


def outcome(index: ask.Index, question: Question) -> Outcome:
    """Ask one question."""
    reply = index.ask(question.question, min_confidence=0.0)
    first, best = reply.hits[0].passage, reply.answers[0] if reply.answers else None
    text = best.text if best else ""
    right = question.answer.casefold() in text.casefold()
    return Outcome(
        first_row=Path(first.source.path).stem == question.table and first.label == f"row {question.row}",
        right=right,
        exact=right and exact_match(text, [question.answer]) == 1,
        shown=right and best is not None and best.confidence >= index.answerer.calibration.threshold,
        answer=text,
    )


def outcomes(form: str, asked: list[Question]) -> list[Outcome]:
    """The outcome of each question, with rows in this form."""
    rows.NAMED = form
    loaders._SIMPLE = dict.fromkeys(loaders.LOADERS.values(), float("inf"))  # read here, where the form is set
    with TemporaryDirectory() as folder:
        build.index(TABLES, Path(folder) / "index", root=FOLDER)
        with ask.open_index(Path(folder) / "index") as index:
            return [outcome(index, question) for question in asked]


def counts(found: list[Outcome]) -> dict[str, int]:
    """How many outcomes have each property."""
    properties = ("first_row", "right", "exact", "shown")
    return {"questions": len(found)} | {name: sum(getattr(each, name) for each in found) for name in properties}


def main() -> None:
    """Ask everything in every form, and store the counts."""
    by_hand = written()
    asked = [*by_hand, *made()]
    found = {name: outcomes(form, asked) for name, form in FORMS.items()}
    figures = {
        name: {"by hand": counts(each[: len(by_hand)]), "made": counts(each[len(by_hand) :])}
        for name, each in found.items()
    }
    only = {
        name: sum(each.right for each, other in zip(found[name], found[rival], strict=True) if not other.right)
        for name, rival in zip(FORMS, reversed(FORMS), strict=True)
    }
    differ = [
        asdict(question) | {name: found[name][at].answer for name in FORMS}
        for at, question in enumerate(by_hand)
        if len({found[name][at].right for name in FORMS}) > 1
    ]
    sys.stderr.write(f"{json.dumps(figures, indent=1)}\nright in one form only: {only}\n")
    record.store("tables", {"forms": FORMS, "counts": figures, "right in one form only": only, "differ": differ})


if __name__ == "__main__":
    main()
