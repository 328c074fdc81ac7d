from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import Tokenizer

from askdoc.models.words import TextTokenizer
from askdoc.training.batches import (
    Example,
    batched,
    collate,
    crop,
    feature,
    labelled,
    load_tokenizer,
    pad,
    seeded,
    windows,
    words,
)

PASSAGE = "The old mill was built in 1784 by Thomas Reed. The new bridge was finished by Margaret Doyle in 1801."
LONG = "It was near the quarry. " * 20 + PASSAGE + " It was near Wexham." * 20


def example(question: str, *answers: str, passage: str = PASSAGE) -> Example:
    starts = [passage.index(answer) for answer in answers]
    spans = tuple((start, start + len(text)) for start, text in zip(starts, answers, strict=True))
    return Example(question, passage, spans)


def test_a_label_decodes_to_the_answer(tokenizer: TextTokenizer) -> None:
    for answer in ("Thomas Reed", "1784", "The old mill", "Margaret Doyle in 1801"):
        (window,) = windows("Who built it?", PASSAGE, tokenizer, length=64)
        made = labelled(window, example("Who built it?", answer).spans)
        (first, _), (last, _) = made.starts[0], made.ends[0]
        start, end = window.offsets[first - window.first][0], window.offsets[last - window.first][1]
        assert PASSAGE[start:end] == answer


def test_an_answer_outside_the_window_is_no_answer(tokenizer: TextTokenizer) -> None:
    parts = windows("Who?", PASSAGE, tokenizer, length=17, stride=4)
    spans = example("Who?", "Thomas Reed").spans
    made = [labelled(part, spans) for part in parts]
    assert [each.answerable for each in made].count(True) >= 1
    for part, each in zip(parts, made, strict=True):
        assert each.answerable == (part.offsets[0][0] <= spans[0][0] and part.offsets[-1][1] >= spans[0][1])
        assert each.answerable or (each.starts, each.ends) == (((0, 1.0),), ((0, 1.0),))


@given(st.data())
def test_a_crop_is_one_window_with_the_answer_anywhere_in_it(tokenizer: TextTokenizer, data: st.DataObject) -> None:
    words = data.draw(st.lists(st.sampled_from(["mill", "was,", "stones!", "Belta", "Reed", "it"]), max_size=80))
    answer = data.draw(st.lists(st.sampled_from(["Thomas", "1784.", "Belavia's"]), min_size=1, max_size=4))
    before = data.draw(st.integers(0, len(words)))
    passage = " ".join([*words[:before], *answer, *words[before:]])
    start = passage.index(" ".join(answer))
    whole = Example("Who built the mill?", passage, ((start, start + len(" ".join(answer))),))
    part = crop(whole, tokenizer, length=30, rng=data.draw(st.randoms(use_true_random=False)))
    ((left, right),) = part.spans
    assert part.passage[left:right] == " ".join(answer)
    assert part.passage in passage
    assert len(windows(part.question, part.passage, tokenizer, length=30)) == 1


def test_crops_differ_in_where_the_answer_is(tokenizer: TextTokenizer) -> None:
    whole = example("Who?", "Margaret Doyle", passage=LONG)
    starts = {crop(whole, tokenizer, length=30, rng=seeded(number)).spans[0][0] for number in range(40)}
    assert len(starts) > 10


def test_a_crop_without_an_answer_shares_the_question_s_words(tokenizer: TextTokenizer) -> None:
    asked = Example("Who finished the old bridge of Margaret Doyle?", LONG, ())
    parts = [crop(asked, tokenizer, length=40, rng=seeded(number)).passage for number in range(20)]
    assert sum("bridge was finished by Margaret" in part for part in parts) > 15


def test_words_of_scripts_without_spaces_are_pairs_of_letters() -> None:
    assert words("The mill, in 武汉大学 (1784)!") == ["the", "mill", "in", "1784", "武汉", "汉大", "大学"]


def test_a_passage_that_fits_is_not_cropped(tokenizer: TextTokenizer) -> None:
    whole = example("Who?", "Reed")
    assert crop(whole, tokenizer, length=64, rng=seeded(0)) is whole


def test_a_long_passage_is_trained_on_where_its_answer_is(tokenizer: TextTokenizer) -> None:
    asked = example("Who?", "Margaret Doyle", passage=LONG)
    made = [feature(asked, tokenizer, length=20, rng=seeded(number)) for number in range(10)]
    assert all(each is not None and each.answerable and len(each.ids) <= 20 for each in made)


@pytest.mark.parametrize(
    "asked",
    [
        example("Who?", "Thomas Reed. The new bridge was finished by Margaret Doyle", passage=LONG),
        Example("?", " ", ()),
    ],
    ids=["an answer longer than a window", "a passage without tokens"],
)
def test_what_has_no_window_is_left_out(tokenizer: TextTokenizer, asked: Example) -> None:
    assert feature(asked, tokenizer, length=16, rng=seeded(0)) is None


def test_annotators_share_the_target(tokenizer: TextTokenizer) -> None:
    made = feature(example("Who?", "Reed", "Reed", "Thomas Reed", "1784"), tokenizer, length=64, rng=seeded(0))
    assert made is not None
    batch = collate([made])
    assert batch.starts.sum() == pytest.approx(1.0)
    assert sorted(batch.starts[batch.starts > 0].tolist()) == [0.25, 0.25, 0.5]
    assert sorted(batch.ends[batch.ends > 0].tolist()) == [0.25, 0.75]


def test_padding_is_masked(tokenizer: TextTokenizer) -> None:
    some = [windows("Who?", text, tokenizer, length=64)[0] for text in ("the mill", "the old mill was new")]
    inputs = pad(some)
    assert inputs.mask.sum(dim=1).tolist() == [len(window.ids) for window in some]
    assert torch.equal(inputs.ids == 0, inputs.mask == 0)


def test_batches_hold_everything_once_within_the_token_limit() -> None:
    lengths = [seeded(number).randint(1, 60) for number in range(200)]
    batches = batched(lengths, lambda length: length, tokens=256)
    assert [length for batch in batches for length in batch] == sorted(lengths)
    assert all(max(batch) * len(batch) <= 256 for batch in batches)
    assert sum(max(batch) * len(batch) for batch in batches) < 1.1 * sum(lengths)


def test_what_is_longer_than_a_batch_has_one_to_itself() -> None:
    assert batched([9, 2, 8], lambda length: length, tokens=4) == [[2], [8], [9]]


def test_a_tokenizer_that_cuts_and_pads_is_cleared_of_that(tmp_path: Path, encoder_folder: Path) -> None:
    cutting = Tokenizer.from_file(str(encoder_folder / "tokenizer.json"))
    cutting.enable_truncation(5)
    cutting.enable_padding(length=128)
    cutting.save(str(tmp_path / "tokenizer.json"))
    assert load_tokenizer(tmp_path).tokens(PASSAGE) == load_tokenizer(encoder_folder).tokens(PASSAGE)
