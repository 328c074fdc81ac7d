"""An index in a folder: FAISS for vectors, tantivy for words and texts, a manifest, generations, a lock."""

from __future__ import annotations

from dataclasses import dataclass

from askdoc.types import Passage


@dataclass(frozen=True, slots=True)
class PassageEntry:
    """A passage on its way into the rankings."""

    id: int  # never used again in this index
    document: int  # its document's id
    passage: Passage
