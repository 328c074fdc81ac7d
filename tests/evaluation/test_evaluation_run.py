from __future__ import annotations

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from askdoc.errors import LoadError, UsageError
from askdoc.evaluation.outcomes import Kind, Outcome, Ranking, write_predictions
from askdoc.evaluation.report import AnswerReport, RetrievalReport, as_json
from askdoc.evaluation.run import Plan, document_path, evaluate, load_data, off_topic_questions, sample
from askdoc.evaluation.squad import Question, load_squad
from askdoc.evaluation.table import rows

Open = Callable[..., Any]


@pytest.fixture
def report(town: Path, animals: Path, open_small: Open) -> AnswerReport:
    measured = evaluate(town, Plan(off_topic=animals), open_texts=open_small).report
    assert isinstance(measured, AnswerReport)
    return measured


def outcomes(path: Path, plan: Plan, open_small: Open) -> dict[str, Outcome]:
    run = evaluate(path, plan, open_texts=open_small)
    return {outcome.id: outcome for outcome in run.outcomes if isinstance(outcome, Outcome)}


def test_each_question_is_compared_with_its_own_golds(town: Path, animals: Path, open_small: Open) -> None:
    asked = outcomes(town, Plan(off_topic=animals), open_small)
    q1, q2, q3, p1 = (asked[name] for name in ("q1", "q2", "q3", "p1"))
    assert (q1.kind, q1.prediction, q1.exact, q1.f1, q1.found, q1.read) == (Kind.ANSWERABLE, "Ada Stone", 1, 1, 1, 1)
    # "in 1912" against "1912": one of two words
    assert (q2.prediction, q2.exact, q2.f1) == ("in 1912", 0.0, pytest.approx(2 / 3))
    assert (q3.kind, q3.prediction, q3.f1) == (Kind.UNANSWERABLE, "Ada Stone", 0.0)
    assert (p1.kind, p1.prediction, p1.given, p1.read) == (Kind.OFF_TOPIC, "red", None, None)


def test_the_figures_by_hand(report: AnswerReport) -> None:
    assert report.questions == {"answerable": 2, "unanswerable": 1, "off-topic": 1}
    assert (report.retrieval.hit1.value, report.retrieval.mrr.value, report.retrieval.ndcg10.value) == (1.0, 1.0, 1.0)
    assert report.hit1_after_reading.value == 1.0
    assert (report.end_to_end.exact.value, report.end_to_end.f1.value) == (0.5, pytest.approx(5 / 6))
    assert (report.reader.exact.value, report.reader.f1.value) == (0.5, pytest.approx(5 / 6))
    assert report.answerability.off_topic == 1.0
    assert report.answerability.unanswerable == 1.0
    assert report.answerability.given_paragraph == 1.0


def test_confidence_by_hand(report: AnswerReport) -> None:
    """Confidences 0.9 and 0.6 are right (F1 at least a half), 0.2 and 0.1 are wrong."""
    assert report.confidence is not None
    assert report.confidence_answerable is not None
    assert report.confidence.coverage(0.8) == 0.5
    assert report.confidence.coverage(0.9) == 0.5
    assert report.confidence.aurc == pytest.approx((0 + 0 + 1 / 3 + 2 / 4) / 4)
    assert report.confidence.ece == pytest.approx((0.1 + 0.4 + 0.2 + 0.1) / 4)
    assert report.confidence_answerable.coverage(0.9) == 1.0
    assert report.confidence_answerable.ece == pytest.approx((0.1 + 0.4) / 2)


def test_squad2_figures_are_given_only_where_some_questions_have_no_answer(
    report: AnswerReport, animals: Path, open_small: Open
) -> None:
    assert report.squad2 is not None
    # the reader scores all spans above 0 and withholds none, so the unanswerable question is wrong
    assert (report.squad2.no_answer.f1, report.squad2.has_answer.exact) == (0.0, 0.5)
    assert (report.squad2.overall.f1, report.squad2.best_f1.score) == (pytest.approx(5 / 9), pytest.approx(8 / 9))
    answerable = evaluate(animals, Plan(), open_texts=open_small).report
    assert isinstance(answerable, AnswerReport)
    assert (answerable.squad2, answerable.confidence_answerable, answerable.answerability.off_topic) == (None,) * 3


