import pytest
import torch
from torch import nn

from askdoc.evaluation.squad import Dataset, Gold, Paragraph, Question
from askdoc.models.words import TextTokenizer
from askdoc.readers.spans import MAX_SPAN
from askdoc.training.batches import windows
from askdoc.training.measure import measure, predict, sample, span_logits

TEXT = "The old mill was built in 1784 by Thomas Reed ."


def test_a_reader_is_scored_on_spans_and_on_no_answer(pointer: nn.Module, tokenizer: TextTokenizer) -> None:
    golds = (Gold("Thomas Reed", TEXT.index("Thomas")),)
    questions = (
        Question("1", "Who built it?", 0, golds),
        Question("2", "Who built the mill?", 0, (Gold("Reed", TEXT.index("Reed")),)),
        Question("3", "When was it finished?", 0, ()),
    )
    scores = measure(pointer, tokenizer, Dataset("tiny", (Paragraph("Ashford", TEXT),), questions))
    assert scores.has_answer_exact == pytest.approx(50.0)
    assert scores.has_answer_f1 == pytest.approx(100.0 * (1 + 2 / 3) / 2)
    assert scores.has_answer_character_f1 == pytest.approx(100.0 * (1 + 2 / 3) / 2), "a word is one unit"
    assert scores.best_f1 == pytest.approx(100.0 * (1 + 2 / 3 + 1) / 3)
    assert scores.best_exact == pytest.approx(100.0 * 2 / 3)


def test_the_best_window_of_a_long_passage_wins(pointer: nn.Module, tokenizer: TextTokenizer) -> None:
    passage = "It was near . " * 30 + TEXT
    asked = [("Who built it?", passage), ("Who?", "")]
    found, nothing = predict(pointer, tokenizer, asked, length=40, stride=10, tokens=100)
    assert found.text == "Thomas Reed"
    assert found.no_answer == pytest.approx(-10.0)
    assert nothing.text == ""
    assert nothing.no_answer > 1e6


def test_a_span_lies_in_the_passage_runs_forward_and_is_short(tokenizer: TextTokenizer) -> None:
    some = [windows("Who?", text, tokenizer, length=384)[0] for text in (TEXT, "It was near . " * 20)]
    length = max(len(window.ids) for window in some)
    allowed = span_logits(torch.zeros(2, length), torch.zeros(2, length), some) == 0.0
    for row, window in enumerate(some):
        for first, last in allowed[row].nonzero().tolist():
            assert window.first <= first <= last < window.first + len(window.offsets)
            assert last - first < MAX_SPAN
    assert allowed[1].sum() == sum(min(MAX_SPAN, 80 - first) for first in range(80))


def test_a_sample_is_fixed_and_keeps_the_order() -> None:
    questions = tuple(Question(str(number), "?", 0, ()) for number in range(50))
    whole = Dataset("tiny", (Paragraph("", ""),), questions)
    part = sample(whole, 10)
    assert part == sample(whole, 10)
    assert part != sample(whole, 10, seed=1)
    assert [int(question.id) for question in part.questions] == sorted(int(question.id) for question in part.questions)
    assert sample(whole, 99) == whole
