import json
import math
from pathlib import Path

import pytest
import torch

from askdoc.models.words import TextTokenizer
from askdoc.training.batches import collate
from askdoc.training.groups import WINDOWS, Group, GroupStream, group_loss, load_groups
from askdoc.training.network import Logits, span_loss
from askdoc.training.retrieved import groups_of, main
from askdoc.training.stream import START

WHO = ("thomas reed", "margaret doyle")
PLACES = ("ashford", "wexham", "quarry", "bridge", "mill")


def group(number: int, *, wrong: int = 4) -> Group:
    place, who = PLACES[number % 5], WHO[number % 2]
    text = f"the {place} was built by {who} ." + " it was near ." * (number % 3)
    others = tuple(f"the old {other} was built in 1784 ." for other in PLACES if other != place)[:wrong]
    return Group(f"who built the {place} ?", text, ((text.index(who), text.index(who) + len(who)),), others)


GROUPS = [group(number) for number in range(20)]


def stream(tokenizer: TextTokenizer, groups: list[Group] = GROUPS, seed: int = 1) -> GroupStream:
    return GroupStream(groups, tokenizer, tokens=400, length=48, seed=seed)


def test_batches_hold_whole_groups_the_right_passage_first(tokenizer: TextTokenizer) -> None:
    for (_, features), _ in zip(stream(tokenizer).batches(START), range(12), strict=False):
        assert len(features) % WINDOWS == 0
        for place, feature in enumerate(features):
            assert feature.answerable == (place % WINDOWS == 0)
        assert max(len(feature.ids) for feature in features) * len(features) <= 400


def test_a_group_with_one_wrong_passage_is_filled_up_with_it(tokenizer: TextTokenizer) -> None:
    _, features = next(stream(tokenizer, [group(0, wrong=1)]).batches(START))
    assert len(features) == WINDOWS
    assert len({tuple(feature.ids) for feature in features}) == 2


def test_a_group_that_has_no_window_of_a_passage_is_left_out(tokenizer: TextTokenizer) -> None:
    empty = Group("who ?", "it was thomas reed .", ((7, 18),), (" ", "it was near ."))
    too_long = Group("who ?", "it was thomas reed . " * 20, ((0, 300),), ("it was near .",))
    batches = stream(tokenizer, [empty, too_long, group(0)]).batches(START)
    assert [len(next(batches)[1]) for _ in range(3)] == [WINDOWS] * 3


def test_a_stream_goes_on_at_any_place_and_covers_a_round(tokenizer: TextTokenizer) -> None:
    whole = stream(tokenizer).batches(START)
    first = [next(whole) for _ in range(9)]
    place, features = first[4]
    again = stream(tokenizer).batches(place)
    assert next(again) == (place, features)
    assert next(again)[0] == first[5][0]
    seen: set[tuple[int, ...]] = set()
    for at, batch in stream(tokenizer).batches(START):
        if at.round > 0:
            break
        seen |= {tuple(feature.ids) for feature in batch[::WINDOWS]}
    assert len(seen) == len({(one.question, one.passage) for one in GROUPS})


def shared_loss(value: float, *, right: float, wrong: float, tokenizer: TextTokenizer) -> float:
    """The shared loss of a group whose every logit is `value`, but the answer's, and one of a wrong passage."""
    _, features = next(stream(tokenizer, [group(0)]).batches(START))
    batch = collate(features)
    start = torch.full(batch.starts.shape, value)
    end = start.clone()
    for each, target in ((start, batch.starts), (end, batch.ends)):
        each[0][target[0] > 0] = right
        each[1, 3] = wrong
    found = Logits(start, end)
    return float(group_loss(found, batch)) - float(span_loss(found, batch))


def test_the_shared_loss_is_the_cross_entropy_over_all_positions_of_the_group(tokenizer: TextTokenizer) -> None:
    _, features = next(stream(tokenizer, [group(0)]).batches(START))
    positions = WINDOWS * collate(features).starts.shape[1]
    shared = shared_loss(0.0, right=0.0, wrong=0.0, tokenizer=tokenizer)
    assert shared == pytest.approx(math.log(positions), abs=1e-4)
    shared = shared_loss(0.0, right=5.0, wrong=2.0, tokenizer=tokenizer)
    assert shared == pytest.approx(math.log(positions - 2 + math.exp(5) + math.exp(2)) - 5, abs=1e-4)


def test_what_another_passage_scores_costs_only_in_the_shared_loss(tokenizer: TextTokenizer) -> None:
    calm = shared_loss(0.0, right=5.0, wrong=0.0, tokenizer=tokenizer)
    loud = shared_loss(0.0, right=5.0, wrong=8.0, tokenizer=tokenizer)
    assert loud > calm + 2
    shifted = shared_loss(3.0, right=8.0, wrong=3.0, tokenizer=tokenizer)
    assert shifted == pytest.approx(calm, abs=1e-4), "only the distance to a passage's own null counts"


@pytest.fixture
def squad(tmp_path: Path) -> Path:
    rivers = (("Ashford", "Wye"), ("Wexham", "Arrow"), ("Reed", "Lugg"), ("Doyle", "Teme"))
    paragraphs = []
    for place, river in rivers:
        text = f"The mill of {place} stands at the river {river}. It was built when wool was dear."
        answer = {"text": river, "answer_start": text.index(river)}
        question = {"id": place, "question": f"At which river does the mill of {place} stand?", "answers": [answer]}
        paragraphs.append({"context": text, "qas": [question]})
    path = tmp_path / "mills.json"
    path.write_text(json.dumps({"version": "1", "data": [{"title": "Mills", "paragraphs": paragraphs}]}))
    return path


def test_groups_are_what_the_index_finds_without_the_answer(squad: Path, tmp_path: Path) -> None:
    main([str(tmp_path / "groups.jsonl"), str(squad), "--questions", "3"])
    groups = load_groups(tmp_path / "groups.jsonl")
    assert groups == list(groups_of(squad, questions=3))
    assert len(groups) == 3
    for one in groups:
        (start, end), = one.spans  # fmt: skip
        assert one.passage[start:end] in ("Wye", "Arrow", "Lugg", "Teme")
        assert len(one.wrong) == 3
        assert not [text for text in one.wrong if one.passage[start:end] in text]


def test_a_damaged_file_of_groups_is_named_with_its_line(tmp_path: Path) -> None:
    path = tmp_path / "groups.jsonl"
    path.write_text('{"question": "who?"}\n')
    with pytest.raises(ValueError, match=r"groups\.jsonl: line 1 is no group"):
        load_groups(path)
