import gzip
import json
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from askdoc.models.words import TextTokenizer, Window
from askdoc.training import distill, mixture
from askdoc.training.batches import Example, Feature, collate, feature, load_features, seeded, write_features
from askdoc.training.distill import KEPT, carried_over, distilled
from askdoc.training.mixture import Share, source
from askdoc.training.network import load_model, save_layers
from askdoc.training.stream import START, Stream

PASSAGE = "The mill in Ashford was built by Thomas Reed . It came from Margaret Doyle ."
DOYLE = Example(
    "Who built it ?", PASSAGE, ((PASSAGE.index("Margaret"), PASSAGE.index("Margaret") + len("Margaret Doyle")),)
)


@pytest.fixture
def made(their_pointer: nn.Module, tokenizer: TextTokenizer, their_tokenizer: TextTokenizer) -> Feature:
    """A window whose annotators say Margaret Doyle, and whose teacher says Thomas Reed in parts of these words."""
    ((window,),) = read([DOYLE], their_pointer, tokenizer, their_tokenizer, share=0.25)
    return window


def read(
    examples: Sequence[Example], teacher: nn.Module, *tokenizers: TextTokenizer, length: int = 64, share: float = 0.5
) -> list[list[Feature]]:
    return list(distilled(examples, teacher, *tokenizers, length=length, rng=seeded(1), share=share))


def cut_at(text: str, places: Sequence[int]) -> Window:
    """A window with one token for the question, and tokens of the passage between these places."""
    offsets = list(pairwise(sorted({0, *places, len(text)})))
    return Window([0] * (len(offsets) + 3), [], 2, offsets)


def test_targets_are_shared_between_teacher_and_annotators(made: Feature, tokenizer: TextTokenizer) -> None:
    names = {tokenizer.tokens(word).ids[0]: word for word in ("thomas", "reed", "margaret", "doyle")}
    starts, ends = ({names.get(made.ids[at], ""): share for at, share in each} for each in (made.starts, made.ends))
    assert starts["margaret"] == pytest.approx(0.75, abs=0.02)
    assert starts["thomas"] > 0.15
    assert starts["reed"] < 0.01
    assert ends["doyle"] == pytest.approx(0.75, abs=0.02)
    assert ends["reed"] > 0.15
    assert ends["thomas"] < 0.01


places = st.lists(st.integers(1, 39), max_size=20)


@given(places, places, st.data())
def test_a_span_of_one_tokenizer_is_the_least_that_covers_it_in_another(
    ours: list[int], theirs: list[int], data: st.DataObject
) -> None:
    our, their = (cut_at("x" * 40, each) for each in (ours, theirs))
    first, last = sorted(data.draw(st.tuples(*[st.integers(0, len(their.offsets) - 1)] * 2)))
    carried = []
    for position, ends in ((first, False), (last, True)):
        said = [0.25, *[0.0] * (len(their.ids) - 1)]
        said[their.first + position] = 0.75
        found = carried_over(said, their, our, ends=ends)
        assert found[0] == 0.25
        carried += [position - our.first for position, share in found.items() if share == 0.75]
    start, end = their.offsets[first][0], their.offsets[last][1]
    touched = [number for number, (left, right) in enumerate(our.offsets) if left < end and right > start]
    assert carried == [touched[0], touched[-1]]


def test_what_is_between_tokens_goes_to_the_next_one() -> None:
    ours, theirs = Window([0] * 5, [], 2, [(0, 3), (5, 8)]), Window([0] * 4, [], 2, [(4, 9)])
    assert carried_over([0.0, 0.0, 1.0, 0.0], theirs, ours, ends=False)[3] == 1.0
    assert carried_over([0.0, 0.0, 1.0, 0.0], theirs, ours, ends=True)[3] == 1.0


def test_targets_sum_to_one_and_are_few(
    encoder_folder: Path, tokenizer: TextTokenizer, their_tokenizer: TextTokenizer, their_pointer: nn.Module
) -> None:
    short = Example("Who ?", "Thomas Reed .", ())
    for made in read([DOYLE, short], their_pointer, tokenizer, their_tokenizer)[0]:
        for targets in (made.starts, made.ends):
            assert sum(share for _, share in targets) == pytest.approx(1.0, abs=0.01)
            assert len(targets) <= KEPT + 1
            assert all(0 <= position < len(made.ids) for position, _ in targets)


