"""Readers in folders of their own: `--reader FOLDER`, with a question-answering model in ONNX or for PyTorch."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

from askdoc.errors import ModelError
from askdoc.models.bundle import CARD, Model, describe, open_model
from askdoc.readers.windows import Network, SpanReader

LENGTH = 384  # tokens in one input, if the network's config allows as many
TOKENIZER = "tokenizer.json"
MOVED_HINT = (
    "say where it is now: askdoc index --reader FOLDER; or take the bundled one: askdoc index --reader askdoc-reader"
)
KIND_HINT = "give a model for extractive question answering, such as a …ForQuestionAnswering of transformers"


def open_folder(folder: Path) -> SpanReader:
    """Open the reader in a folder. Raises `ModelError` if it holds no reader, or one of another kind.

    folder: absolute; its path is the reader's name.
    """
    model = _model(folder)
    return SpanReader(_network(model), model, name=str(folder))


def _model(folder: Path) -> Model:
    if not folder.is_dir():
        raise ModelError(f"there is no reader in {folder}", hint=MOVED_HINT)
    if (folder / CARD).exists():
        return open_model(folder)
    model = describe(folder, files=(TOKENIZER, "vocab.txt", "vocab.json", "merges.txt", "tokenizer_config.json"))
    card = {**model.card, "settings": _settings(model.settings)}
    return dataclasses.replace(model, card=card)


def _network(model: Model) -> Network:
    network: Network
    if str(model.card["model"]).endswith(".onnx"):
        from askdoc.models.onnx import OnnxModel

        network = OnnxModel(model)
    else:
        from askdoc.readers.pytorch import PytorchModel

        network = PytorchModel(model)
    _try(network, model)
    return network


def _settings(config: Any) -> dict[str, int]:
    """The sizes of a network's inputs, from its transformers config. RoBERTa-like networks need two more positions."""
    positions = int(config.get("max_position_embeddings") or LENGTH + 2) - 2
    length = min(LENGTH, positions) if positions > 0 else LENGTH  # some networks have no position embeddings
    return {"max_tokens": length, "stride": length // 3, "max_question_tokens": length // 6}


def _try(network: Network, model: Model) -> None:
    """Read a short text, so that a model of another kind is refused at once. Raises `ModelError`."""
    window = next(network.tokenizer.windows("what?", "this", length=LENGTH, stride=0, max_question=8), None)
    try:
        shape = network.run(window.ids, window.types).shape if window else ()
    except Exception as error:  # each runtime raises types of its own
        raise ModelError(f"the model in {model.folder} does not run: {error}", hint=KIND_HINT) from error
    if not window or shape != (len(window.ids), 2):
        raise ModelError(f"the model in {model.folder} marks no starts and ends of answers", hint=KIND_HINT)
