"""Stand-ins that remember how they were used."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from askdoc.embedders.hashing import HashingEmbedder

if TYPE_CHECKING:
    from askdoc.types import Vectors


class CountingEmbedder(HashingEmbedder):
    """Remembers which passages it embedded. In the table of embedders as "counting"."""

    name = "counting"
    fingerprint = "c0" * 32
    embedded: list[str] = []  # noqa: RUF012  # one list for all: the build opens its own instance

    def embed_passages(self, texts: Sequence[str]) -> Vectors:
        self.embedded.extend(texts)
        return super().embed_passages(texts)