def test_a_real_index_is_built_asked_and_gone(town: Path, animals: Path) -> None:
    """The whole way, with the models that need no weights."""
    told: list[str] = []
    plan = Plan(off_topic=animals, embedder="hashing", reader="overlap")
    run = evaluate(town, plan, progress=lambda stage, done, total: told.append(stage))
    report = run.report
    assert isinstance(report, AnswerReport)
    assert report.retrieval.hit1.value == 1.0
    assert report.hit1_after_reading.value == 1.0
    assert report.end_to_end.f1.value > 0.0
    assert report.speed.per_second > 0.0
    assert set(run.weights) == {"hashing", "overlap"}
    assert told[-1] == "asking"


def test_a_real_index_ranks_a_beir_folder(beir: Path) -> None:
    report = evaluate(beir, Plan(embedder="hashing", reader="overlap")).report
    assert report.retrieval.hit5.value == 1.0


def test_what_counts_as_right_can_be_set(town: Path, open_small: Open) -> None:
    strict = evaluate(town, Plan(right_f1=1.0), open_texts=open_small).report
    assert isinstance(strict, AnswerReport)
    assert strict.confidence is not None
    assert strict.confidence.coverage(0.8) == pytest.approx(1 / 3)


def test_a_question_that_finds_nothing_is_an_empty_prediction(town: Path, open_small: Open) -> None:
    text = town.read_text().replace("Who built the red bridge?", "Wer?")
    town.write_text(text)
    q1 = outcomes(town, Plan(), open_small)["q1"]
    assert (q1.prediction, q1.confidence, q1.found, q1.read, q1.f1) == ("", 0.0, None, None, 0.0)
    assert q1.given is not None
    assert q1.given.score == -math.inf


def test_retrieval_sets_are_ranked_by_document(beir: Path, open_small: Open) -> None:
    run = evaluate(beir, Plan(), open_texts=open_small)
    assert isinstance(run.report, RetrievalReport)
    first, second = (ranking for ranking in run.outcomes if isinstance(ranking, Ranking))
    assert (first.documents, first.grades, first.rank) == (("b", "a"), (1, 0), 1)
    # "red ice" finds a (red) and c (ice) alike; the earlier one leads
    assert (second.documents, second.rank) == (("a", "c"), 2)
    assert run.report.retrieval.hit1.value == 0.5
    assert run.report.retrieval.mrr.value == 0.75
    assert run.report.retrieval.ndcg10.value == pytest.approx((1 + 1 / math.log2(3)) / 2)


def test_json_is_json_and_rows_name_every_group(report: AnswerReport, beir: Path, open_small: Open) -> None:
    text = json.dumps(as_json(report), allow_nan=False)
    assert json.loads(text)["end_to_end"]["exact"]["value"] == 0.5
    assert json.loads(text)["schema"] == 1
    groups = [group for group, _, _ in rows(report) if group]
    assert groups[:3] == ["retrieval", "reader, given paragraph", "end to end"]
    assert [group for group, _, _ in rows(evaluate(beir, Plan(), open_texts=open_small).report) if group] == [
        "retrieval",
        "speed",
    ]


def test_what_is_not_finite_becomes_null(town: Path, open_small: Open, tmp_path: Path) -> None:
    town.write_text(town.read_text().replace("Who", "Wer").replace("When", "Wann"))
    run = evaluate(town, Plan(), open_texts=open_small)
    json.dumps(as_json(run.report), allow_nan=False)
    write_predictions(run.outcomes, tmp_path / "said.jsonl")
    lines = [json.loads(line) for line in (tmp_path / "said.jsonl").read_text().splitlines()]
    assert [line["given_paragraph"]["score"] for line in lines] == [None, None, None]