def test_without_a_share_the_annotators_have_it_all(
    their_pointer: nn.Module, tokenizer: TextTokenizer, their_tokenizer: TextTokenizer
) -> None:
    ((made,),) = read([DOYLE], their_pointer, tokenizer, their_tokenizer, share=0.0)
    annotated = feature(DOYLE, tokenizer, length=64, rng=seeded(1))
    assert annotated is not None
    before, after = collate([annotated]), collate([made])
    assert torch.equal(before.starts, after.starts)
    assert torch.equal(before.ends, after.ends)


def test_what_either_cannot_read_whole_is_left_out(
    their_pointer: nn.Module, tokenizer: TextTokenizer, their_tokenizer: TextTokenizer
) -> None:
    endless = Example("Who ?", "Thomas Reed ." + " it" * 600, ((0, 11),))
    lost = Example("Who ?", "Thomas Reed ." + " it" * 600, ((0, 900),))
    assert read([endless], their_pointer, tokenizer, their_tokenizer, length=600) == []
    assert len(read([endless], their_pointer, tokenizer, their_tokenizer)) == 1, "cropped it is short enough"
    assert read([lost], their_pointer, tokenizer, their_tokenizer) == []


def test_windows_come_back_as_they_were_written(made: Feature, tmp_path: Path) -> None:
    assert write_features(tmp_path / "soft.jsonl.gz", [[made, made], [made]]) == 3
    assert load_features(tmp_path / "soft.jsonl.gz") == [made] * 3


def test_a_broken_file_names_its_line(made: Feature, tmp_path: Path) -> None:
    path = tmp_path / "soft.jsonl.gz"
    write_features(path, [[made]])
    path.write_bytes(gzip.compress(gzip.decompress(path.read_bytes()) + b'{"ids": [1]}\n'))
    with pytest.raises(ValueError, match="line 2"):
        load_features(path)


def squad(path: Path, questions: int) -> None:
    paragraphs = [
        {
            "context": f"The mill was built by Thomas Reed in {1700 + number} .",
            "qas": [
                {"id": number, "question": "Who built it ?", "answers": [{"text": "Thomas Reed", "answer_start": 22}]}
            ],
        }
        for number in range(questions)
    ]
    path.parent.mkdir(parents=True)
    path.write_bytes(gzip.compress(json.dumps({"data": [{"title": "Mills", "paragraphs": paragraphs}]}).encode()))


def test_the_command_goes_on_after_what_it_skips(
    encoder_folder: Path, mpnet_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(mixture.MIXTURES, "squad", (Share("tiny", 4, 0.0),))
    squad(tmp_path / "train" / "tiny.json.gz", 8)
    save_layers(load_model(mpnet_folder), tmp_path / "teacher")
    given = [
        "--encoder",
        str(encoder_folder),
        "--teacher",
        str(mpnet_folder),
        str(tmp_path / "teacher"),
        "--threads",
        "1",
    ]

    def written(*more: str) -> list[tuple[int, ...]]:
        distill.main([str(tmp_path / "soft.jsonl.gz"), str(tmp_path), *given, *more])
        return sorted(tuple(window.ids) for window in load_features(tmp_path / "soft.jsonl.gz"))

    first, second = written("--examples", "5"), written("--examples", "3", "--skip", "5")
    assert (len(first), len(second)) == (5, 3)
    assert sorted([*first, *second]) == written("--examples", "8")


def test_every_round_has_the_ready_windows_and_the_sources(made: Feature, tokenizer: TextTokenizer) -> None:
    from test_run import dataset  # type: ignore[import-not-found]  # pytest puts it on the path

    stream = Stream([source(dataset(6), Share("tiny", None, 0.0))], tokenizer, 128, 48, seed=1, ready=[made] * 3)
    seen: dict[int, list[Feature]] = {0: [], 1: []}
    for place, batch in stream.batches(START):
        if place.round == 2:
            break
        seen[place.round] += batch
    assert [items.count(made) for items in seen.values()] == [3, 3]
    assert [len(items) for items in seen.values()] == [9, 9]
    assert "3 windows" in stream.description
