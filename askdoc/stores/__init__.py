"""Indexes find passages. Each keeps its own files in its own folder of a generation of the index.

To add one: write `indexes/NAME.py` with a class that fits `PassageIndex`, and add a line to `INDEXES`.
The contract suite (`tests/contracts/test_indexes.py`) runs on it at once.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, cast

from askdoc.types import Passage, Query

if TYPE_CHECKING:
    from askdoc.types import Vectors


REBUILD = "build it again: askdoc index --rebuild PATH…"


@dataclass(frozen=True, slots=True)
class Entry:
    """A passage on its way into the indexes. id: unique in the index, never used again. document: its document's id."""

    id: int
    document: int
    passage: Passage


@dataclass(frozen=True, slots=True)
class Scored:
    """A passage's id and the score that an index gives it; higher is better."""

    id: int
    score: float


class PassageIndex(Protocol):
    """Finds passages by id. Opened on a folder; `add` and `remove` take effect in that folder with `save`."""

    def add(self, entries: Sequence[Entry], vectors: Vectors) -> None:
        """Add passages with their vectors, shape (entries, dimension)."""

    def remove(self, ids: Sequence[int]) -> None:
        """Remove passages; ids that are not there are ignored."""

    def search(self, query: Query, limit: int) -> list[Scored]:
        """The best passages, best first, at most `limit`; ties by id, so that the order is reproducible."""

    def save(self) -> None:
        """Write what was added and removed to the folder."""

    def close(self) -> None:
        """Let go of files and memory."""

    def __len__(self) -> int:
        """How many passages it holds."""


class OpenIndex(Protocol):
    """Opens the index in `folder`; with `create`, makes an empty one for vectors of `dimension`."""

    def __call__(self, folder: Path, *, dimension: int, create: bool = False) -> PassageIndex: ...


# name → "module:attribute"; the name is also its folder's, and its key in `Hit.ranks`
INDEXES: Mapping[str, str] = {
    "dense": "askdoc.stores.folder.dense:DenseIndex",
    "lexical": "askdoc.stores.folder.lexical:LexicalIndex",
}


def open_index(name: str) -> OpenIndex:
    """The class of an index, by its name."""
    module, _, attribute = INDEXES[name].partition(":")
    return cast(OpenIndex, getattr(import_module(module), attribute))
