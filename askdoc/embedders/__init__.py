"""Embedders turn texts into unit vectors: texts with similar meanings have vectors that are close.

To add an embedder: write `embedders/NAME.py` with a class that fits `Embedder` and takes the part of the name after the
colon (`sentence-transformers:PATH`; empty without a colon), and add a line to `EMBEDDERS`. The contract suite
(`tests/contracts/test_embedders.py`) runs on it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib import import_module
from typing import TYPE_CHECKING, Protocol, cast

from askdoc.errors import UsageError

if TYPE_CHECKING:
    from askdoc.types import Vectors

DEFAULT = "askdoc-embedder"


class Embedder(Protocol):
    """Turns texts into unit vectors."""

    @property
    def name(self) -> str:
        """What `open_embedder` takes."""

    @property
    def fingerprint(self) -> str:
        """sha256 of the weights, hexadecimal; without weights, of the method. The same one gives the same vectors."""

    @property
    def dimension(self) -> int:
        """The number of components of a vector."""

    @property
    def english(self) -> bool:
        """It knows only English."""

    def embed_passages(self, texts: Sequence[str]) -> Vectors:
        """Embed passages; shape (texts, dimension), each row of length 1."""

    def embed_query(self, text: str) -> Vectors:
        """Embed a question; shape (dimension,), of length 1."""


# name → "module:attribute"
EMBEDDERS: Mapping[str, str] = {
    DEFAULT: "askdoc.embedders.onnx:OnnxEmbedder",
    "sentence-transformers": "askdoc.embedders.sentence_transformer:SentenceTransformerEmbedder",
    "hashing": "askdoc.embedders.hashing:HashingEmbedder",
}


def open_embedder(name: str = DEFAULT) -> Embedder:
    """Open an embedder by its name, such as `askdoc-embedder` or `sentence-transformers:/models/mine`.

    Raises `UsageError` for an unknown name, `ModelError` if the model cannot be used.
    """
    kind, _, argument = name.partition(":")
    if kind not in EMBEDDERS:
        raise UsageError(f"there is no embedder called {name!r}", hint=f"known are: {', '.join(EMBEDDERS)}")
    module, _, attribute = EMBEDDERS[kind].partition(":")
    return cast(Embedder, getattr(import_module(module), attribute)(argument))
