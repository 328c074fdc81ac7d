"""Passages by meaning: FAISS. Ids are explicit, because FAISS shifts row numbers when rows are removed."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import faiss
import numpy as np

from askdoc.errors import IndexDamagedError
from askdoc.indexes import REBUILD, Entry, Scored
from askdoc.types import Query

if TYPE_CHECKING:
    from askdoc.types import Vectors

FILE = "vectors.faiss"
STRUCTURE = "flat"  # FAISS compares a question with every vector


class DenseIndex:
    """Exact search by inner product, which for unit vectors is the cosine."""

    def __init__(self, folder: Path, *, dimension: int, create: bool = False) -> None:
        self._path = folder / FILE
        self._index: Any = faiss.IndexIDMap2(faiss.IndexFlatIP(dimension)) if create else _read(self._path)
        if self._index.d != dimension:
            raise IndexDamagedError(
                f"{self._path} holds vectors of {self._index.d} numbers, not {dimension}", hint=REBUILD
            )
        self._changed = create

    def add(self, entries: Sequence[Entry], vectors: Vectors) -> None:
        ids = np.array([entry.id for entry in entries], dtype=np.int64)
        self._changed = True
        self._index.add_with_ids(np.ascontiguousarray(vectors, dtype=np.float32), ids)

    def remove(self, ids: Sequence[int]) -> None:
        self._changed = True
        self._index.remove_ids(np.array(ids, dtype=np.int64))

    def search(self, query: Query, limit: int) -> list[Scored]:
        limit = min(limit, len(self))
        if limit == 0:
            return []
        scores, ids = self._index.search(query.vector[None, :], limit)
        found = [Scored(int(id_), float(score)) for id_, score in zip(ids[0], scores[0], strict=True) if id_ >= 0]
        return sorted(found, key=lambda scored: (-scored.score, scored.id))

    def vectors(self, ids: Sequence[int]) -> Vectors:
        """The vectors of passages, shape (ids, dimension); raises `KeyError` for an id that is not there."""
        try:
            rows: Vectors = self._index.reconstruct_batch(np.array(ids, dtype=np.int64))
        except RuntimeError as error:
            raise KeyError(ids) from error
        return rows

    def save(self) -> None:
        if not self._changed:
            return
        # Beside and renamed: the file may be linked to from the generation before this one.
        beside = self._path.with_suffix(".new")
        self._path.parent.mkdir(parents=True, exist_ok=True)
        faiss.write_index(self._index, str(beside))
        beside.replace(self._path)
        self._changed = False

    def close(self) -> None:
        self._index.reset()

    def __len__(self) -> int:
        return int(self._index.ntotal)


def _read(path: Path) -> Any:  # faiss has no types
    try:
        return faiss.read_index(str(path))
    except RuntimeError as error:
        raise IndexDamagedError(f"{path} cannot be read as vectors", hint=REBUILD) from error
