"""What every reader promises, by meaning. A new one is tested by its line in the table."""

from __future__ import annotations

import pytest

from askdoc.errors import UsageError
from askdoc.readers import READERS, Reader, open_reader
from askdoc.readers.spans import inside_word

BRIDGE = "The old stone bridge over the Lune was finished by the mason Thomas Reed after four years of work."
BEES = "Bees find their way home by the position of the sun. They dance to tell the others where to fly."
QUESTIONS = [
    "Who finished the stone bridge?",
    "how much did it cost?",
    "x",
    "???",
    "🙂",
    "why " * 10_000,
]
PASSAGES = [
    BRIDGE,
    BEES,
    "",
    " \n\n\t",
    "…!?",
    "word",
    "🙂🙃 👩‍👩‍👧",
    "It cost $1,234.56 (about €1.050,00), i.e. 3.5% of Smith's well-known “half-timbered” house, he said.",
    "漢字とかな。これは文です。",
    'Left open: ( [ { “ " and\r\nclosed: ) ] } ” "',
    "supercalifragilistic" * 300,
    "One sentence after another makes the passage longer than any window of the reader. " * 60 + BRIDGE,
]


@pytest.fixture(scope="module", params=READERS)
def reader(request: pytest.FixtureRequest) -> Reader:
    return open_reader(request.param)


def test_the_answer_is_found_in_the_passage_that_has_it(reader: Reader) -> None:
    has, has_not = reader.read("Who finished the old stone bridge over the Lune?", [BRIDGE, BEES])
    assert "Thomas Reed" in BRIDGE[has.spans[0].start : has.spans[0].end]
    assert has.spans[0].score > max((span.score for span in has_not.spans), default=float("-inf"))


def test_the_answer_is_found_at_the_end_of_a_long_passage(reader: Reader) -> None:
    text = PASSAGES[-1]
    best = reader.read("Who finished the old stone bridge over the Lune?", [text])[0].spans[0]
    assert "Thomas Reed" in text[best.start : best.end]
    assert best.start > len(text) - len(BRIDGE)


@pytest.mark.parametrize("question", QUESTIONS, ids=range(len(QUESTIONS)))
def test_spans_are_whole_words_of_their_passage_best_first(reader: Reader, question: str) -> None:
    readings = reader.read(question, PASSAGES)
    assert len(readings) == len(PASSAGES)
    for text, reading in zip(PASSAGES, readings, strict=True):
        for span in reading.spans:
            assert 0 <= span.start < span.end <= len(text)
            assert text[span.start : span.end].strip() == text[span.start : span.end]
            assert not inside_word(text, span.start), text[span.start : span.end]
            assert not inside_word(text, span.end), text[span.start : span.end]
        assert [span.score for span in reading.spans] == sorted((span.score for span in reading.spans), reverse=True)


def test_a_passage_without_words_has_no_answer(reader: Reader) -> None:
    assert [reading.spans for reading in reader.read(QUESTIONS[0], ["", " \n\n\t"])] == [(), ()]


def test_a_passage_is_read_the_same_alone_among_others_and_again(reader: Reader) -> None:
    together = reader.read(QUESTIONS[0], PASSAGES)
    assert together == [reader.read(QUESTIONS[0], [text])[0] for text in PASSAGES]
    assert together == open_reader(reader.name).read(QUESTIONS[0], PASSAGES)


def test_no_passages_have_no_readings(reader: Reader) -> None:
    assert reader.read(QUESTIONS[0], []) == []


def test_readers_have_different_fingerprints() -> None:
    found = {open_reader(name).fingerprint for name in READERS}
    assert len(found) == len(READERS)
    assert all(len(bytes.fromhex(fingerprint)) == 32 for fingerprint in found)


def test_an_unknown_name_is_refused_with_the_known_ones() -> None:
    with pytest.raises(UsageError) as caught:
        open_reader("oracle")
    assert all(name in caught.value.hint for name in READERS)
