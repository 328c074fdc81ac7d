"""An embedder without a model: words and letter trigrams, hashed into a vector. Very small; also for tests."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING
from zlib import crc32

import numpy as np

if TYPE_CHECKING:
    from askdoc.types import Vectors


class HashingEmbedder:
    """Signed feature hashing (Weinberger et al. 2009) of lower-cased words and their letter trigrams."""

    name = "hashing"
    english = False
    dimension = 256
    fingerprint = hashlib.sha256(b"words and trigrams, crc32, 256 signed buckets, 1").hexdigest()

    def __init__(self, argument: str = "") -> None:
        pass

    def embed_passages(self, texts: Sequence[str]) -> Vectors:
        return np.stack([self.embed_query(text) for text in texts]) if texts else np.empty((0, 256), np.float32)

    def embed_query(self, text: str) -> Vectors:
        vector = np.zeros(self.dimension, dtype=np.float32)
        for feature in _features(text):
            hashed = crc32(feature.encode("utf-8", "surrogatepass"))
            vector[hashed % self.dimension] += 1.0 if hashed & 0x80000000 else -1.0
        norm = float(np.linalg.norm(vector))
        if norm == 0.0:  # nothing to hash: any fixed unit vector will do
            vector[0] = norm = 1.0
        return vector / np.float32(norm)


def _features(text: str) -> list[str]:
    words = re.findall(r"\w+", text.lower())
    padded = [f" {word} " for word in words]
    trigrams = [word[start : start + 3] for word in padded for start in range(len(word) - 2)]
    return [f"w:{word}" for word in words for _ in range(2)] + [f"t:{trigram}" for trigram in trigrams]
