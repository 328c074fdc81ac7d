import pytest

from askdoc.training.batches import Example, seeded
from askdoc.training.negatives import corpus, cut, elsewhere, holds_answer, sentences, unanswerable

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
CORPUS = corpus([MILL, BRIDGE, WEATHER, *[f"nothing {n}" for n in range(20)]])


def ask(question: str, answer: str, passage: str = MILL) -> Example:
    start = passage.index(answer)
    return Example(question, passage, ((start, start + len(answer)),))


def others(example: Example) -> set[str]:
    made = [elsewhere(example, CORPUS, seeded(seed)) for seed in range(30)]
    return {found.passage for found in made if found is not None}


BUILDER = ask("Who built the old mill at Ashford in 1784?", "Thomas Reed")
WHEEL = ask("Where was the largest wheel of the mill moved?", "the museum in Canterbury")


@pytest.mark.parametrize("example", [BUILDER, WHEEL], ids=lambda example: example.question)
def test_the_question_stays_and_its_passage_never_holds_the_answer(example: Example) -> None:
    answer = example.passage[slice(*example.spans[0])].lower()
    made = [unanswerable(example, CORPUS, seeded(seed)) for seed in range(30)]
    assert len({found.passage for found in made if found}) == 2
    for found in made:
        assert found is not None
        assert (found.question, found.spans) == (example.question, ())
        assert answer not in found.passage.lower()


def test_a_cut_passage_keeps_the_other_sentences() -> None:
    made = cut(BUILDER)
    assert made is not None
    assert made.passage == MILL.removeprefix("The old mill at Ashford was built in 1784 by Thomas Reed. ")


def test_a_short_rest_is_not_worth_asking() -> None:
    assert cut(ask("Who finished the bridge?", "Margaret Doyle", BRIDGE)) is None


def test_a_retrieved_passage_shares_rare_words_with_the_question() -> None:
    assert others(WHEEL) == {BRIDGE}


def test_the_same_seed_makes_the_same_question() -> None:
    made = [unanswerable(BUILDER, CORPUS, seeded(seed)) for seed in [*range(20), *range(20)]]
    assert made[:20] == made[20:]


def test_sentences_cover_the_passage_without_the_space_between() -> None:
    text = 'He said "Stop." Then he left.\n\nNo one knew why! 3 days later he came back'
    parts = [text[start:end] for start, end in sentences(text)]
    assert parts == ['He said "Stop."', "Then he left.", "No one knew why!", "3 days later he came back"]


@pytest.mark.parametrize(
    ("answer", "text", "holds"),
    [
        ("Reed", "Thomas REED, the mason", True),
        ("Reed", "the reeds of the river", False),
        ("1784", "built in 1784.", True),
        ("1784", "number 17840", False),
        ("1784", "建于1784年", True),
        ("武汉", "他在武汉大学教书", True),
        ("武汉", "IBM武汉", True),
        ("กรุงเทพ", "อยู่ที่กรุงเทพมหานคร", True),
        ("武汉", "他在北京大学教书", False),
    ],
)
def test_an_answer_is_found_as_a_word_or_anywhere_between_characters(answer: str, text: str, holds: bool) -> None:
    assert holds_answer(text, Example("?", answer, ((0, len(answer)),))) == holds


@pytest.mark.parametrize(
    ("question", "passage", "near"),
    [
        ("武汉大学在哪里？", "武汉大学在珞珈山。", "武汉大学有很多学生。"),
        ("東京タワーの高さは？", "東京タワーの高さは333メートル。", "東京タワーは港区にある。"),
        ("สะพานพุทธยาวเท่าไร", "สะพานพุทธยาว 678 เมตร", "สะพานพุทธสร้างเสร็จแล้ว"),
    ],
)
def test_a_near_passage_is_found_in_languages_without_spaces(question: str, passage: str, near: str) -> None:
    among = corpus([passage, near, WEATHER, *[f"nothing {n}" for n in range(20)]])
    made = elsewhere(Example(question, passage, ((0, len(passage)),)), among, seeded(1))
    assert made is not None
    assert made.passage == near
