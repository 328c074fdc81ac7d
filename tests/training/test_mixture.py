from dataclasses import replace

from askdoc.evaluation.squad import Dataset, Gold, Paragraph, Question
from askdoc.models.words import TextTokenizer
from askdoc.training.batches import Example
from askdoc.training.mixture import Share, Source, described, round_examples, source, source_examples
from askdoc.training.stream import START, Place, Stream

SHARE = Share("tiny", 20, nulls=0.5, copies=2)


def tiny(share: Share = SHARE, questions: int = 50) -> Source:
    texts = [
        f"Mill {number} is in Ashford. It was built in {1700 + number} by Reed. " + "It was near the old quarry. " * 10
        for number in range(questions)
    ]
    asked = [
        Question(str(number), f"When was mill {number} built?", number, (Gold(str(1700 + number), text.index("17")),))
        for number, text in enumerate(texts)
        if number != 17  # where the year's digits come first in the number of the mill
    ]
    nowhere = [Question(f"none {number}", f"Who sold mill {number}?", number, ()) for number in range(10)]
    paragraphs = tuple(Paragraph("Mills", text) for text in texts)
    return source(Dataset("tiny", paragraphs, (*asked, *nowhere)), share)


def asked(examples: list[Example]) -> list[str]:
    return sorted(example.question.rstrip("?") for example in examples if example.spans)


def marked(examples: list[Example]) -> list[str]:
    return sorted(example.question.rstrip("?") for example in examples if example.question.startswith("Who sold"))


def test_a_round_has_the_share_of_questions_marked_and_made_nulls() -> None:
    examples = source_examples(tiny(), number=0, seed=1)
    assert len(asked(examples)) == 20
    assert len(marked(examples)) == 2 * 10
    assert len(examples) == 20 + 20 + 10
    assert all(example.passage[start:end].startswith("17") for example in examples for start, end in example.spans)
    made = examples[-10:]
    assert not any(example.spans for example in made)
    assert all(example.question.startswith("When was mill") for example in made)


def test_a_share_of_the_marked_questions_goes_through_all_of_them() -> None:
    few = tiny(replace(SHARE, marked=4, copies=1))
    rounds = [marked(source_examples(few, number=number, seed=1)) for number in range(5)]
    assert [len(questions) for questions in rounds] == [4] * 5
    times = [question for questions in rounds for question in questions]
    assert all(times.count(f"Who sold mill {number}") == 2 for number in range(10))
    assert marked(source_examples(tiny(replace(SHARE, marked=0)), number=0, seed=1)) == []


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


def test_the_description_is_what_stored_runs_have() -> None:
    whole = tiny(Share("en/tiny", None, 0.05, copies=1))
    share = "Share(name='en/tiny', questions=None, nulls=0.05, copies=1, marked=None)"
    assert described([whole, whole]) == f"{share} of 49+10; {share} of 49+10"


def test_some_questions_lose_their_question_mark() -> None:
    examples = round_examples([tiny(replace(SHARE, questions=None))], number=0, seed=1)
    without = sum(not example.question.endswith("?") for example in examples)
    assert 0 < without < len(examples) / 2


def test_the_stream_goes_on_from_any_place(tokenizer: TextTokenizer) -> None:
    stream = Stream([tiny()], tokenizer, tokens=400, length=48, seed=1)
    batches = stream.batches(START)
    whole = [next(batches) for _ in range(20)]
    assert whole[-1][0].round > 0
    for number in range(0, 20, 3):
        assert next(stream.batches(whole[number][0])) == whole[number]
        again = stream.batches(whole[number][0].after())
        assert [next(again) for _ in whole[number + 1 :]] == whole[number + 1 :]
    assert next(stream.batches(Place(1, 0, 0)))[0] == Place(1, 0, 0)
