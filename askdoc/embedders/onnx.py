"""The bundled embedder, in ONNX Runtime."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from askdoc.embedders import DEFAULT
from askdoc.models.bundle import bundled
from askdoc.models.onnx import OnnxModel

if TYPE_CHECKING:
    from askdoc.types import Vectors


class OnnxEmbedder:
    """Mean-pooled sentence embeddings; a text is cut after `max_tokens` word pieces, as the model was trained."""

    english = True

    def __init__(self, argument: str = "") -> None:
        model = bundled("embedder")
        self.name = DEFAULT
        self.fingerprint = model.fingerprint
        self.dimension = int(model.settings["dimension"])
        self._length = int(model.settings["max_tokens"])
        self._model = OnnxModel(model)

    def embed_passages(self, texts: Sequence[str]) -> Vectors:
        vectors = np.empty((len(texts), self.dimension), dtype=np.float32)
        for row, text in enumerate(texts):
            vectors[row] = self.embed_query(text)
        return vectors

    def embed_query(self, text: str) -> Vectors:
        return self._model.run(self._model.tokenizer.framed(text, self._length))
