"""An index in a folder: FAISS for vectors, tantivy for words and texts, a manifest, generations, a lock."""

from __future__ import annotations

from dataclasses import dataclass

from askdoc.types import Passage


@dataclass(frozen=True, slots=True)
class PassageEntry:
    """A passage to be added to the rankings."""

    id: int  # an index never gives the same id twice
    document: int  # its document's id
    passage: Passage
