"""Where an index lives. A store gives readers, each of a fixed state, and one writer at a time.

To add a store: write a module with a class that fits `IndexStore` and takes an address, and add a line to `STORES`: the
prefix of its addresses (such as "postgresql://") and the class. An address without a prefix is a folder's path. The
contract suite (`tests/contracts/test_stores.py`) runs on every line of the table.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, TypeAlias, cast

from askdoc.errors import IndexMismatchError, IndexMissingError, UsageError
from askdoc.readers import DEFAULT as DEFAULT_READER
from askdoc.sources.changes import Known
from askdoc.sources.selection import Selection
from askdoc.types import DocumentEntry, Failed, LeftOut, Passage, Query, Skipped, Source

if TYPE_CHECKING:
    from askdoc.embedders import Embedder
    from askdoc.types import Vectors

FOLDER = "index"
ENVIRONMENT = "ASKDOC_INDEX"
REBUILD = "build it again: askdoc index --rebuild PATH…"

Address: TypeAlias = Path | str


@dataclass(frozen=True, slots=True)
class Recipe:
    """All that decides what an index holds, given its documents. Indexes of different recipes cannot be mixed."""

    embedder: str  # its name
    fingerprint: str  # sha256 of its weights, hexadecimal
    dimension: int  # of a vector
    splitter: str  # version of the rules that turn documents into passages
    analyser: str  # version of the rules that turn passages into words
    structure: str  # how the vectors are stored


@dataclass(frozen=True, slots=True)
class Scored:
    """A passage's id and its score in a ranking; higher is better."""

    id: int
    score: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """What an index is, without its documents."""

    created: str = ""  # when this state was committed, ISO 8601
    recipe: Recipe
    root: Path  # absolute; the folder that document paths start from
    paths: tuple[str, ...] = ()  # indexed files and folders, relative to the root; none: documents without files
    selection: Selection = field(default_factory=Selection)  # which files in these folders
    reader: str = DEFAULT_READER  # name of the reader to ask with
    reader_fingerprint: str = ""  # of a reader in a folder of its own; empty for others
    unread: int = 0  # documents still to be read; not 0 if indexing was interrupted


class IndexState(Protocol):
    """One committed state of an index. Later commits do not change it."""

    @property
    def head(self) -> Head: ...
    @property
    def version(self) -> int:
        """A number that rises with every commit."""

    @property
    def format(self) -> int:
        """The version of the store's format."""

    def documents(self) -> Sequence[DocumentEntry]:
        """All documents, sorted by path."""

    def known(self) -> Known:
        """What the index knows of its files, for `find_changes`."""

    def skipped(self) -> tuple[Skipped, ...]:
        """Files that were left out, by path: all that failed, and examples for each other reason."""

    def reasons(self) -> Mapping[str, int]:
        """The number of files left out for each reason, the most frequent first."""

    def size(self) -> int:
        """Bytes on disk."""

    def damage(self) -> list[str]:
        """The names of the parts that are not as they were written; reads all parts."""


class IndexReader(IndexState, Protocol):
    """A state that can be asked, by several threads at once."""

    def rankings(self, query: Query, limit: int) -> dict[str, list[Scored]]:
        """The rankings for a query, by their names: at most `limit` passages each, best first; ties by id."""

    def passages(self, ids: Sequence[int]) -> dict[int, Passage]:
        """Passages by their ids; unknown ids are left out."""

    def paths(self, ids: Sequence[int]) -> dict[int, str]:
        """The document paths of passages, by passage id; unknown ids are left out."""

    def close(self) -> None:
        """Release files and memory."""


