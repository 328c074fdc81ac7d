import gzip
from pathlib import Path

import pytest
import torch
from tokenizers import Tokenizer
from torch import nn

from askdoc.training.batches import Example, Feature, collate, feature, load_features, seeded, write_features
from askdoc.training.distill import KEPT, distilled, without
from askdoc.training.mixture import Share, source
from askdoc.training.stream import START, Stream

PASSAGE = "The mill in Ashford was built by Thomas Reed . It came from Margaret Doyle ."
DOYLE = (PASSAGE.index("Margaret"), PASSAGE.index("Margaret") + len("Margaret Doyle"))


@pytest.fixture
def window(tokenizer: Tokenizer) -> Feature:
    """A window whose annotators say Margaret Doyle; the teacher (`pointer`) says Thomas Reed."""
    return feature(Example("Who built it ?", PASSAGE, (DOYLE,)), tokenizer, length=64, rng=seeded(1))


def tokens(window: Feature, tokenizer: Tokenizer, targets: tuple[tuple[int, float], ...]) -> dict[str, float]:
    return {str(tokenizer.id_to_token(window.ids[position])): share for position, share in targets}


def test_targets_are_shared_between_teacher_and_annotators(
    window: Feature, pointer: nn.Module, tokenizer: Tokenizer
) -> None:
    (made,) = distilled(pointer, [window], share=0.25)
    starts, ends = tokens(made, tokenizer, made.starts), tokens(made, tokenizer, made.ends)
    assert starts["margaret"] == pytest.approx(0.75, abs=0.02)
    assert starts["thomas"] > 0.15
    assert ends["doyle"] == pytest.approx(0.75, abs=0.02)
    assert ends["reed"] > 0.15
    assert (made.ids, made.passage_from) == (window.ids, window.passage_from)


def test_targets_sum_to_one_and_are_few(window: Feature, pointer: nn.Module, tokenizer: Tokenizer) -> None:
    short = feature(Example("Who ?", "Thomas Reed .", ()), tokenizer, length=64, rng=seeded(1))
    for made in distilled(pointer, [window, short]):
        for targets in (made.starts, made.ends):
            assert sum(share for _, share in targets) == pytest.approx(1.0, abs=0.01)
            assert len(targets) <= KEPT + 1
            assert all(0 <= position < len(made.ids) for position, _ in targets)


def test_without_a_share_the_annotators_have_it_all(window: Feature, pointer: nn.Module) -> None:
    (made,) = distilled(pointer, [window], share=0.0)
    before, after = collate([window]), collate([made])
    assert torch.equal(before.starts, after.starts)
    assert torch.equal(before.ends, after.ends)


def test_windows_come_back_as_they_were_written(window: Feature, pointer: nn.Module, tmp_path: Path) -> None:
    made = distilled(pointer, [window, window])
    assert write_features(tmp_path / "soft.jsonl.gz", [made, made[:1]]) == 3
    assert load_features(tmp_path / "soft.jsonl.gz") == [*made, made[0]]


def test_windows_that_were_read_are_left_out_with_or_without_their_question_mark(tokenizer: Tokenizer) -> None:
    asked = [("Who built it ?", PASSAGE), ("Who built it", PASSAGE), ("Who finished it ?", PASSAGE), ("Who ?", "it .")]
    marked, plain, other, short = (
        feature(Example(question, passage, ()), tokenizer, length=64, rng=seeded(1)) for question, passage in asked
    )
    batches = [[plain, marked], [other, marked], [short]]
    assert list(without([marked], batches, tokenizer)) == [[other], [short]]
    assert list(without([plain, other], batches, tokenizer)) == [[short]]
    assert list(without([], batches, tokenizer)) == batches


def test_a_broken_file_names_its_line(window: Feature, tmp_path: Path) -> None:
    path = tmp_path / "soft.jsonl.gz"
    write_features(path, [[window]])
    path.write_bytes(gzip.compress(gzip.decompress(path.read_bytes()) + b'{"ids": [1]}\n'))
    with pytest.raises(ValueError, match="line 2"):
        load_features(path)


def test_every_round_has_the_ready_windows_and_the_sources(
    window: Feature, tokenizer: Tokenizer, tmp_path: Path
) -> None:
    from test_reader import dataset  # type: ignore[import-not-found]  # pytest puts it on the path

    made = source(dataset(6), Share("tiny", None, 0.0))
    stream = Stream([made], tokenizer, 128, 48, seed=1, ready=[window] * 3)
    batches = stream.batches(START)
    seen: dict[int, list[Feature]] = {0: [], 1: []}
    for place, batch in batches:
        if place.round == 2:
            break
        seen[place.round] += batch
    assert [items.count(window) for items in seen.values()] == [3, 3]
    assert [len(items) for items in seen.values()] == [9, 9]
    assert "3 windows" in stream.description
