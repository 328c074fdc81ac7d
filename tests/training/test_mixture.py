from dataclasses import replace

from tokenizers import Tokenizer

from askdoc.evaluation.squad import Dataset, Gold, Paragraph, Question
from askdoc.training.batches import Example
from askdoc.training.mixture import Share, Source, described, round_examples, source, source_examples
from askdoc.training.stream import START, Place, Stream

SHARE = Share("tiny", 20, nulls=0.5, edited=True, copies=2)


def tiny(share: Share = SHARE, questions: int = 50) -> Source:
    texts = [
        f"Mill {number} stands in Ashford. It was built in {1700 + number} by Reed." for number in range(questions)
    ]
    asked = [
        Question(str(number), f"When was mill {number} built?", number, (Gold(str(1700 + number), text.index("17")),))
        for number, text in enumerate(texts)
        if number != 17  # where the year's digits come first in the number of the mill
    ]
    nowhere = Question("none", "Who sold it?", 0, ())
    paragraphs = tuple(Paragraph("Mills", text) for text in texts)
    return source(Dataset("tiny", paragraphs, (*asked, nowhere)), share)


def asked(examples: list[Example]) -> list[str]:
    return sorted(example.question.rstrip("?") for example in examples if example.spans)


def test_a_round_has_the_share_of_questions_marked_and_made_nulls() -> None:
    examples = source_examples(tiny(), number=0, seed=1)
    assert len(asked(examples)) == 20
    assert sum(example.question.startswith("Who sold") for example in examples) == 2
    assert 5 <= len(examples) - 22 <= 10  # not every question can be made unanswerable
    assert all(example.passage[start:end].startswith("17") for example in examples for start, end in example.spans)


def test_rounds_are_repeatable_and_go_through_the_whole_set() -> None:
    made = tiny()
    first, second, third = (source_examples(made, number=number, seed=1) for number in range(3))
    assert first == source_examples(tiny(), number=0, seed=1)
    assert first != source_examples(made, number=0, seed=2)
    assert not set(asked(first)) & set(asked(second))
    assert len({*asked(first), *asked(second), *asked(third)}) == 49


def test_the_description_tells_mixtures_apart() -> None:
    assert described([tiny()]) == described([tiny()])
    assert described([tiny()]) != described([tiny(replace(SHARE, nulls=0.1))])
    assert described([tiny()]) != described([tiny(questions=40)])


def test_some_questions_lose_their_question_mark() -> None:
    examples = round_examples([tiny(replace(SHARE, questions=None))], number=0, seed=1)
    without = sum(not example.question.endswith("?") for example in examples)
    assert 0 < without < len(examples) / 2


def test_the_stream_goes_on_from_any_place(tokenizer: Tokenizer) -> None:
    stream = Stream([tiny()], tokenizer, tokens=200, length=64, seed=1)
    batches = stream.batches(START)
    whole = [next(batches) for _ in range(20)]
    assert whole[-1][0].round > 0
    for number in range(0, 20, 3):
        assert next(stream.batches(whole[number][0])) == whole[number]
        again = stream.batches(whole[number][0].after())
        assert [next(again) for _ in whole[number + 1 :]] == whole[number + 1 :]
    assert next(stream.batches(Place(1, 0, 0)))[0] == Place(1, 0, 0)
