"""Models on disk: a name → a folder whose files are known to be what its card says. Never the network."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from askdoc.errors import ModelError

BUNDLED = Path(__file__).parent / "weights"
CARD = "card.json"


@dataclass(frozen=True, slots=True)
class Model:
    """A model's folder and its card.

    The card is a JSON object; `files` maps each file name to its `size` in bytes and its `sha256`, `model` names the
    one that holds the weights, `settings` tells the program that runs it what it needs to know.
    """

    folder: Path
    card: Mapping[str, Any]

    @property
    def fingerprint(self) -> str:
        """sha256 of the weights, hexadecimal."""
        return str(self.card["files"][self.card["model"]]["sha256"])

    @property
    def settings(self) -> Mapping[str, Any]:
        settings: Mapping[str, Any] = self.card.get("settings", {})
        return settings

    def weights(self) -> bytes:
        return self.read(self.card["model"])

    def read(self, name: str) -> bytes:
        """A file's bytes, after its size and hash agreed with the card; raises `ModelError` if they do not."""
        path = self.folder / name
        try:
            data = path.read_bytes()
        except OSError as error:
            raise ModelError(f"the model file {path} cannot be read: {error.strerror}", hint=REINSTALL) from error
        stated = self.card["files"][name]
        if len(data) != stated["size"] or hashlib.sha256(data).hexdigest() != stated["sha256"]:
            raise ModelError(f"the model file {path} is not the one its card describes", hint=REINSTALL)
        return data


REINSTALL = "install askdoc again: python -m pip install --force-reinstall --no-deps askdoc"


def open_model(folder: Path) -> Model:
    """The model in a folder; raises `ModelError` if there is no card, or none that can be understood."""
    try:
        card = json.loads((folder / CARD).read_text(encoding="utf-8"))
        card["files"][card["model"]]["sha256"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ModelError(f"there is no usable model card in {folder}: {error}", hint=REINSTALL) from error
    return Model(folder, card)


def bundled(name: str) -> Model:
    """A model that comes with askdoc: `embedder` or `reader`."""
    return open_model(BUNDLED / name)
