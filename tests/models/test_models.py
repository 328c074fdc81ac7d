"""Weights are what their cards say, or they are not used."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from askdoc.embedders import open_embedder
from askdoc.errors import ModelError
from askdoc.models import bundle as models
from askdoc.models.bundle import bundled, open_model
from askdoc.models.onnx import OnnxModel
from askdoc.readers import open_reader

NAMES = ("embedder", "reader")


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    return Path(shutil.copytree(models.BUNDLED / "embedder", tmp_path / "embedder"))


@pytest.mark.parametrize("name", NAMES)
def test_the_bundled_files_are_those_of_the_card(name: str) -> None:
    model = bundled(name)
    for file in model.card["files"]:
        assert len(model.read(file)) == model.card["files"][file]["size"]
    assert model.fingerprint == model.card["files"][model.card["model"]]["sha256"]


@pytest.mark.parametrize("name", NAMES)
def test_a_card_says_where_the_weights_come_from_and_what_they_are_worth(name: str) -> None:
    card = bundled(name).card
    for fact in ("name", "what", "origin", "licence", "data", "made", "storage", "settings"):
        assert card[fact], fact


@pytest.mark.parametrize("harm", ["flip", "cut", "unlink"])
def test_altered_weights_are_never_loaded(harm: str, copy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(models, "BUNDLED", copy.parent)
    weights = copy / "model.onnx"
    data = bytearray(weights.read_bytes())
    if harm == "unlink":
        weights.unlink()
    else:
        data[len(data) // 2] ^= 1
        weights.write_bytes(data if harm == "flip" else data[:-1])
    with pytest.raises(ModelError) as caught:
        open_model(copy).weights()
    assert str(weights) in caught.value.message
    assert "install" in caught.value.hint


@pytest.mark.parametrize("card", ["", "[]", "{}", '{"model": "a", "files": {}}', None])
def test_a_folder_without_a_usable_card_is_no_model(card: str | None, copy: Path) -> None:
    (copy / models.CARD).unlink()
    if card is not None:
        (copy / models.CARD).write_text(card)
    with pytest.raises(ModelError, match="no usable model card"):
        open_model(copy)


def test_weights_that_agree_with_their_card_and_are_none_are_refused_in_words(copy: Path) -> None:
    import hashlib

    data = b"no network at all"
    (copy / "model.onnx").write_bytes(data)
    card = json.loads((copy / models.CARD).read_text())
    card["files"]["model.onnx"] = {"size": len(data), "sha256": hashlib.sha256(data).hexdigest()}
    (copy / models.CARD).write_text(json.dumps(card))
    with pytest.raises(ModelError, match="does not load"):
        OnnxModel(open_model(copy))


def test_embedders_and_readers_say_which_weights_they_use(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert open_embedder().fingerprint == bundled("embedder").fingerprint
    assert open_reader().fingerprint == bundled("reader").fingerprint
    monkeypatch.setattr(models, "BUNDLED", tmp_path)
    with pytest.raises(ModelError):
        open_embedder()


def test_tokens_know_the_characters_they_cover() -> None:
    text = "Thomas Reed's naïve bridges 🌉 cost 5."
    tokens = OnnxModel(bundled("embedder")).tokenizer.tokens(text)
    assert len(tokens) == len(tokens.ids) == len(tokens.offsets)
    assert [text[start:end] for start, end in tokens.offsets[:4]] == ["Thomas", "Reed", "'", "s"]
    assert text[tokens.offsets[-2][0] : tokens.offsets[-2][1]] == "5"


def test_a_text_gives_the_same_numbers_again() -> None:
    model = OnnxModel(bundled("embedder"))
    ids = model.tokenizer.framed("The old stone bridge.", 256)
    np.testing.assert_array_equal(model.run(ids), model.run(ids))
