"""What was found and what was read → answers and passages in order."""

from __future__ import annotations

import pytest

from askdoc.answering import ranking
from askdoc.answering.ranking import Candidate, Settings
from askdoc.types import Hit, Passage, Reading, Source, Span

SETTINGS = Settings({"dense": 1.0}, pool=10, passages=5, retrieval_weight=10.0)


def hit(rank: int, text: str, score: float = 0.5, **ranks: int) -> Hit:
    ranks = ranks or {"dense": rank}
    return Hit(Passage(Source(f"{rank}.txt", "", 1, 1), text, 0, 1), rank, score, ranks, dict.fromkeys(ranks, 3.0))


def read(found: Hit, *spans: tuple[str, float]) -> Reading:
    text = found.passage.text
    return Reading(tuple(Span(text.index(words), text.index(words) + len(words), score) for words, score in spans))


FIRST = hit(1, "Thomas Reed finished the bridge in 1784.", 0.9)
SECOND = hit(2, "The bridge, says the chronicle, is the work of the Thomas Reed!", 0.6)
THIRD = hit(3, "In 1801 the flood came.", 0.1)


def judged(*readings: Reading) -> list[Candidate]:
    return ranking.rank([FIRST, SECOND, THIRD][: len(readings)], readings, SETTINGS)


def test_a_better_passage_can_outweigh_a_better_span_and_the_other_way_round() -> None:
    assert [one.text for one in judged(read(FIRST, ("1784", 1.0)), read(SECOND, ("chronicle", 3.9)))] == [
        "1784", "chronicle",
    ]  # fmt: skip
    assert [one.text for one in judged(read(FIRST, ("1784", 1.0)), read(SECOND, ("chronicle", 4.1)))] == [
        "chronicle", "1784",
    ]  # fmt: skip
    (best, _) = judged(read(FIRST, ("1784", 1.0)), read(SECOND, ("chronicle", 3.9)))
    assert best.score == pytest.approx(1.0 + 10.0 * 0.9)


def test_ties_are_in_the_order_of_the_hits() -> None:
    same = [hit(rank, f"word{rank} alone", 0.5) for rank in (1, 2, 3)]
    ranked = ranking.rank(same, [read(one, (f"word{one.rank}", 1.0)) for one in same], SETTINGS)
    assert [one.hit.rank for one in ranked] == [1, 2, 3]


def test_equal_answers_are_one_with_the_hits_of_the_others_as_support() -> None:
    (answer, other) = judged(
        read(FIRST, ("Thomas Reed", 5.0), ("1784", 0.0)), read(SECOND, ("the Thomas Reed!", 5.0)), Reading(())
    )
    assert (answer.text, answer.hit, answer.supporters) == ("Thomas Reed", FIRST, (SECOND,))
    assert (other.text, other.supporters) == ("1784", ())


def test_an_answer_does_not_support_itself() -> None:
    twice = hit(1, "Reed came. Reed left. Reed!")
    spans = Reading((Span(0, 4, 3.0), Span(11, 15, 2.0), Span(22, 26, 1.0)))
    (answer,) = ranking.rank([twice], [spans], SETTINGS)
    assert answer.supporters == ()
    assert answer.span.score == 3.0


@pytest.mark.parametrize(
    ("text", "other"),
    [("Thomas Reed", "thomas reed"), ("the bridge", "a Bridge,"), ("52", "52."), ("state-run", "state run")],
)
def test_answers_that_say_the_same_are_equal(text: str, other: str) -> None:
    assert ranking.normalised(text) == ranking.normalised(other)


@pytest.mark.parametrize(
    ("text", "other"), [("1784", "1785"), ("Reed", "Reeds"), ("€", "$"), ("?!", "!"), ("the", "an")]
)
def test_answers_that_differ_are_not_equal(text: str, other: str) -> None:
    assert ranking.normalised(text) != ranking.normalised(other)


def test_passages_follow_their_best_answers_and_those_without_come_last_as_they_were() -> None:
    fourth = hit(4, "Reed again, in 1801.", 0.0)
    hits = [FIRST, SECOND, THIRD, fourth]
    readings = [Reading(()), read(SECOND, ("chronicle", 1.0)), Reading(()), read(fourth, ("1801", 30.0))]
    ordered = ranking.rerank(hits, ranking.rank(hits, readings, SETTINGS))
    assert [one.passage.source.path for one in ordered] == ["4.txt", "2.txt", "1.txt", "3.txt"]
    assert [one.rank for one in ordered] == [1, 2, 3, 4]


def test_the_evidence_is_what_was_seen() -> None:
    hits = [hit(1, "Thomas Reed did.", 0.9, dense=1, lexical=3), hit(2, "Esther Lund, or Thomas Reed.", 0.7, dense=2)]
    readings = [read(hits[0], ("Thomas Reed", 2.0)), read(hits[1], ("Esther Lund", 3.5), ("Thomas Reed", 1.0))]
    merged = ranking.rank(hits, readings, SETTINGS)
    found = ranking.evidence("who did it?", merged, 0, hits)
    assert (found.null_margin, found.best_null_margin) == (2.0, 3.5)
    assert found.runner_up_margin == pytest.approx((2.0 + 9.0) - (3.5 + 7.0))
    assert (found.fused, found.gap) == (0.9, pytest.approx(0.2))
    assert (found.dense, found.lexical) == (3.0, 1.0)
    assert (found.agreement, found.words, found.kind) == (1.0, 2, "who")
    other = ranking.evidence("who did it?", merged, 1, hits)
    assert (other.runner_up_margin, other.gap) == (pytest.approx(-0.5), pytest.approx(-0.2))
    assert (other.agreement, other.lexical) == (0.0, 0.0)


def test_settings_are_read_as_they_are_kept() -> None:
    data = {"weights": {"dense": 0.4}, "pool": 100, "passages": 5, "retrieval_weight": 20}
    assert Settings.from_dict(data) == Settings({"dense": 0.4}, 100, 5, 20.0)
