import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from transformers import BertConfig, BertForQuestionAnswering

from askdoc.models.bundle import open_model
from askdoc.models.onnx import OnnxModel
from askdoc.training.export_onnx import bundle, load_reader
from askdoc.training.parity import TorchModel


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory, encoder_folder: Path) -> Path:
    """A reader with random weights."""
    folder = tmp_path_factory.mktemp("source")
    torch.manual_seed(0)
    config = BertConfig(
        vocab_size=2000,  # the export is traced with word pieces from a full vocabulary
        hidden_size=128,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=512,
        initializer_range=0.05,
    )
    BertForQuestionAnswering(config).save_pretrained(folder)
    shutil.copyfile(encoder_folder / "tokenizer.json", folder / "tokenizer.json")
    return folder


@pytest.fixture(scope="module")
def target(tmp_path_factory: pytest.TempPathFactory, source: Path) -> Path:
    """Its export."""
    folder = tmp_path_factory.mktemp("target")
    bundle("reader", source, {"name": "tiny", "licence": "none"}, target=folder)
    return folder


def test_an_exported_reader_says_what_the_original_says(source: Path, target: Path) -> None:
    exported = OnnxModel(open_model(target))
    original = TorchModel(exported, load_reader(source)[0])
    ids, types = [2, *range(5, 40), 3], [0] * 20 + [1] * 17
    said = original.run(ids, types)
    assert np.abs(exported.run(ids, types) - said).max() < 0.1 * said.std()
    assert (target / "model.onnx").stat().st_size < (source / "model.safetensors").stat().st_size / 3


def test_the_card_describes_what_was_exported(target: Path) -> None:
    card = json.loads((target / "card.json").read_text(encoding="utf-8"))
    assert (card["name"], card["licence"]) == ("tiny", "none")
    assert {name: each["size"] for name, each in card["files"].items()} == {
        name: (target / name).stat().st_size for name in ("model.onnx", "tokenizer.json")
    }
