"""Any sentence-transformers model in a folder: `--embedder sentence-transformers:PATH`. Imports torch."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from askdoc.errors import ModelError, UsageError

if TYPE_CHECKING:
    from askdoc.types import Vectors

WEIGHTS = ("*.safetensors", "*.bin", "*.onnx")


class SentenceTransformerEmbedder:
    """Embeds with sentence-transformers on the CPU, from files alone; its prompts `query` and `passage` are used."""

    def __init__(self, argument: str = "") -> None:
        folder = Path(argument).expanduser()
        if not argument or not folder.is_dir():
            raise UsageError(
                f"there is no model folder {argument!r}", hint="type --embedder sentence-transformers:FOLDER"
            )
        self.name = f"sentence-transformers:{argument}"
        self.fingerprint = fingerprint(folder)
        self._model = _load(folder)
        self.dimension = int(self._model.get_embedding_dimension() or 0)

    def embed_passages(self, texts: Sequence[str]) -> Vectors:
        return self._encode(list(texts), ("passage", "document"))

    def embed_query(self, text: str) -> Vectors:
        vectors = self._encode([text], ("query",))
        row: Vectors = vectors[0]
        return row

    def _encode(self, texts: list[str], prompts: tuple[str, ...]) -> Vectors:
        prompt = next((name for name in prompts if self._model.prompts.get(name)), None)
        vectors: Vectors = self._model.encode(
            texts, prompt_name=prompt, normalize_embeddings=True, show_progress_bar=False, convert_to_numpy=True
        )
        return vectors.astype(np.float32).reshape(len(texts), self.dimension)


def _load(folder: Path):  # type: ignore[no-untyped-def]  # the library is not imported for its types
    try:
        from sentence_transformers import SentenceTransformer

        return SentenceTransformer(str(folder), device="cpu", local_files_only=True)
    except Exception as error:  # the library raises whatever its parts raise
        raise ModelError(f"{folder} does not load as a sentence-transformers model: {error}", hint=SAVED) from error


SAVED = "give the folder that SentenceTransformer.save wrote"


def fingerprint(folder: Path) -> str:
    """sha256 over the weight files of a folder, in the order of their names; raises `ModelError` if it holds none."""
    files = sorted(path for pattern in WEIGHTS for path in folder.rglob(pattern))
    if not files:
        raise ModelError(f"{folder} holds no weights", hint=SAVED)
    digest = hashlib.sha256()
    for path in files:
        digest.update(path.relative_to(folder).as_posix().encode())
        with path.open("rb") as stream:
            digest.update(hashlib.file_digest(stream, "sha256").digest())
    return digest.hexdigest()
