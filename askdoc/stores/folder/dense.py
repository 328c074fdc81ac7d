"""The dense ranking, by meaning: FAISS. Ids are explicit, because FAISS shifts row numbers when rows are removed.

The structure depends on the number of passages. Up to `EXACT`, a question is compared with every vector ("flat").
Beyond, vectors are packed: 8-bit codes in inverted lists, of which a question is compared with the `PROBES` nearest,
plus a flat index of the vectors added since ("IVF1000,SQ8 + flat" in FAISS's notation, with 1000 lists). When the flat
index grows too large, everything is packed again, because lists work well only for vectors like those they were trained
on: with passages of 20 subjects in sequence, and lists trained on the first half, recall was 0.99 for the first half
and 0.63 for the second. Nothing here is random. Packed vectors stay packed, because codes cannot become exact again.
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
EXACT = 50_000  # largest number of flat vectors; comparing them takes 8 ms on one core
SHARE = 8  # or 1/SHARE of the packed vectors, if that is more: repacking costs more as the index grows
POINTS = 40  # training vectors for each list; FAISS asks for at least 39
PROBES = 128  # lists that a question is compared with
_THREADS = faiss.omp_get_max_threads()
_CHUNK = 10_000  # vectors that are unpacked at a time


def structure_today(structure: str) -> str:
    """The structure itself, if this version of askdoc can open it, else that of a new index."""
    return structure if re.fullmatch(rf"(IVF[1-9]\d*,SQ8 \+ )?{FLAT}", structure) else FLAT


class DenseIndex:
    """Search by inner product, which for unit vectors is the cosine; exact while the index is flat."""

    def __init__(self, folder: Path, *, dimension: int, create: bool = False) -> None:
        self._folder = folder
        self._dimension = dimension
        self._exact = _IndexFile(folder / FILE, _flat(dimension) if create else None)
        packed = not create and (folder / LISTS).exists()
        self._lists = _IndexFile(folder / LISTS) if packed else None
        for file in self._files():
            if file.index.d != dimension:
                raise IndexDamagedError(
                    f"{file.path} holds vectors of {file.index.d} numbers, not {dimension}", hint=REBUILD
                )

    @property
    def structure(self) -> str:
        """How the vectors are stored, as in `Recipe.structure`."""
        return FLAT if self._lists is None else f"IVF{self._lists.index.nlist},SQ8 + {FLAT}"

    def add(self, entries: Sequence[PassageEntry], vectors: Vectors) -> None:
        """Add passages. vectors: shape (entries, dimension)."""
        ids = np.array([entry.id for entry in entries], dtype=np.int64)
        self._exact.writable().add_with_ids(np.ascontiguousarray(vectors, dtype=np.float32), ids)
        if len(self._exact) > max(EXACT, (len(self) - len(self._exact)) // SHARE):
            self._pack()

    def remove(self, ids: Sequence[int]) -> None:
        wanted = np.array(ids, dtype=np.int64)
        for file in self._files():
            if np.isin(file.ids(), wanted).any():
                _without_table(file.writable()).remove_ids(wanted)

    def search(self, query: Query, limit: int) -> list[Scored]:
        faiss.omp_set_num_threads(1)  # for one question, waiting for a second thread costs more than it saves
        hits: list[Scored] = []
        for file in self._files():
            scores, ids = file.index.search(query.vector[None, :], max(1, min(limit, len(file))))
            hits += [Scored(int(id_), float(score)) for id_, score in zip(ids[0], scores[0], strict=True) if id_ >= 0]
        return sorted(hits, key=lambda scored: (-scored.score, scored.id))[:limit]

    def vectors(self, ids: Sequence[int] | npt.NDArray[np.int64]) -> Vectors:
        """The vectors of passages, shape (ids, dimension); raises `KeyError` for an unknown id.

        Packed vectors come back rounded. Packed again, they become the same codes, so rounding never adds up.
        """
        wanted = np.array(ids, dtype=np.int64)
        rows: Vectors = np.empty((len(wanted), self._dimension), dtype=np.float32)
        missing = np.ones(len(wanted), dtype=bool)
        for file in self._files():
            here = missing & np.isin(wanted, file.ids())
            rows[here] = file.vectors(wanted[here])
            missing &= ~here
        if missing.any():
            raise KeyError(wanted[missing].tolist())
        return rows

    def save(self) -> None:
        for file in self._files():
            file.save()

    def close(self) -> None:
        self._exact = _IndexFile(self._folder / FILE, _flat(self._dimension))
        self._lists = None

    def __len__(self) -> int:
        return sum(map(len, self._files()))

    def _files(self) -> list[_IndexFile]:
        return [self._exact] if self._lists is None else [self._exact, self._lists]

    def _pack(self) -> None:
        """Train lists on a sample and move all vectors there, unpacking one chunk at a time."""
        faiss.omp_set_num_threads(_THREADS)
        ids = np.sort(np.concatenate([file.ids() for file in self._files()]))
        new = _inverted(self._dimension, _lists_for(len(ids)))
        sample = np.linspace(0, len(ids) - 1, min(len(ids), new.nlist * POINTS)).astype(np.int64)
        new.train(self.vectors(ids[sample]))
        if self._lists is not None:  # the same scale gives the same codes
            faiss.copy_array_to_vector(faiss.vector_to_array(self._lists.index.sq.trained), new.sq.trained)
        for chunk in _chunks(ids):
            new.add_with_ids(self.vectors(chunk), chunk)
        packed, empty = _IndexFile(self._folder / LISTS, new), _IndexFile(self._folder / FILE, _flat(self._dimension))
        self._lists, self._exact = packed, empty  # in one statement, so that an interrupt leaves both or neither


def _flat(dimension: int) -> Any:  # faiss has no types
    return faiss.IndexIDMap2(faiss.IndexFlatIP(dimension))


def _lists_for(passages: int) -> int:
    """Half as many lists as FAISS recommends, because training takes a quarter of the time; fewer for few vectors."""
    return max(1, min(int(2 * math.sqrt(passages)), passages // POINTS))


def _inverted(dimension: int, lists: int) -> Any:
    new = faiss.IndexIVFScalarQuantizer(
        faiss.IndexFlatIP(dimension),
        dimension,
        lists,
        faiss.ScalarQuantizer.QT_8bit,
        faiss.METRIC_INNER_PRODUCT,
        False,  # code the vectors themselves, not their residuals: as good, and simpler
    )
    new.nprobe = PROBES
    new.sq.rangestat_arg = 0.1  # margin on both sides of each number's range, for later vectors
    new.cp.min_points_per_centroid = 1  # or FAISS prints a warning
    return new


def _is_inverted(index: Any) -> bool:
    return isinstance(index, faiss.IndexIVFScalarQuantizer)


class _IndexFile:
    """A FAISS index and its file. index: a new index; None: read it from the file.

    The file is mapped: only what a question needs is read, and the memory is the system's page cache.
    """

    def __init__(self, path: Path, index: Any = None) -> None:
        self.path = path
        self.index: Any = _read(path, faiss.IO_FLAG_MMAP_IFC) if index is None else index
        self._mapped = index is None
        self._changed = index is not None

    def writable(self) -> Any:
        """The index in memory, to be changed. FAISS ends the process if a mapped index is changed."""
        if self._mapped:
            self.index = _read(self.path)
            self._mapped = False
        self._changed = True
        return self.index

    def ids(self) -> npt.NDArray[np.int64]:
        """The ids in the index, in no order."""
        if not _is_inverted(self.index):
            ids: npt.NDArray[np.int64] = faiss.vector_to_array(self.index.id_map)
            return ids
        lists = self.index.invlists
        sizes = ((number, lists.list_size(number)) for number in range(lists.nlist))
        ids_by_list = [faiss.rev_swig_ptr(lists.get_ids(number), size) for number, size in sizes if size]
        return np.concatenate([np.empty(0, dtype=np.int64), *ids_by_list])

    def vectors(self, ids: npt.NDArray[np.int64]) -> Vectors:
        """The vectors with these ids, shape (ids, dimension); the index must have them all."""
        if _is_inverted(self.index) and self.index.direct_map.type != self.index.direct_map.Hashtable:
            self.index.set_direct_map_type(self.index.direct_map.Hashtable)  # table of ids, made only when needed
        rows: Vectors = self.index.reconstruct_batch(ids)
        return rows

    def save(self) -> None:
        if not self._changed:
            return
        # A new file, then renamed: the present file may be shared with the generation before.
        new = self.path.with_suffix(".new")
        self.path.parent.mkdir(parents=True, exist_ok=True)
        faiss.write_index(_without_table(self.index), str(new))
        new.replace(self.path)
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
    """Drop the table that finds packed vectors by id: it slows down removing and opening."""
    if _is_inverted(index):
        index.set_direct_map_type(index.direct_map.NoMap)
    return index


def _chunks(ids: npt.NDArray[np.int64]) -> Iterator[npt.NDArray[np.int64]]:
    for first in range(0, len(ids), _CHUNK):
        yield ids[first : first + _CHUNK]
