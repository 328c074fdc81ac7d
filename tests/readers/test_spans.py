"""From logits to what a person would quote."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as some

from askdoc.readers.spans import MAX_SPAN, best_spans, distinct, inside_word, tidy
from askdoc.types import Span

# Written with | where the question is asked.
INSIDE = [
    "Thom|as",
    "1,|234",
    "1|,234",
    "3.|5",
    "3|.5",
    "well|-known",
    "well-|known",
    "O|'Neill",
    "don’|t",
    "caf|e\u0301s",
    "a|b",
    "зи|ма",
    "क|िताब",  # a vowel sign: a mark that takes up space
    "कि|ताब",
    "שָׁ|לוֹם",  # points that do not
]
BETWEEN = [
    "Thomas| Reed",
    "Thomas |Reed",
    "|Thomas",
    "Thomas|",
    "Trump|'s",
    "end|.",
    "1784|.",
    "a|, b",
    "(|x",
    "“|x",
    "end|-",
    "漢|字",
    "1784|–",
]


@pytest.mark.parametrize("marked", INSIDE)
def test_a_place_inside_a_word_or_number_is_known(marked: str) -> None:
    assert inside_word(marked.replace("|", ""), marked.index("|"))


@pytest.mark.parametrize("marked", BETWEEN)
def test_a_place_between_words_is_known(marked: str) -> None:
    assert not inside_word(marked.replace("|", ""), marked.index("|"))


@pytest.mark.parametrize(
    ("marked", "expected"),
    [
        ("by| Thomas Reed,| in", "Thomas Reed"),
        ("in |1784.| Then", "1784"),
        ("said: |“it works”|.", "“it works”"),
        ("said: “|it works”|.", "“it works”"),
        ("said: “|it| works”.", "it"),
        ("said: |“it| works”.", "it"),
        ("said: it |works”| then", "works"),
        ("sagte: |„es geht“|.", "„es geht“"),
        ("sagte: „|es geht“|.", "„es geht“"),
        ("called |(by some| people) x", "by some"),
        ("called |it (by some| people) x", "it"),
        ("the |bridge (finished in 1784|) was", "bridge (finished in 1784)"),
        ("the bridge |(1784)| was", "(1784)"),
        ("worth |-5| degrees", "-5"),
        ("at |.22| inches", ".22"),
        ("at |9 a.m|. sharp", "9 a.m."),
        ("in the |U.S|. as", "U.S."),
        ("by |Reed Inc.| as", "Reed Inc."),
        ("it |ended.| So", "ended"),
        ('he said |"no| more" and', "no"),
        ('he said |"no"| and', '"no"'),
        ("x |, – …| y", ""),
    ],
)
def test_a_span_is_tidied_to_what_a_person_would_quote(marked: str, expected: str) -> None:
    text = marked.replace("|", "")
    start = marked.index("|")
    end = marked.index("|", start + 1) - 1
    start, end = tidy(text, start, end)
    assert text[start:end] == expected


TEXT = some.text(alphabet="ab1 .,'’-()[]“”\"…–\n", max_size=40)


@given(TEXT, some.data())
def test_tidying_ends_inside_the_text_and_a_tidy_span_stays_as_it_is(text: str, data: some.DataObject) -> None:
    start = data.draw(some.integers(0, len(text)))
    end = data.draw(some.integers(start, len(text)))
    first, last = tidy(text, start, end)
    assert 0 <= first <= last <= len(text) or first >= last
    if first < last:
        assert max(start - 1, 0) <= first
        assert last <= end + 2
        assert not text[first].isspace()
        assert not text[last - 1].isspace()


@some.composite
def windows(draw: some.DrawFn) -> tuple[str, list[tuple[int, int]], list[float], list[float]]:
    words = draw(some.lists(some.text("abc1", min_size=1, max_size=3), min_size=1, max_size=8))
    text, offsets = "", []
    for word in words:
        offsets.append((len(text), len(text) + len(word)))
        text += word + draw(some.sampled_from([" ", "", ", "]))
    logits = some.lists(some.floats(-9, 9, width=32), min_size=len(words), max_size=len(words))
    return text, offsets, draw(logits), draw(logits)


@pytest.mark.parametrize("kind", ["who", "why", "what"])
@given(window=windows())
def test_the_best_span_is_the_best_of_all_that_are_whole_words(
    window: tuple[str, list[tuple[int, int]], list[float], list[float]], kind: str
) -> None:
    text, offsets, start, end = window
    valid = [
        start[first] + end[last]
        for first in range(len(offsets))
        for last in range(first, len(offsets))
        if not inside_word(text, offsets[first][0]) and not inside_word(text, offsets[last][1])
    ]
    spans = best_spans(text, offsets, np.array(start, np.float32), np.array(end, np.float32), kind=kind)
    assert spans, "the whole window is a valid span"
    assert math.isclose(spans[0].score, max(valid), abs_tol=1e-4)
    assert [span.score for span in spans] == sorted((span.score for span in spans), reverse=True)
    for span in spans:
        assert 0 <= span.start < span.end <= len(text)
        assert not inside_word(text, span.start)
        assert not inside_word(text, span.end)
    assert distinct(spans, 99) == spans, "they do not overlap"


def test_an_end_before_its_start_is_no_span_and_a_long_one_is_none_either() -> None:
    count = MAX_SPAN + 1
    text = "ab " * count
    offsets = [(3 * at, 3 * at + 2) for at in range(count)]
    low = np.zeros(count, np.float32)
    start, end = low.copy(), low.copy()
    start[-1], end[0] = 50, 50  # backwards
    backwards = best_spans(text, offsets, start, end)
    assert backwards[0].score == 50
    start, end = low.copy(), low.copy()
    start[0], end[-1] = 50, 50  # one piece too long
    assert best_spans(text, offsets, start, end)[0].score == 50


@pytest.mark.parametrize("kind", ["who", "why", "what"])
def test_a_window_without_word_pieces_has_no_spans(kind: str) -> None:
    none = np.zeros(0, np.float32)
    assert best_spans("", [], none, none, kind=kind) == []


def quoted(kind: str, begins: dict[str, float], ends: dict[str, float]) -> str:
    """The best span of a sentence whose words begin and end answers with these logits, all others with -9."""
    text = "The mill burned because sparks from the forge reached its roof ."
    words = text.split()
    offsets = [(at := text.index(word), at + len(word)) for word in words]
    start, end = (np.array([marks.get(word, -9.0) for word in words], np.float32) for marks in (begins, ends))
    best = best_spans(text, offsets, start, end, kind=kind)[0]
    return text[best.start : best.end]


def test_a_brief_answer_is_the_shortest_of_the_nearly_best_ones() -> None:
    begins, ends = {"sparks": 3.0, "the": 1.0}, {"sparks": 2.8, "forge": 3.0}
    assert quoted("what", begins, ends) == "sparks from the forge"
    assert quoted("who", begins, ends) == "sparks"
    assert quoted("who", begins, {**ends, "sparks": 2.0}) == "sparks from the forge", "too much worse"


def test_the_answer_to_why_is_the_clause_that_most_of_the_likely_spans_share() -> None:
    begins, ends = {"sparks": 3.0, "because": 2.4}, {"sparks": 3.0, "forge": 2.8, "roof": 2.9}
    assert quoted("what", begins, ends) == "sparks"
    assert quoted("why", begins, ends) == "sparks from the forge"
    assert quoted("why", begins, {"sparks": 9.0, "roof": 2.0}) == "sparks", "where there is no doubt, nothing changes"


def test_the_first_of_those_that_overlap_is_kept_and_empty_ones_are_dropped() -> None:
    spans = [Span(0, 5, 3.0), Span(4, 8, 2.0), Span(6, 6, 1.5), Span(5, 8, 1.0), Span(8, 9, 0.0)]
    assert distinct(spans, 9) == [Span(0, 5, 3.0), Span(5, 8, 1.0), Span(8, 9, 0.0)]
    assert distinct(spans, 1) == [Span(0, 5, 3.0)]


@pytest.mark.parametrize("gap", ["\n\n", "\r\n\r\n", "\r\r", "\n \t\n"])
def test_no_span_goes_from_a_heading_into_the_text_below_it(gap: str) -> None:
    text = f"Amount{gap}The yearly rent"
    offsets = [(0, 6), *((at := text.index(word), at + len(word)) for word in ("The", "yearly", "rent"))]
    start, end = np.array([5, 1, 0, 0], np.float32), np.array([0, 0, 5, 0], np.float32)
    best = best_spans(text, offsets, start, end)[0]
    assert text[best.start : best.end] == "The yearly"
    joined = text.replace(gap, " " * len(gap))
    best = best_spans(joined, offsets, start, end)[0]
    assert joined[best.start : best.end].split() == ["Amount", "The", "yearly"]


def test_a_line_break_alone_does_not_end_a_span() -> None:
    text = "the yearly\r\nrent"
    offsets = [(0, 3), (4, 10), (12, 16)]
    start, end = np.array([5, 0, 0], np.float32), np.array([0, 0, 5], np.float32)
    best = best_spans(text, offsets, start, end)[0]
    assert text[best.start : best.end] == text
