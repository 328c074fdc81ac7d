"""The shipped tokenizer's files, written out of a small package, and opened."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from transformers import BertConfig

from askdoc.models.library import LibraryTokenizer
from askdoc.models.unigram import Unigram, open_unigram
from askdoc.training.encoder import Package, tokenizer
from askdoc.training.pieces import double_array, write

FAR = "\U00100083"
LONG = "▁the ▁mill ill ▁fire re fi 条约 的条 <s> <pad> </s> <unk>".split()
LETTERS = sorted(set("".join(LONG)) | {FAR, "点", "\u0301", "é"})
PIECES = ["<s>", "<pad>", "</s>", "<unk>", *LONG[:8], *LETTERS, f"▁{FAR}e"]
TEXTS = (
    "the fire mill ill rethe",
    "the ﬁre…  条约的条约点 xyz the",
    f"{FAR}e {FAR}{FAR} \U00100084 \x00 the\x00",
    "e\u0301 re\u0301 ½\u0301 \x07the",
    "<s>the</s> <unk>x",
    "",
)


@pytest.fixture(scope="module")
def package() -> Package:
    scores = -np.random.default_rng(1).uniform(1, 9, len(PIECES)).astype(np.float32)
    return Package(
        config=BertConfig(),
        pieces=tuple(PIECES),
        scores=scores,
        special={"bos": 0, "eos": 2, "pad": 1, "unk": 3},
        normalisation={"ﬁ": "fi", "…": "...", "½": "1⁄2", "\x07": "", "\n": " "},
        tensors={},
    )


@pytest.fixture(scope="module")
def written(package: Package, tmp_path_factory: pytest.TempPathFactory) -> Unigram:
    folder = tmp_path_factory.mktemp("words")
    write(package, folder)
    return open_unigram(folder)


@pytest.mark.parametrize("text", TEXTS)
def test_the_files_are_opened_as_the_tokenizer_that_the_package_describes(
    text: str, package: Package, written: Unigram
) -> None:
    reference = LibraryTokenizer(tokenizer(package))
    assert written.tokens(text) == reference.tokens(text)
    assert written.framed(text, 8) == reference.framed(text, 8)


def test_whole_words_are_marked_only_where_nothing_smaller_is_better(package: Package, tmp_path: Path) -> None:
    scores = package.scores.copy()
    scores[PIECES.index("▁mill")] = -40
    changed = replace(package, scores=scores)
    write(changed, tmp_path)
    ours, reference = open_unigram(tmp_path), LibraryTokenizer(tokenizer(changed))
    assert len(ours.tokens("mill")) > 1
    assert ours.tokens("mill the") == reference.tokens("mill the")


def test_no_two_children_share_a_slot() -> None:
    words = [f"{first}{second}" for first in "abc的\U0001f600" for second in ("", *"abcdefg的条约")]
    bases, checks = double_array(words)
    assert (checks >= 0).sum() == 5 + 5 * 10 + 5  # a slot for each node but the root, and the ends of the inner pieces
    for number, word in enumerate(words):
        slot = 0
        for letter in word:
            assert checks[bases[slot] + ord(letter)] == slot
            slot = bases[slot] + ord(letter)
        assert -1 - (bases[slot] if bases[slot] < 0 else bases[bases[slot]]) == number


@pytest.mark.parametrize("extra", ["▁q", "\0"])
def test_pieces_that_the_files_have_no_place_for_are_refused(extra: str, package: Package, tmp_path: Path) -> None:
    longer = replace(package, pieces=(*package.pieces, extra), scores=np.append(package.scores, np.float32(-5)))
    with pytest.raises(ValueError, match="piece"):
        write(longer, tmp_path)


def test_a_map_whose_order_matters_is_refused(package: Package, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="order"):
        write(replace(package, normalisation={"ﬁ": "f…", "…": "..."}), tmp_path)
