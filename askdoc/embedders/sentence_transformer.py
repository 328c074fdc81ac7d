"""Any sentence-transformers model in a folder: `--embedder sentence-transformers:PATH`. Imports torch."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from askdoc.errors import ModelError, UsageError
from askdoc.models.bundle import fingerprint, weights_in

if TYPE_CHECKING:
    from askdoc.types import Vectors


MOVED_HINT = "say where it is: askdoc index --embedder sentence-transformers:FOLDER"
SAVED_HINT = "give the folder that SentenceTransformer.save wrote"


class SentenceTransformerEmbedder:
    """Embeds with sentence-transformers on the CPU, from local files, with its prompts `query` and `passage`."""

    english = False  # its languages are not known; the user chose the model

    def __init__(self, argument: str = "") -> None:
        folder = Path(os.path.abspath(os.path.expanduser(argument)))  # noqa: PTH100, PTH111  # as it is named, links and all
        if not argument or not folder.is_dir():
            raise UsageError(f"there is no model folder {argument!r}", hint=MOVED_HINT)
        weights = weights_in(folder)
        if not weights:
            raise ModelError(f"{folder} holds no weights", hint=SAVED_HINT)
        self.name = f"sentence-transformers:{folder}"  # absolute: questions may come from another working directory
        self.fingerprint = fingerprint(folder, weights)
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
    except Exception as error:  # the library raises errors of many types
        message = f"{folder} does not load as a sentence-transformers model: {error}"
        raise ModelError(message, hint=SAVED_HINT) from error