def test_predictions_are_one_line_a_question_in_order(town: Path, open_small: Open, tmp_path: Path) -> None:
    write_predictions(evaluate(town, Plan(), open_texts=open_small).outcomes, tmp_path / "said.jsonl")
    lines = [json.loads(line) for line in (tmp_path / "said.jsonl").read_text().splitlines()]
    assert [line["id"] for line in lines] == ["q1", "q3", "q2"]
    assert lines[0] | {"given_paragraph": None} == {
        "id": "q1",
        "question": "Who built the red bridge?",
        "kind": "answerable",
        "prediction": "Ada Stone",
        "confidence": 0.9,
        "exact": 1.0,
        "f1": 1.0,
        "gold_rank": 1,
        "read_rank": 1,
        "given_paragraph": None,
    }


def test_off_topic_questions_are_not_on_an_indexed_paragraph(town: Path, animals: Path) -> None:
    other = load_squad(animals)
    assert [question.id for question in off_topic_questions(load_squad(town), other)] == ["p1"]
    assert off_topic_questions(other, other) == ()


def test_a_set_is_not_off_topic_to_itself(town: Path, open_small: Open) -> None:
    with pytest.raises(UsageError, match="on an article of town"):
        evaluate(town, Plan(off_topic=town), open_texts=open_small)


def test_a_beir_folder_and_off_topic_questions_do_not_mix(beir: Path, town: Path, open_small: Open) -> None:
    with pytest.raises(UsageError):
        evaluate(beir, Plan(off_topic=town), open_texts=open_small)
    with pytest.raises(UsageError):
        evaluate(town, Plan(off_topic=beir), open_texts=open_small)


@given(st.integers(0, 30), st.integers(0, 30), st.integers(0, 5))
def test_samples_keep_the_order_and_grow_by_adding(size: int, smaller: int, seed: int) -> None:
    questions = tuple(Question(id=f"q{number}", text="?", paragraph=0, answers=()) for number in range(20))
    drawn = sample(questions, size, seed)
    assert len(drawn) == min(size, 20)
    assert list(drawn) == [question for question in questions if question in drawn]
    assert set(sample(questions, min(size, smaller), seed)) <= set(drawn)


def test_another_seed_draws_others() -> None:
    questions = tuple(Question(id=f"q{number}", text="?", paragraph=0, answers=()) for number in range(100))
    assert sample(questions, 10, seed=1) != sample(questions, 10, seed=2)


def test_progress_ends_with_everything_done(town: Path, animals: Path, open_small: Open) -> None:
    told: list[tuple[str, int, int]] = []
    evaluate(town, Plan(off_topic=animals), open_texts=open_small, progress=lambda *step: told.append(step))
    assert told[0] == ("embedding", 2, 2)
    assert told[1:] == [("asking", done, 4) for done in (1, 2, 3, 4)]


@pytest.mark.parametrize("content", [b"", b"{}", b"[1]", b"\xff", b'{"data": [{"paragraphs": [{}]}]}'])
def test_bad_data_is_a_load_error_that_names_the_file(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "bad.json"
    path.write_bytes(content)
    with pytest.raises(LoadError, match=r"bad\.json") as caught:
        load_data(path)
    assert "SQuAD" in caught.value.hint


@pytest.mark.parametrize("name", ["missing.json", "."])
def test_what_cannot_be_read_is_a_load_error(tmp_path: Path, name: str) -> None:
    with pytest.raises(LoadError, match="cannot be read"):
        load_data(tmp_path / name)


def test_blank_questions_are_refused_before_anything_is_built(town: Path) -> None:
    town.write_text(town.read_text().replace("Who sold the ferry?", " "))
    with pytest.raises(LoadError, match="q3 is empty"):
        evaluate(town, Plan(), open_texts=pytest.fail)  # type: ignore[arg-type]


def test_a_set_without_answers_is_refused(town: Path) -> None:
    content = json.loads(town.read_text())
    for entry in content["data"][0]["paragraphs"]:
        entry["qas"] = [qa for qa in entry["qas"] if qa["is_impossible"]]
    town.write_text(json.dumps(content))
    with pytest.raises(LoadError, match="none of the questions has an answer"):
        evaluate(town, Plan(), open_texts=pytest.fail)  # type: ignore[arg-type]


def test_document_paths_sort_like_their_numbers() -> None:
    assert document_path(42) == "p00042"
