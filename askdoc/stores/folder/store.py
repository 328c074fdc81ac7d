"""The folder store: an index in a folder."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cached_property
from math import inf
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from askdoc.errors import AskdocError
from askdoc.passages.split import SPLITTER
from askdoc.sources.changes import Known
from askdoc.stores import Address, Head, Recipe, Scored
from askdoc.stores.folder.dense import DenseIndex, structure_today
from askdoc.stores.folder.generations import (
    Draft,
    begin,
    check,
    damaged_files,
    generation_folder,
    refuse_foreign,
    write_errors,
)
from askdoc.stores.folder.lexical import ANALYSER, LexicalIndex
from askdoc.stores.folder.lock import locked
from askdoc.stores.folder.manifest import FORMAT, MANIFEST, Manifest, has_manifest, read_manifest
from askdoc.stores.folder.writer import FolderWriter
from askdoc.types import DocumentEntry, Passage, Query, Skipped

if TYPE_CHECKING:
    from askdoc.embedders import Embedder

RETRIES = 5  # attempts to open an index whose generation is replaced meanwhile
_Opened = TypeVar("_Opened")


class FolderStore:
    """The index in a folder."""

    def __init__(self, address: Address) -> None:
        self.folder = Path(os.path.expanduser(address))  # noqa: PTH111  # Path's own raises for an unknown user's home

    @property
    def address(self) -> str:
        here = Path.cwd()
        return str(self.folder.relative_to(here) if self.folder.is_relative_to(here) else self.folder)

    def exists(self) -> bool:
        return has_manifest(self.folder)

    def stamp(self) -> object:
        try:
            status = (self.folder / MANIFEST).stat()
        except OSError:
            return None
        return status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns

    def state(self) -> FolderState:
        return FolderState(self.folder, read_manifest(self.folder))

    def open(self) -> FolderReader:
        return self._with_current(lambda manifest: FolderReader(self.folder, manifest))

    def check(self) -> None:
        self._with_current(lambda manifest: None)

    def recipe(self, embedder: Embedder, structure: str = "") -> Recipe:
        structure = structure_today(structure)
        return Recipe(embedder.name, embedder.fingerprint, embedder.dimension, SPLITTER, ANALYSER, structure)

    def default_root(self, paths: Sequence[Path]) -> Path:
        """The folder that holds the index, if it holds all paths too, else the deepest folder that does."""
        parent = self.folder.resolve().parent
        if all(path.is_relative_to(parent) for path in paths):
            return parent
        common = Path(os.path.commonpath([str(path) for path in paths]))
        return common if common.is_dir() else common.parent

    @contextmanager
    def writing(self, *, wait: float = 10.0, fresh: bool = False) -> Iterator[FolderWriter]:
        with write_errors(self.folder):
            refuse_foreign(self.folder)
        with locked(self.folder, wait):
            manifest = None if fresh or not self.exists() else read_manifest(self.folder)
            draft = Draft(self.folder)
            writer = FolderWriter(draft, manifest)
            try:
                with write_errors(self.folder):
                    begin(draft, manifest)
                    yield writer
            finally:
                writer.close()
                if not self._is_committed(draft.number):
                    draft.remove()

    def _with_current(self, use: Callable[[Manifest], _Opened]) -> _Opened:
        """Check and use the generation that the manifest names; if a writer replaces it meanwhile, the next one."""
        for attempt in range(RETRIES):
            manifest = read_manifest(self.folder)
            try:
                check(self.folder, manifest)
                return use(manifest)
            except AskdocError:
                if attempt == RETRIES - 1 or self.state().version == manifest.generation:
                    raise
        raise AssertionError  # not reached: the last attempt returns or raises

    def _is_committed(self, number: int) -> bool:
        try:
            return self.state().version == number
        except AskdocError:
            return False


class FolderState:
    """The state of an index folder that a manifest describes."""

    format = FORMAT

    def __init__(self, folder: Path, manifest: Manifest) -> None:
        self.folder, self.manifest = folder, manifest
        self.version = manifest.generation

    @cached_property
    def head(self) -> Head:
        return self.manifest.head(self.folder)

    def documents(self) -> Sequence[DocumentEntry]:
        return self.manifest.documents

    def known(self) -> Known:
        return self.manifest.known(self.folder)

    def skipped(self) -> tuple[Skipped, ...]:
        return self.manifest.skipped()

    def reasons(self) -> Mapping[str, int]:
        return self.manifest.reasons()

    def size(self) -> int:
        return sum(file.size for file in self.manifest.files.values())

    def damage(self) -> list[str]:
        return damaged_files(self.folder, self.manifest, hashed_up_to=inf)


class FolderReader(FolderState):
    """An open generation of an index folder. It holds its files open, so they may be removed meanwhile."""

    def __init__(self, folder: Path, manifest: Manifest) -> None:
        super().__init__(folder, manifest)
        generation = generation_folder(folder, manifest.generation)
        self._sources = {entry.id: entry.source for entry in manifest.documents}
        self.dense = DenseIndex(generation / "dense", dimension=manifest.recipe.dimension)
        self.lexical = LexicalIndex(generation / "lexical")

    def rankings(self, query: Query, limit: int) -> dict[str, list[Scored]]:
        return {"dense": self.dense.search(query, limit), "lexical": self.lexical.search(query, limit)}

    def passages(self, ids: Sequence[int]) -> dict[int, Passage]:
        passages = self.lexical.passages(ids)
        return {id_: stored.passage(self._sources[stored.document]) for id_, stored in passages.items()}

    def paths(self, ids: Sequence[int]) -> dict[int, str]:
        return {id_: self._sources[stored.document].path for id_, stored in self.lexical.passages(ids).items()}

    def close(self) -> None:
        self.dense.close()
        self.lexical.close()
