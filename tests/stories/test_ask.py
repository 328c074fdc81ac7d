"""The reading story: verbatim, cited, merged, within its limits, and silent when the documents do not say."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest

from askdoc import ask, build
from askdoc.answering.confidence import UNFITTED
from askdoc.errors import UsageError
from askdoc.status import status
from askdoc.stores.folder import manifest as manifests
from askdoc.types import Content, Document, Reply, Source

QUESTION = "who finished the old stone bridge?"
PAYERS = ("baker", "brewer", "cooper", "dyer", "farrier", "glazier", "hatter", "mercer")
OTHERS = [
    f"Invoice {at} of {at * 37} crowns was paid by the {name} {at} days after the {name}'s wife had sent it."
    for at, name in enumerate(PAYERS, 1)
]


def check_quotes(reply: Reply, root: Path) -> None:
    """Everything that is quoted stands in its file where its citation says."""
    for text, citation in [
        *((answer.text, answer.citation) for answer in reply.answers),
        *((hit.passage.text, hit.passage.citation()) for hit in reply.hits),
    ]:
        data = (root / citation.document).read_bytes()
        decoded = data.decode("utf-8")
        lines = decoded.replace("\r\n", "\n").split("\n")
        assert decoded[citation.char_start : citation.char_end] == text
        assert citation.sha256 == hashlib.sha256(data).hexdigest()
        assert citation.line_start
        quoted = "\n".join(lines[citation.line_start - 1 : citation.line_end])
        assert text.replace("\r\n", "\n") in quoted


def open_with(folder: Path, texts: dict[str, str]) -> ask.Index:
    docs = folder / "docs"
    docs.mkdir()
    for name, text in texts.items():
        (docs / name).write_bytes(text.encode())
    build.index([docs], folder / "index", embedder="hashing")
    return ask.open_index(folder / "index", reader="overlap")


def test_answers_are_cut_from_the_files_they_cite(index: ask.Index, docs: Path) -> None:
    reply = index.ask(QUESTION, min_confidence=0)
    assert "Thomas Reed" in reply.answers[0].text
    assert reply.answers[0].citation.document == "docs/bridge.txt"
    check_quotes(reply, docs.parent)


def test_citations_hold_in_files_with_windows_line_ends_and_odd_characters(tmp_path: Path) -> None:
    text = "\r\n\r\n".join(
        [*OTHERS, "Die Brücke 🌉 wurde\r\nvon Thomas Reed gebaut, sagte\r\nMargaret Doyle damals im Steinbruch."]
    )
    index = open_with(tmp_path, {"a.txt": text})
    reply = index.ask("Wer hat die Brücke gebaut?", min_confidence=0)
    check_quotes(reply, tmp_path)
    best = reply.hits[0].passage.citation()
    assert (best.line_start, best.line_end) == (17, 19)


def test_the_sentence_around_an_answer_holds_it(index: ask.Index) -> None:
    for answer in index.ask(QUESTION, min_confidence=0).answers:
        assert answer.sentence_start <= answer.start < answer.end <= answer.sentence_end
        assert answer.text in answer.sentence
        assert answer.sentence in answer.hit.passage.text


def test_nothing_is_claimed_below_the_threshold(index: ask.Index) -> None:
    reply = index.ask("what is the population of Belarus?")
    assert (reply.answered, reply.answers) == (False, ())
    assert reply.hits, "the nearest passages are shown"
    assert reply.min_confidence == index.answerer.calibration.threshold
    guessed = index.ask("what is the population of Belarus?", min_confidence=0)
    assert guessed.answers
    assert all(answer.confidence < reply.min_confidence for answer in guessed.answers)


def test_an_answer_needs_the_confidence_that_is_asked_for(index: ask.Index) -> None:
    shown = index.ask(QUESTION, min_confidence=0, answers=9).answers
    bar = sorted(answer.confidence for answer in shown)[-1]
    kept = index.ask(QUESTION, min_confidence=bar, answers=9).answers
    assert kept == tuple(answer for answer in shown if answer.confidence >= bar)
    assert index.ask(QUESTION, min_confidence=1).answers == ()


def test_a_reader_without_a_fitted_model_is_believed_as_far_as_it_believes_itself(index: ask.Index) -> None:
    assert index.answerer.calibration == UNFITTED


def test_the_limits_are_kept(tmp_path: Path) -> None:
    index = open_with(tmp_path, {"a.txt": "\n\n".join(OTHERS)})
    question = "which invoice was paid on the third day?"
    everything = index.ask(question, answers=9, passages=8, min_confidence=0)
    assert len(everything.answers) == len(everything.hits) == 8
    few = index.ask(question, answers=2, passages=8, min_confidence=0)
    assert few.answers == everything.answers[:2]
    for passages in (1, 3):
        assert len(index.ask(question, passages=passages).hits) == passages
        assert len(index.search(question, passages=passages).hits) == passages
    found = [hit.passage for hit in index.search(question, passages=8).hits]
    assert [hit.passage for hit in index.search(question, passages=3).hits] == found[:3]


def test_passages_are_ranked_by_their_answers_and_answers_point_at_them(tmp_path: Path) -> None:
    index = open_with(tmp_path, {"a.txt": "\n\n".join(OTHERS)})
    reply = index.ask("which invoice was paid by the glazier?", answers=9, passages=5, min_confidence=0)
    assert [hit.rank for hit in reply.hits] == [1, 2, 3, 4, 5]
    assert reply.answers[0].hit == reply.hits[0]
    assert all(reply.hits[answer.hit.rank - 1] == answer.hit for answer in reply.answers)
    assert [answer.hit.rank for answer in reply.answers] == sorted(answer.hit.rank for answer in reply.answers)


def test_every_hit_says_where_each_index_ranked_it(index: ask.Index) -> None:
    reply = index.search("old stone bridge")
    assert reply.hits[0].ranks == {"dense": 1, "lexical": 1}
    for hit in reply.hits:
        assert 0 <= hit.score <= 1
        assert hit.ranks.keys() == hit.scores.keys() != set()
    assert [hit.score for hit in reply.hits] == sorted((hit.score for hit in reply.hits), reverse=True)


def test_the_same_answer_from_different_passages_is_given_once_with_its_support(tmp_path: Path) -> None:
    texts = {
        "a.txt": "Thomas Reed finished the old stone bridge.\n",
        "b.txt": "The stone bridge: Thomas Reed!\n",
    }
    index = open_with(tmp_path, texts)
    answers = index.ask(QUESTION, answers=9, min_confidence=0).answers
    (named,) = (answer for answer in answers if answer.text == "Thomas Reed")
    assert named.support == 2
    assert {named.hit.passage.text, *(hit.passage.text for hit in named.supporters)} == {
        text.strip() for text in texts.values()
    }


def test_a_text_that_stands_in_several_files_counts_once_and_all_places_are_told(tmp_path: Path) -> None:
    text = " ".join(OTHERS[:3])
    copies = {"a.txt": text, "b.txt": text, "c.txt": text.replace("Invoice 1", "Invoice no 1")}
    index = open_with(tmp_path, {**copies, "other.txt": OTHERS[5]})
    reply = index.ask("who paid the invoice?", answers=9, min_confidence=0)
    assert len(reply.hits) == 2
    (group,) = (hit for hit in reply.hits if hit.also)
    assert {passage.source.path for passage in (group.passage, *group.also)} == {f"docs/{name}" for name in copies}
    assert all(answer.support == 1 for answer in reply.answers if answer.hit == group)


ODD_QUESTIONS = {
    "10,000 words": "why " * 10_000,
    "one long word": "x" * 50_000,
    "emoji": "🙂🙃👩\u200d👩\u200d👧",
    "surrogates": "\ud800 stone bridge \udfff",
    "one surrogate": "\udcff",
    "marks": "???",
    "query language": 'AND ("text:x* OR',
    "nul": "a\x00b",
    "Japanese": "橋は誰が?",
}


@pytest.mark.parametrize("question", ODD_QUESTIONS.values(), ids=ODD_QUESTIONS)
def test_any_question_gets_a_reply(question: str, index: ask.Index, docs: Path) -> None:
    reply = index.ask(question, min_confidence=0)
    assert reply.question == question
    check_quotes(reply, docs.parent)


@pytest.mark.parametrize("question", ["", " ", "\n\t ", "\u2003"])
def test_an_empty_question_is_refused(question: str, index: ask.Index) -> None:
    for work in (index.ask, index.search):
        with pytest.raises(UsageError, match="the question is empty"):
            work(question)


@pytest.mark.parametrize(
    "numbers",
    [{"passages": 0}, {"passages": -1}, {"answers": 0}, {"min_confidence": -0.1}, {"min_confidence": 1.1},
     {"min_confidence": float("nan")}],
)  # fmt: skip
def test_numbers_that_make_no_sense_are_refused(numbers: dict[str, float], index: ask.Index) -> None:
    with pytest.raises(UsageError) as caught:
        index.ask(QUESTION, **numbers)  # type: ignore[arg-type]
    assert caught.value.hint


def test_an_unknown_refresh_or_reader_is_refused(folder: Path) -> None:
    with pytest.raises(UsageError, match="sometimes"):
        ask.open_index(folder, refresh="sometimes")
    with ask.open_index(folder, reader="oracle") as index, pytest.raises(UsageError, match="oracle"):
        index.ask(QUESTION)


def test_the_same_question_gets_the_same_reply(index: ask.Index, folder: Path) -> None:
    replies = [index.ask(QUESTION), index.ask(QUESTION), ask.open_index(folder, reader="overlap").ask(QUESTION)]
    assert replies[0].answers == replies[1].answers == replies[2].answers
    assert replies[0].hits == replies[1].hits == replies[2].hits


def test_time_is_told_by_stage_and_loading_only_once(index: ask.Index) -> None:
    first, second = index.ask(QUESTION), index.search(QUESTION)
    assert list(first.timing_ms) == ["load", "retrieve", "read", "total"]
    assert first.timing_ms["load"] > 0
    assert second.timing_ms["load"] == 0
    assert sum(first.timing_ms.values()) - first.timing_ms["total"] <= first.timing_ms["total"] + 0.1


def test_documents_that_stand_in_no_files_can_be_asked(tmp_path: Path) -> None:
    given = [Document(Source(f"q{at}", f"{at:064}", 1, 1), Content(text)) for at, text in enumerate(OTHERS)]
    build.index_documents(given, tmp_path / "index", embedder="hashing")
    with ask.open_index(tmp_path / "index", reader="overlap") as index:
        reply = index.search("invoice of the glazier")
        assert reply.hits[0].passage.source.path == "q5"
        assert (reply.index.documents, reply.index.stale, reply.remarks) == (8, False, ())
        rankings = index.rankings("invoice of the glazier")
        assert index.paths([rankings["lexical"][0].id]).popitem()[1] == "q5"


def test_status_tells_what_is_indexed_and_what_changed(folder: Path, docs: Path) -> None:
    assert {state for _, _, state in status(folder).documents} == {"fresh"}
    (docs / "bridge.txt").write_text("Another text altogether.")
    (docs / "mill.md").unlink()
    (docs / "new.txt").write_text("A new text.")
    (docs / "picture.png").write_bytes(b"\x89PNG")
    next((folder / manifests.GENERATIONS).rglob("*.faiss")).write_bytes(b"x")
    found = status(folder)
    assert found.documents == (("docs/bridge.txt", 2, "changed"), ("docs/mill.md", 2, "missing"))
    assert found.new == ("docs/new.txt",)
    assert found.damaged == ("dense/vectors.faiss",)
    assert found.root == docs.parent
    assert found.recipe["embedder"] == "hashing"


def test_the_index_is_named_as_it_was_typed(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder.parent)
    assert ask.open_index("index", reader="overlap").info.path == "index"
    assert ask.open_index("index", reader="overlap").info.root == os.path.realpath(folder.parent)


CHINESE = "河上的老石桥是石匠李建国在一七八四年夏天完成的。他和十二名工人一起工作了四年。"


@pytest.mark.parametrize("question", ["谁完成了石桥？", "кто достроил мост?", "من أكمل الجسر؟"])
def test_a_question_in_another_script_is_not_put_to_an_english_reader(question: str, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text(f"{CHINESE}\n\nThe old bridge was finished by Thomas Reed.\n", encoding="utf-8")
    build.index([tmp_path / "a.txt"], tmp_path / "index")
    with ask.open_index(tmp_path / "index") as index:
        reply = index.ask(question, min_confidence=0)
        assert not reply.answered
        assert "English" in reply.unread
        assert reply.unread in reply.remarks
        found = [hit.passage.text for hit in reply.hits if "lexical" in hit.ranks]
        assert [hit.passage.text for hit in reply.hits] == found, "an English embedder has nothing to say to it"
        assert (CHINESE in "".join(found)) == ("桥" in question)


def test_passages_in_another_script_are_not_read_by_an_english_reader(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text(f"{CHINESE * 5}\n\n{'The bridge was finished by Thomas Reed. ' * 9}\n")
    (tmp_path / "b.txt").write_text(CHINESE)
    build.index([tmp_path / "a.txt"], tmp_path / "both")
    with ask.open_index(tmp_path / "both") as index:
        reply = index.ask("Who finished the bridge?", min_confidence=0)
        assert reply.answered
        assert all(answer.hit.passage.text.isascii() for answer in reply.answers)
        assert any(CHINESE in hit.passage.text for hit in reply.hits)
    build.index([tmp_path / "b.txt"], tmp_path / "one")
    with ask.open_index(tmp_path / "one") as index:
        reply = index.ask("Who finished the bridge?", min_confidence=0)
        assert (reply.answered, "passages are in another script" in reply.unread) == (False, True)
