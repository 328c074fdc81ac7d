"""Models on disk: a folder → its files and settings. Never uses the network."""

from __future__ import annotations

import hashlib
import json
import mmap
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from askdoc.errors import ModelError

BUNDLED = Path(__file__).parent / "weights"
CARD = "card.json"
FITTED = "fitted.json"  # settings and calibration: next to the bundled models, or in the folder of another reader
CONFIG = "config.json"
WEIGHTS = ("*.safetensors", "*.bin", "*.onnx", "*.onnx_data", "*.onnx.data")
REINSTALL = "install askdoc again: python -m pip install --force-reinstall --no-deps askdoc"
COPY_AGAIN = "save or copy the model into its folder again"
SAVED_HINT = "give the folder that save_pretrained, or an export to ONNX, wrote"


@dataclass(frozen=True, slots=True)
class Model:
    """A model's folder and its card.

    The card is a JSON object: `files` maps each file name to its `size` in bytes and its `sha256`, `model` names the
    file that holds the weights, `settings` are those of the program that runs the model.
    """

    folder: Path
    card: Mapping[str, Any]
    checked: bool = True  # the card came with the model, and its files must match; False: made from the folder's files

    @property
    def fingerprint(self) -> str:
        """sha256 of the weights, or of all files that decide the output, hexadecimal."""
        return str(self.card["files"][self.card["model"]]["sha256"])

    @property
    def settings(self) -> Mapping[str, Any]:
        settings: Mapping[str, Any] = self.card.get("settings", {})
        return settings

    @property
    def hint(self) -> str:
        """What to do if the model does not work."""
        return REINSTALL if self.folder.is_relative_to(BUNDLED) else COPY_AGAIN

    def weights(self) -> bytes | str:
        """The checked weights; or, without a card, their path, because large models have more files next to it."""
        return self.read(self.card["model"]) if self.checked else str(self.folder / self.card["model"])

    def read(self, name: str) -> bytes:
        """The bytes of a file; raises `ModelError` if they do not match the card."""
        path = self.folder / name
        try:
            data = path.read_bytes()
        except OSError as error:
            raise ModelError(f"the model file {path} cannot be read: {error.strerror}", hint=self.hint) from error
        self._check(name, data)
        return data

    def mapped(self, name: str) -> memoryview:
        """The same, memory-mapped: only what is looked at takes memory, and processes share it."""
        path = self.folder / name
        try:
            with path.open("rb") as stream:
                data = memoryview(mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ))
        except (OSError, ValueError) as error:  # ValueError: the file is empty
            raise ModelError(f"the model file {path} cannot be read: {error}", hint=self.hint) from error
        self._check(name, data)
        return data

    def _check(self, name: str, data: bytes | memoryview) -> None:
        if not self.checked:
            return
        stated = self.card["files"][name]
        if len(data) != stated["size"] or hashlib.sha256(data).hexdigest() != stated["sha256"]:
            raise ModelError(f"the model file {self.folder / name} is not the one its card describes", hint=self.hint)


def open_model(folder: Path) -> Model:
    """The model in a folder; raises `ModelError` if its card is missing or cannot be understood."""
    try:
        card = json.loads((folder / CARD).read_text(encoding="utf-8"))
        card["files"][card["model"]]["sha256"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        hint = Model(folder, {}).hint
        raise ModelError(f"there is no usable model card in {folder}: {error}", hint=hint) from error
    return Model(folder, card)


def bundled(name: str) -> Model:
    """A model that comes with askdoc: `embedder` or `reader`."""
    return open_model(BUNDLED / name)


def describe(folder: Path, *, files: Iterable[str]) -> Model:
    """A model without a card, as transformers or an exporter saved it; its settings are its `config.json`.

    files: names of other files that decide the output, if they exist. Raises `ModelError` if there are no weights.
    """
    try:
        config = json.loads((folder / CONFIG).read_text(encoding="utf-8"))
        settings = dict(config)
    except (OSError, ValueError, TypeError) as error:
        raise ModelError(f"{folder} holds no model: its {CONFIG} cannot be read", hint=SAVED_HINT) from error
    weights = weights_in(folder)
    if not weights:
        raise ModelError(f"{folder} holds no weights", hint=SAVED_HINT)
    chosen = min(weights, key=_preference).relative_to(folder).as_posix()
    others = [folder / name for name in (CONFIG, *files) if (folder / name).is_file()]
    stated = {"sha256": fingerprint(folder, [*weights, *others])}
    return Model(folder, {"model": chosen, "files": {chosen: stated}, "settings": settings}, checked=False)


def _preference(path: Path) -> tuple[bool, bool, int, str]:
    """Sort key: prefer ONNX, which starts faster than PyTorch; with other names, it may be for another machine."""
    return path.name != "model.onnx", ".onnx" in path.name, len(path.parts), path.name


def weights_in(folder: Path) -> list[Path]:
    """The files with weights in a folder and below, sorted by path."""
    return sorted(path for pattern in WEIGHTS for path in folder.rglob(pattern))


def fingerprint(folder: Path, files: Iterable[Path]) -> str:
    """sha256 over the names and contents of files in a folder, in this order, hexadecimal."""
    digest = hashlib.sha256()
    for path in files:
        digest.update(path.relative_to(folder).as_posix().encode())
        with path.open("rb") as stream:
            digest.update(hashlib.file_digest(stream, "sha256").digest())
    return digest.hexdigest()
