from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import Tokenizer

from askdoc.training.batches import (
    Example,
    Window,
    bucketed,
    collate,
    feature,
    labelled,
    load_tokenizer,
    pad,
    seeded,
    windows,
)

PASSAGE = "The old mill was built in 1784 by Thomas Reed. The new bridge was finished by Margaret Doyle in 1801."


def example(question: str, *answers: str) -> Example:
    starts = [PASSAGE.index(answer) for answer in answers]
    return Example(
        question, PASSAGE, tuple((start, start + len(text)) for start, text in zip(starts, answers, strict=True))
    )


def test_a_label_decodes_to_the_answer(tokenizer: Tokenizer) -> None:
    for answer in ("Thomas Reed", "1784", "The old mill", "Margaret Doyle in 1801"):
        (window,) = windows("Who built it?", PASSAGE, tokenizer, length=64)
        made = labelled(window, example("Who built it?", answer).spans)
        (first, _), (last, _) = made.starts[0], made.ends[0]
        start, end = window.offsets[first - window.passage_from][0], window.offsets[last - window.passage_from][1]
        assert PASSAGE[start:end] == answer


@given(data=st.data(), length=st.integers(20, 40), stride=st.integers(0, 12))
def test_windows_cover_every_token_and_keep_its_place(
    tokenizer: Tokenizer, data: st.DataObject, length: int, stride: int
) -> None:
    words = data.draw(st.lists(st.sampled_from(PASSAGE.split()), max_size=60))
    passage = " ".join(words)
    whole = tokenizer.encode(passage, add_special_tokens=False)
    parts = windows("Who built it?", passage, tokenizer, length=length, stride=stride)
    assert all(len(part.ids) <= length for part in parts)
    assert sorted({offsets for part in parts for offsets in part.offsets}) == sorted(set(whole.offsets))
    for part in parts:
        inside = part.ids[part.passage_from : part.passage_from + len(part.offsets)]
        assert [whole.ids[whole.offsets.index(offsets)] for offsets in part.offsets] == list(inside)


def test_a_passage_without_text_gives_one_empty_window(tokenizer: Tokenizer) -> None:
    (part,) = windows("Who?", "", tokenizer, length=16)
    assert part.offsets == ()
    assert [tokenizer.id_to_token(token) for token in part.ids] == ["[CLS]", "who", "?", "[SEP]", "[SEP]"]


def test_an_answer_outside_the_window_is_no_answer(tokenizer: Tokenizer) -> None:
    parts = windows("Who?", PASSAGE, tokenizer, length=17, stride=4)
    spans = example("Who?", "Thomas Reed").spans
    made = [labelled(part, spans) for part in parts]
    assert [each.answerable for each in made].count(True) >= 1
    for part, each in zip(parts, made, strict=True):
        assert each.answerable == (part.offsets[0][0] <= spans[0][0] and part.offsets[-1][1] >= spans[0][1])
        assert each.answerable or (each.starts, each.ends) == (((0, 1.0),), ((0, 1.0),))


def test_a_long_passage_is_trained_on_where_its_answer_is(tokenizer: Tokenizer) -> None:
    asked = example("Who?", "Margaret Doyle")
    made = [feature(asked, tokenizer, length=17, rng=seeded(seed)) for seed in range(10)]
    assert all(each.answerable for each in made)


def test_annotators_share_the_target(tokenizer: Tokenizer) -> None:
    made = feature(example("Who?", "Reed", "Reed", "Thomas Reed", "1784"), tokenizer, length=64, rng=seeded(0))
    batch = collate([made])
    assert batch.starts.sum() == pytest.approx(1.0)
    assert sorted(batch.starts[batch.starts > 0].tolist()) == [0.25, 0.25, 0.5]
    assert sorted(batch.ends[batch.ends > 0].tolist()) == [0.25, 0.75]


def test_padding_is_masked_and_only_the_passage_has_type_1(tokenizer: Tokenizer) -> None:
    some: list[Window] = [
        windows("Who?", text, tokenizer, length=64)[0] for text in ("the mill", "the old mill was new")
    ]
    inputs = pad(some)
    assert inputs.mask.sum(dim=1).tolist() == [len(window.ids) for window in some]
    assert torch.equal(inputs.ids == 0, inputs.mask == 0)
    assert inputs.types[0].tolist() == [0, 0, 0, 0, 1, 1, 1, 0, 0, 0]


def test_batches_hold_every_feature_once_within_the_token_limit(tokenizer: Tokenizer) -> None:
    rng = seeded(1)
    texts = [" ".join(rng.choices(PASSAGE.split(), k=rng.randint(1, 40))) for _ in range(200)]
    features = [feature(Example("Who?", text, ()), tokenizer, length=64, rng=rng) for text in texts]
    groups = bucketed(features, tokens=256, rng=rng)
    assert sorted(map(id, features)) == sorted(id(each) for group in groups for each in group)
    assert all(pad(group).ids.numel() <= 256 for group in groups)
    padding = sum(int((pad(group).mask == 0).sum()) for group in groups)
    assert padding < 0.1 * sum(len(each.ids) for each in features)


def test_a_tokenizer_that_cuts_and_pads_is_cleared_of_that(tmp_path: Path, tokenizer: Tokenizer) -> None:
    cutting = Tokenizer.from_str(tokenizer.to_str())
    cutting.enable_truncation(5)
    cutting.enable_padding(length=128)
    cutting.save(str(tmp_path / "tokenizer.json"))
    assert load_tokenizer(tmp_path).encode(PASSAGE).ids == tokenizer.encode(PASSAGE).ids
