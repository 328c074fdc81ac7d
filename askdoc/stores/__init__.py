"""Where an index lives. A store gives a reader of a fixed state, and a writer, one at a time.

To add one: write a module with a class that fits `IndexStore` and takes an address, and add a line to `STORES`: the
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
    """All that decides what an index holds, given its documents. Another recipe needs another index."""

    embedder: str  # its name
    fingerprint: str  # sha256 of its weights
    dimension: int  # of a vector
    splitter: str  # the rules by which text becomes passages
    analyser: str  # the rules by which passages become words
    structure: str  # how the vectors are kept


@dataclass(frozen=True, slots=True)
class Scored:
    """A passage's id and the score that a ranking gives it; higher is better."""

    id: int
    score: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """What an index is, without its documents."""

    created: str = ""  # when this state was committed, ISO 8601
    recipe: Recipe
    root: Path  # absolute; the folder that document paths start from
    paths: tuple[str, ...] = ()  # what a person asked to index, relative to the root; none: documents without files
    selection: Selection = field(default_factory=Selection)  # which files in them
    reader: str = DEFAULT_READER  # the name of the one to ask with
    reader_fingerprint: str = ""  # of a reader in a folder of its own; empty for others
    unread: int = 0  # documents that were still to be read when this was committed; not 0 where it was interrupted


class IndexState(Protocol):
    """What was committed at some time: what a writer commits meanwhile does not change it."""

    @property
    def head(self) -> Head: ...
    @property
    def version(self) -> int:
        """Rises with every commit."""

    @property
    def format(self) -> int:
        """Of what the store writes."""

    def documents(self) -> Sequence[DocumentEntry]:
        """All documents, by path."""

    def known(self) -> Known:
        """What the index knows of its files, for `find_changes`."""

    def skipped(self) -> tuple[Skipped, ...]:
        """The files that were left out, by path: all that failed, and of the others some examples for each reason."""

    def reasons(self) -> Mapping[str, int]:
        """How many files were left out for each reason, the most frequent first."""

    def size(self) -> int:
        """Bytes on the disk."""

    def damage(self) -> list[str]:
        """The parts that are not as they were written; reads all of them."""


class IndexReader(IndexState, Protocol):
    """A state that can be asked, by several threads at once."""

    def rankings(self, query: Query, limit: int) -> dict[str, list[Scored]]:
        """By the name of the ranking, its best passages, best first, at most `limit`; ties by id."""

    def passages(self, ids: Sequence[int]) -> dict[int, Passage]:
        """Passages by their ids; ids that are not there are left out."""

    def paths(self, ids: Sequence[int]) -> dict[int, str]:
        """The document paths of passages, by passage id."""

    def close(self) -> None:
        """Let go of files and memory."""


class IndexWriter(Protocol):
    """Changes an index. What was put and dropped takes effect with `commit`; what is committed stays.

    Leaving the `with` block without a commit leaves the index as it was last committed.
    """

    @property
    def before(self) -> Head | None:
        """The state that the writer began with; None if there was none, or none is wanted."""

    @property
    def version(self) -> int:
        """Of that state; 0 if there was none."""

    @property
    def uncommitted(self) -> int:
        """Passages that were put since the last commit."""

    def begin(self, head: Head) -> Known:
        """State what the index is from now on; to be called first. Gives what is known, under the head's root."""

    def vectors_of(self, texts: Sequence[str]) -> dict[str, Vectors]:
        """The vectors, each of shape (dimension,), of those texts that passages of the index have already."""

    def put(
        self, source: Source, batches: Iterable[tuple[Sequence[Passage], Vectors]], remarks: tuple[str, ...] = ()
    ) -> None:
        """Add a document in place of the one with the same path: its passages in batches, with their vectors.

        If that does not come to its end, the next commit has nothing of it.
        """

    def keep(self, entry: DocumentEntry, source: Source) -> None:
        """The document is the same, but its source is another: its path, or its file's time."""

    def drop(self, entries: Iterable[DocumentEntry]) -> None:
        """Remove documents."""

    def leave_out(self, failed: Iterable[Failed], left_out: Iterable[LeftOut]) -> None:
        """State what was tried in vain, and what was not tried; in place of what was stated before."""

    def commit(self, *, unread: int = 0, settle: bool = False) -> Head:
        """Make all of this the index's state, if anything changed. unread: documents that are still to be read.

        settle: commit in any case; the later date settles which files are as they were.
        """


class IndexStore(Protocol):
    """An index at an address, which may not exist yet."""

    @property
    def address(self) -> str:
        """As a person would type it, without a password."""

    def exists(self) -> bool:
        """Is there an index? Raises nothing."""

    def stamp(self) -> object:
        """Another value after each commit; quicker than `state`. Raises nothing."""

    def state(self) -> IndexState:
        """What was committed last, without what it takes to ask it. Raises `AskdocError` if there is no index."""

    def open(self) -> IndexReader:
        """What was committed last, to be asked. Raises `AskdocError` if there is no index, or it is damaged."""

    def check(self) -> None:
        """Raise what `open` would."""

    def writing(self, *, wait: float = 10.0, fresh: bool = False) -> AbstractContextManager[IndexWriter]:
        """Hold the index for writing. wait: seconds for another writer before `IndexBusyError`.

        fresh: begin with nothing, whatever is there. Where the system cannot write, that is a `WriteError`.
        """

    def recipe(self, embedder: Embedder, structure: str = "") -> Recipe:
        """What an index made here today with this embedder is made of. structure: what its size has made of it."""

    def default_root(self, paths: Sequence[Path]) -> Path:
        """The folder that document paths should start from, if a person names none."""


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
    """Where the index is: `ASKDOC_INDEX`, else the nearest `index/` with an index from `start` upwards.

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
    """Raise `IndexMismatchError` if the index was made with other weights or settings than these.

    The embedder's name does not matter: the same weights may have moved.
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