class IndexWriter(Protocol):
    """Changes an index. All changes take effect with `commit`; nothing undoes a commit.

    Leaving the `with` block without a commit leaves the index as it was last committed.
    """

    @property
    def before(self) -> Head | None:
        """The head of the index when the writer was opened; None for a new or rebuilt index."""

    @property
    def version(self) -> int:
        """The version that was last committed; 0 for a new or rebuilt index."""

    @property
    def uncommitted(self) -> int:
        """The number of passages put since the last commit."""

    def begin(self, head: Head) -> Known:
        """Set the head of the index; call this first. Returns what is known of its files, relative to the new root."""

    def vectors_of(self, texts: Sequence[str]) -> dict[str, Vectors]:
        """The vectors, each of shape (dimension,), of those texts that are passages of the index already."""

    def put(
        self, source: Source, batches: Iterable[tuple[Sequence[Passage], Vectors]], remarks: tuple[str, ...] = ()
    ) -> None:
        """Add a document, or replace the document with the same path.

        batches: its passages, each batch with its vectors, shape (passages, dimension). If `batches` raises, the next
        commit holds nothing of the document.
        """

    def keep(self, entry: DocumentEntry, source: Source) -> None:
        """Keep a document, but change its source: the path, or the time of its file."""

    def drop(self, entries: Iterable[DocumentEntry]) -> None:
        """Remove documents."""

    def leave_out(self, failed: Iterable[Failed], left_out: Iterable[LeftOut]) -> None:
        """Set the files that could not be read, and the other files left out; replaces what was set before."""

    def commit(self, *, unread: int = 0, settle: bool = False) -> Head:
        """Make the changes the new state of the index, if there are any. unread: documents that are still to be read.

        settle: commit even without changes, for a later date: files modified shortly before it are hashed each time.
        """


class IndexStore(Protocol):
    """An index at an address, which may not exist yet."""

    @property
    def address(self) -> str:
        """The address as the user would type it, without a password."""

    def exists(self) -> bool:
        """Is there an index? Raises nothing."""

    def stamp(self) -> object:
        """A value that differs after each commit; quicker than `state`. Raises nothing."""

    def state(self) -> IndexState:
        """The last committed state, without its rankings. Raises `AskdocError` if there is no index."""

    def open(self) -> IndexReader:
        """The last committed state, ready to be asked. Raises `AskdocError` if there is no index, or it is damaged."""

    def check(self) -> None:
        """Raise what `open` would raise."""

    def writing(self, *, wait: float = 10.0, fresh: bool = False) -> AbstractContextManager[IndexWriter]:
        """Hold the index for writing. wait: seconds to wait for another writer before `IndexBusyError`.

        fresh: start with an empty index, also if there is one. Raises `WriteError` if the system cannot write.
        """

    def recipe(self, embedder: Embedder, structure: str = "") -> Recipe:
        """The recipe of an index made here today with this embedder. structure: that of the existing index."""

    def default_root(self, paths: Sequence[Path]) -> Path:
        """The folder that document paths start from, if the user names none."""


# prefix of an address → "module:attribute"
STORES: Mapping[str, str] = {"": "askdoc.stores.folder.store:FolderStore"}


def open_store(address: Address) -> IndexStore:
    """The store at an address. Raises `UsageError` for a kind of address that askdoc does not know."""
    scheme, separator, _ = str(address).partition("://")
    prefix = scheme + separator if separator and not isinstance(address, Path) else ""
    if prefix not in STORES:
        known = ", ".join(filter(None, STORES)) or "none"
        raise UsageError(f"askdoc has no store for {address}", hint=f"give a folder (other kinds of store: {known})")
    module, _, attribute = STORES[prefix].partition(":")
    return cast(Callable[[Address], IndexStore], getattr(import_module(module), attribute))(address)


def find_index(start: Path | None = None) -> Address:
    """The address of the index: `ASKDOC_INDEX`, else the nearest `index/` with an index from `start` upwards.

    Raises `IndexMissingError` if there is none.
    """
    named = os.environ.get(ENVIRONMENT)
    if named:
        return named if "://" in named else Path(named)
    here = (start or Path.cwd()).absolute()
    for folder in (here, *here.parents):
        if open_store(folder / FOLDER).exists():
            return folder / FOLDER
    raise IndexMissingError(f"there is no index in {here} or above it", hint="make one: askdoc index PATH…")


def check_recipe(address: str, made: Recipe, wanted: Recipe) -> None:
    """Raise `IndexMismatchError` if the index was made with other weights or settings than are wanted.

    A different name of the embedder is fine: the same weights may have moved.
    """
    if made.fingerprint != wanted.fingerprint:
        raise IndexMismatchError(
            f"the index in {address} was made with another embedder ({made.embedder}) than this one ({wanted.embedder})"
            if made.embedder != wanted.embedder
            else f"the index in {address} was made with other weights of {made.embedder} than these",
            hint="build it again: askdoc index --rebuild",
        )
    for name in ("dimension", "splitter", "analyser", "structure"):
        was, now = getattr(made, name), getattr(wanted, name)
        if was != now:
            raise IndexMismatchError(
                f"the index in {address} was made with {name} {was!r}, this askdoc uses {now!r}",
                hint="build it again: askdoc index --rebuild",
            )
