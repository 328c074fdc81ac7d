"""Answers must not get worse unnoticed. Floors are the measured figures less two standard errors of a mean of them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from askdoc import open_index
from askdoc.evaluation.report import AnswerReport
from askdoc.evaluation.run import Plan, evaluate
from askdoc.evaluation.squad import f1

HERE = Path(__file__).parent
ROOT = HERE.parent.parent
FLOORS = json.loads((HERE / "floors.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def report() -> AnswerReport:
    found = evaluate(HERE / "squad_sample.json", Plan()).report
    assert isinstance(found, AnswerReport)
    return found


def test_the_right_paragraph_is_found(report: AnswerReport) -> None:
    assert 100 * report.retrieval.hit5.value >= FLOORS["hit5"]


def test_answers_from_the_whole_index_are_as_right_as_measured(report: AnswerReport) -> None:
    assert 100 * report.end_to_end.f1.value >= FLOORS["f1"]


def test_the_right_paragraph_is_first_after_reading(report: AnswerReport) -> None:
    assert 100 * report.hit1_after_reading.value >= FLOORS["hit1"]


def test_confidence_is_calibrated(report: AnswerReport) -> None:
    assert report.confidence is not None
    assert 100 * report.confidence.ece <= FLOORS["ece"]


def test_seed_questions_are_answered_and_refused_as_measured() -> None:
    """Right: an accepted answer first (normalised exact match, or token F1 of 0.7 and more); or nothing claimed."""
    questions = [json.loads(line) for line in (HERE / "seed_questions.jsonl").read_text(encoding="utf-8").splitlines()]
    answered = refused = 0
    with open_index(ROOT / "index", refresh="never") as index:
        for question in questions:
            answers = index.ask(question["question"]).answers
            if question["answers"]:
                answered += bool(answers) and f1(answers[0].text, question["answers"]) >= 0.7
            else:
                refused += not answers
    assert (answered, refused) >= (FLOORS["seeds_answered"], FLOORS["seeds_refused"])
    assert refused >= FLOORS["seeds_refused"]
