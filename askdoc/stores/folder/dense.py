"""Passages by meaning: FAISS. Ids are explicit, because FAISS shifts row numbers when rows are removed.

The structure follows from the number of passages. Up to `EXACT` a question is compared with every vector ("flat").
Beyond, they are packed: 8-bit codes in inverted lists, of which a question is compared with the `PROBES` nearest, and
beside them a flat part for what was added since ("IVF1000,SQ8 + flat", as FAISS writes it, with 1000 lists). When that
part grows too large, everything is packed anew: lists hold well only what they were trained on. Measured on passages of
20 subjects that came one after another, recall in lists that were trained on the first half was 0.99 for these and 0.63
for the others. Nothing here depends on chance; what was packed stays so, because codes cannot become exact again.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import faiss
import numpy as np

from askdoc.errors import IndexDamagedError
from askdoc.stores import REBUILD, Scored
from askdoc.stores.folder import PassageEntry
from askdoc.types import Query

if TYPE_CHECKING:
    import numpy.typing as npt

    from askdoc.types import Vectors

FILE = "vectors.faiss"
LISTS = "lists.faiss"
FLAT = "flat"
EXACT = 50_000  # passages that are compared one by one; 8 ms on one core
SHARE = 8  # or a so-manieth part of the packed ones, if that is more: packing anew gets dearer as they grow
POINTS = 40  # vectors that each list is trained on; FAISS asks for 39 at least
PROBES = 128
_THREADS = faiss.omp_get_max_threads()
_CHUNK = 10_000  # vectors that are unpacked at a time


def structure_today(structure: str) -> str:
    """The structure that an index of this structure is expected to have: its own, if it is one of ours."""
    return structure if re.fullmatch(rf"(IVF[1-9]\d*,SQ8 \+ )?{FLAT}", structure) else FLAT


class DenseIndex:
    """Search by inner product, which for unit vectors is the cosine; exact while the index is flat."""

    def __init__(self, folder: Path, *, dimension: int, create: bool = False) -> None:
        self._folder = folder
        self._dimension = dimension
        self._exact = _Part(folder / FILE, _flat(dimension) if create else None)
        packed = not create and (folder / LISTS).exists()
        self._lists = _Part(folder / LISTS) if packed else None
        for part in self._parts():
            if part.index.d != dimension:
                raise IndexDamagedError(
                    f"{part.path} holds vectors of {part.index.d} numbers, not {dimension}", hint=REBUILD
                )

    @property
    def structure(self) -> str:
        """How the vectors are kept, as `Recipe.structure` has it."""
        return FLAT if self._lists is None else f"IVF{self._lists.index.nlist},SQ8 + {FLAT}"

    def add(self, entries: Sequence[PassageEntry], vectors: Vectors) -> None:
        ids = np.array([entry.id for entry in entries], dtype=np.int64)
        self._exact.writable().add_with_ids(np.ascontiguousarray(vectors, dtype=np.float32), ids)
        if len(self._exact) > max(EXACT, (len(self) - len(self._exact)) // SHARE):
            self._pack()

    def remove(self, ids: Sequence[int]) -> None:
        wanted = np.array(ids, dtype=np.int64)
        for part in self._parts():
            if np.isin(part.ids(), wanted).any():
                _without_table(part.writable()).remove_ids(wanted)

    def search(self, query: Query, limit: int) -> list[Scored]:
        faiss.omp_set_num_threads(1)  # one question is no work for two: a thread that is waited for costs more
        found: list[Scored] = []
        for part in self._parts():
            scores, ids = part.index.search(query.vector[None, :], max(1, min(limit, len(part))))
            found += [Scored(int(id_), float(score)) for id_, score in zip(ids[0], scores[0], strict=True) if id_ >= 0]
        return sorted(found, key=lambda scored: (-scored.score, scored.id))[:limit]

    def vectors(self, ids: Sequence[int] | npt.NDArray[np.int64]) -> Vectors:
        """The vectors of passages, shape (ids, dimension); raises `KeyError` for an id that is not there.

        Packed ones come back rounded; packed again they become the same codes, so rounding never adds up.
        """
        wanted = np.array(ids, dtype=np.int64)
        rows: Vectors = np.empty((len(wanted), self._dimension), dtype=np.float32)
        left = np.ones(len(wanted), dtype=bool)
        for part in self._parts():
            here = left & np.isin(wanted, part.ids())
            rows[here] = part.vectors(wanted[here])
            left &= ~here
        if left.any():
            raise KeyError(wanted[left].tolist())
        return rows

    def save(self) -> None:
        for part in self._parts():
            part.save()

    def close(self) -> None:
        self._exact = _Part(self._folder / FILE, _flat(self._dimension))
        self._lists = None

    def __len__(self) -> int:
        return sum(map(len, self._parts()))

    def _parts(self) -> list[_Part]:
        return [self._exact] if self._lists is None else [self._exact, self._lists]

    def _pack(self) -> None:
        """Train lists on all vectors and move them there; unpacked are never more than the sample and a chunk."""
        faiss.omp_set_num_threads(_THREADS)
        ids = np.sort(np.concatenate([part.ids() for part in self._parts()]))
        new = _inverted(self._dimension, _lists_for(len(ids)))
        sample = np.linspace(0, len(ids) - 1, min(len(ids), new.nlist * POINTS)).astype(np.int64)
        new.train(self.vectors(ids[sample]))
        if self._lists is not None:  # the same scale gives the same codes
            faiss.copy_array_to_vector(faiss.vector_to_array(self._lists.index.sq.trained), new.sq.trained)
        for some in _chunks(ids):
            new.add_with_ids(self.vectors(some), some)
        packed, empty = _Part(self._folder / LISTS, new), _Part(self._folder / FILE, _flat(self._dimension))
        self._lists, self._exact = packed, empty  # both or, if the user interrupts, none


def _flat(dimension: int) -> Any:  # faiss has no types
    return faiss.IndexIDMap2(faiss.IndexFlatIP(dimension))


def _lists_for(passages: int) -> int:
    """Half as many lists as FAISS recommends, for training takes a quarter of the time; fewer where vectors are few."""
    return max(1, min(int(2 * math.sqrt(passages)), passages // POINTS))


def _inverted(dimension: int, lists: int) -> Any:
    new = faiss.IndexIVFScalarQuantizer(
        faiss.IndexFlatIP(dimension),
        dimension,
        lists,
        faiss.ScalarQuantizer.QT_8bit,
        faiss.METRIC_INNER_PRODUCT,
        False,  # codes of the vectors themselves, not of what sets them off from their list: as good, and simpler
    )
    new.nprobe = PROBES
    new.sq.rangestat_arg = 0.1  # room on the scale of each number, on either side, for what comes later
    new.cp.min_points_per_centroid = 1  # where FAISS would print a warning
    return new


def _is_inverted(index: Any) -> bool:
    return isinstance(index, faiss.IndexIVFScalarQuantizer)


class _Part:
    """A FAISS index and its file. index: a new one; None: the one in the file.

    The file is mapped: what a question does not touch is not read, and the memory is the system's page cache.
    """

    def __init__(self, path: Path, index: Any = None) -> None:
        self.path = path
        self.index: Any = _read(path, faiss.IO_FLAG_MMAP_IFC) if index is None else index
        self._mapped = index is None
        self._changed = index is not None

    def writable(self) -> Any:
        """The index in memory, to be changed. FAISS ends the process when a mapped one is."""
        if self._mapped:
            self.index = _read(self.path)
            self._mapped = False
        self._changed = True
        return self.index

    def ids(self) -> npt.NDArray[np.int64]:
        """The ids that it holds, in no order."""
        if not _is_inverted(self.index):
            held: npt.NDArray[np.int64] = faiss.vector_to_array(self.index.id_map)
            return held
        lists = self.index.invlists
        sizes = ((number, lists.list_size(number)) for number in range(lists.nlist))
        held_by_lists = [faiss.rev_swig_ptr(lists.get_ids(number), size) for number, size in sizes if size]
        return np.concatenate([np.empty(0, dtype=np.int64), *held_by_lists])

    def vectors(self, ids: npt.NDArray[np.int64]) -> Vectors:
        """Vectors by ids that it holds, shape (ids, dimension)."""
        if _is_inverted(self.index) and self.index.direct_map.type != self.index.direct_map.Hashtable:
            self.index.set_direct_map_type(self.index.direct_map.Hashtable)  # id → place, only for who needs it
        rows: Vectors = self.index.reconstruct_batch(ids)
        return rows

    def save(self) -> None:
        if not self._changed:
            return
        # Beside and renamed: the file may be linked to from the generation before this one.
        beside = self.path.with_suffix(".new")
        self.path.parent.mkdir(parents=True, exist_ok=True)
        faiss.write_index(_without_table(self.index), str(beside))
        beside.replace(self.path)
        self._changed = False

    def __len__(self) -> int:
        return int(self.index.ntotal)


def _read(path: Path, flags: int = 0) -> Any:
    try:
        index: Any = faiss.read_index(str(path), flags)
    except RuntimeError as error:
        raise IndexDamagedError(f"{path} cannot be read as vectors", hint=REBUILD) from error
    if _is_inverted(index):
        index.nprobe = PROBES
    return index


def _without_table(index: Any) -> Any:
    """Drop the table that finds packed vectors by id: it slows removing and opening down."""
    if _is_inverted(index):
        index.set_direct_map_type(index.direct_map.NoMap)
    return index


def _chunks(ids: npt.NDArray[np.int64]) -> Iterator[npt.NDArray[np.int64]]:
    for first in range(0, len(ids), _CHUNK):
        yield ids[first : first + _CHUNK]
