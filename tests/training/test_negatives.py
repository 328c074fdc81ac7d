import random
from collections.abc import Callable

import pytest

from askdoc.training.batches import Example, seeded
from askdoc.training.negatives import (
    MAKERS,
    Corpus,
    corpus,
    cut,
    elsewhere,
    negated,
    opposite,
    other_name,
    other_number,
    other_word,
    sentences,
    unanswerable,
    words,
)

MILL = (
    "The old mill at Ashford was built in 1784 by Thomas Reed. It ground wheat for the villages along the river. "
    "After a fire, the largest wheel was moved to the museum in Canterbury, where it can be seen today. "
    "Visitors of the exhibition often ask about the sound that the wooden gears must have made while they were turning."
)
BRIDGE = (
    "The bridge at Ashford was finished under Margaret Doyle. Its stones came from a quarry near Wexham. "
    "A painter from Norwich drew the bridge and the mill, and the drawing hangs in the hall of the council."
)
WEATHER = "Rain falls on most days of autumn. The wind comes from the sea and brings salt and clouds with it."
CORPUS = corpus(
    [("Ashford", MILL), ("Ashford", BRIDGE), ("Weather", WEATHER), *[("x", f"nothing {n}") for n in range(20)]],
    ["When was the church built?", "Who painted the chapel in Ashford?", "When was the tower built by Reed?"],
)


def ask(question: str, answer: str, passage: str = MILL) -> Example:
    start = passage.index(answer)
    return Example(question, passage, ((start, start + len(answer)),))


def tries(maker: Callable[[Example, Corpus, random.Random], Example | None], example: Example) -> list[Example]:
    made = [maker(example, CORPUS, seeded(seed)) for seed in range(30)]
    return [found for found in made if found is not None]


BUILDER = ask("Who built the old mill at Ashford in 1784?", "Thomas Reed")
WHEEL = ask("Where was the largest wheel of the mill moved?", "the museum in Canterbury")
EXAMPLES = [BUILDER, WHEEL, ask("When was the mill built?", "1784"), ask("What did it grind?", "wheat")]


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.question)
@pytest.mark.parametrize("maker", list(MAKERS), ids=lambda maker: maker.__name__)
def test_a_negative_has_no_spans_and_differs_from_its_origin(
    maker: Callable[[Example, Corpus, random.Random], Example | None], example: Example
) -> None:
    for made in tries(maker, example):
        assert made.spans == ()
        assert (words(made.question), made.passage) != (words(example.question), example.passage)
        assert made.question == example.question or made.passage == example.passage


@pytest.mark.parametrize("example", [BUILDER, WHEEL], ids=lambda example: example.question)
@pytest.mark.parametrize("maker", [cut, elsewhere], ids=lambda maker: maker.__name__)
def test_another_passage_never_holds_the_answer(
    maker: Callable[[Example, Corpus, random.Random], Example | None], example: Example
) -> None:
    made = tries(maker, example)
    answer = example.passage[slice(*example.spans[0])].lower()
    assert made
    assert all(answer not in each.passage.lower() for each in made)


def test_a_cut_passage_keeps_the_other_sentences() -> None:
    (made, *_) = tries(cut, BUILDER)
    assert made.passage == MILL.removeprefix("The old mill at Ashford was built in 1784 by Thomas Reed. ")


def test_a_short_rest_is_not_worth_asking() -> None:
    assert tries(cut, ask("Who finished the bridge?", "Margaret Doyle", BRIDGE)) == []


def test_a_retrieved_passage_shares_rare_words_with_the_question() -> None:
    assert {made.passage for made in tries(elsewhere, WHEEL)} == {BRIDGE}


def test_a_name_gives_way_to_one_of_its_article_that_neither_question_nor_answer_has() -> None:
    made = {each.question for each in tries(other_name, BUILDER)}
    assert made == {
        "Who built the old mill at Canterbury in 1784?",  # elsewhere in the passage
        "Who built the old mill at Wexham in 1784?",  # only in the other passage of the article
        "Who built the old mill at Norwich in 1784?",
    }


def test_a_near_name_is_not_taken_from_a_sentence_with_a_rival_answer() -> None:
    rival = "The mill at Ashford opened in 1784. The inn opened later, and so did Wexham in 1801 or 1802."
    example = ask("When did the mill at Ashford open?", "1784", rival)
    assert tries(other_name, example) == []


def test_a_number_gives_way_to_one_that_the_passage_does_not_have() -> None:
    made = tries(other_number, BUILDER)
    assert made
    assert all("1784" not in each.question for each in made)


def test_an_antonym_must_not_stand_in_the_passage() -> None:
    assert tries(opposite, WHEEL)[0].question == "Where was the smallest wheel of the mill moved?"
    both = "The largest wheel is in Canterbury and the smallest one is in Ashford."
    assert tries(opposite, ask("Where is the largest wheel?", "Canterbury", both)) == []


def test_a_negation_comes_after_the_verb_and_only_once() -> None:
    made = {each.question for each in tries(negated, ask("When was the mill built?", "1784"))}
    assert made == {
        "When wasn't the mill built?",
        "When was not the mill built?",
        "When was never the mill built?",
    }
    assert tries(negated, ask("When was the mill not built?", "1784")) == []


def test_a_word_gives_way_to_one_seen_between_the_same_neighbours() -> None:
    made = {each.question for each in tries(other_word, ask("When was the mill built?", "1784"))}
    assert made == {"When was the church built?", "When was the tower built?"}


def test_the_same_seed_makes_the_same_question() -> None:
    made = [unanswerable(BUILDER, CORPUS, seeded(seed)) for seed in [*range(20), *range(20)]]
    assert made[:20] == made[20:]
    assert len(set(made)) > 5


def test_sentences_cover_the_passage_without_the_space_between() -> None:
    text = 'He said "Stop." Then he left.\n\nNo one knew why! 3 days later he came back'
    parts = [text[start:end] for start, end in sentences(text)]
    assert parts == ['He said "Stop."', "Then he left.", "No one knew why!", "3 days later he came back"]
