"""The writing story: files → changes → documents → passages → vectors → store.

`index` finds the files that changed, reads and splits them, embeds the new passages and commits the result. Passages
that the index has already, under any path, keep their vectors. A long run commits in steps, so that the next run can
resume it, however it ends.
"""

from __future__ import annotations

import dataclasses
import hashlib
import os
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import platformdirs

from askdoc import readers, stores
from askdoc.embedders import DEFAULT, Embedder, open_embedder
from askdoc.errors import AskdocError, Interrupted, LoadError, UsageError
from askdoc.loaders import HEAD_BYTES, find_loader
from askdoc.loaders.sandbox import LoaderProcess
from askdoc.passages.split import split
from askdoc.progress import Progress, no_progress
from askdoc.sources.changes import Changes, Known, find_changes, relative_to
from askdoc.sources.selection import Selection, find_files, grouped
from askdoc.stores import Address, Head, IndexStore, IndexWriter, check_recipe, open_store
from askdoc.types import Document, Failed, Passage, Skipped, Source

if TYPE_CHECKING:
    from askdoc.types import Vectors

RESUME_HINT = "to resume, run the same command again"
NEW_INDEX_HINT = "only a new index keeps an interrupted run's work; to make a new index: --index DIR"
BATCH = 256  # passages between two reports of progress
CHECKPOINT = 60.0  # seconds of work between two checkpoints,
COST = 20  # or this many times as long as the last checkpoint took, if that is longer: they cost 5 % at most
REMEMBERED = 250_000  # passages after which a checkpoint is due in any case: until then their digests are in memory


@dataclass(frozen=True, slots=True)
class BuildReport:
    """What an indexing run did. Paths are those of documents."""

    folder: Path  # of the index
    added_paths: tuple[str, ...]
    changed_paths: tuple[str, ...]
    removed_paths: tuple[str, ...]
    moved_paths: tuple[tuple[str, str], ...]  # old and new path; these count as unchanged
    failed_paths: tuple[str, ...]  # files that could not be read in this run
    unchanged: int  # documents
    documents: int  # in the index now
    passages: int  # in the index now
    embedded: int  # passages whose vectors were computed in this run
    skipped: tuple[Skipped, ...]  # files left out, including those that could not be read
    remarks: tuple[tuple[str, str], ...]  # document path and remark
    seconds: float = 0.0  # duration of the run

    @property
    def news(self) -> bool:
        """Did the run change the documents of the index, or fail to read a file?"""
        return any((self.added, self.changed, self.removed, self.moved_paths, self.failed_paths))

    @property
    def added(self) -> int:
        return len(self.added_paths)

    @property
    def changed(self) -> int:
        return len(self.changed_paths)

    @property
    def removed(self) -> int:
        return len(self.removed_paths)


def index(
    paths: Sequence[Path | str],
    folder: Address | None = None,
    *,
    root: Path | None = None,
    embedder: str | None = None,
    reader: str | None = None,
    include: Sequence[str] | None = None,
    exclude: Sequence[str] | None = None,
    max_bytes: int | None = None,
    rebuild: bool = False,
    retry: bool = True,
    wait: float = 10.0,
    changes: tuple[int, Changes] | None = None,
    progress: Progress | None = None,
) -> BuildReport:
    """Index files and folders, or update what changed in them.

    paths: added to the paths that are indexed already; none: only update. folder: of the index; by default
    `ASKDOC_INDEX`, else `index/` in the working directory. root: the folder that document paths start from; by default
    the folder that holds the index, if it holds all paths too, else the deepest folder that does. embedder: by default
    that of the index. reader: to ask the index with from now on, a name or a model's folder; by default as before.
    include, exclude, max_bytes: which files in folders are wanted, as in `Selection`; by default as before. rebuild:
    start from scratch, with today's recipe; if paths are given, also when the existing index cannot be read. retry: try
    unreadable files again, even if they have not changed. wait: seconds to wait for another writer. changes: a version
    of the index and the changes since, if they are known; saves looking for them. Raises `AskdocError` and leaves the
    index as it was.
    """
    started = time.perf_counter()
    store = open_store(_default_address() if folder is None else folder)
    wanted = [_existing(path) for path in paths]
    before = _before(store, ignore_damage=rebuild and bool(wanted))
    if not wanted and (before is None or not before.paths):
        raise UsageError(
            f"there is no index of files in {store.address} to update", hint="name what to index: askdoc index PATH…"
        )
    with store.writing(fresh=rebuild, wait=wait) as writer:
        stored = writer.before or before  # a rebuilt index keeps its root and paths
        opened = open_embedder(embedder or (stored.recipe.embedder if stored else DEFAULT))
        head = _head(store, stored, opened, reader, fresh=writer.before is None)
        head = dataclasses.replace(head, selection=_selection(head.selection, include, exclude, max_bytes))
        indexed = {(head.root / path).resolve() for path in head.paths} if writer.before else set()
        head = _rooted(store, head, wanted, root)
        check_recipe(store.address, head.recipe, store.recipe(opened, head.recipe.structure))
        known = writer.begin(head)
        if changes is not None and changes[0] == writer.version:
            diff = changes[1]
        else:
            diff = find_changes(known, retry=retry, progress=progress)
        _refuse_nothing(known.root, [path for path in wanted if path not in indexed], diff)
        # A rebuilt index replaces the old one only when it is complete.
        run = _Run(store, writer, opened, progress, checkpoints=not rebuild or before is None)
        sources = sorted([*(source for _, source in diff.changed), *diff.new], key=lambda source: source.path)
        report = run.update(known, diff, [(source, known.root / source.path) for source in sources])
    return dataclasses.replace(report, seconds=time.perf_counter() - started)


def index_documents(
    documents: Iterable[Document], folder: Address, *, embedder: str | None = None, progress: Progress | None = None
) -> BuildReport:
    """Make an index of documents that are not in files. Their sources must have different paths.

    It replaces an index in the same place. Raises `AskdocError`.
    """
    started = time.perf_counter()
    store = open_store(Path(folder).absolute() if isinstance(folder, Path) else folder)
    with store.writing(fresh=True) as writer:
        opened = open_embedder(embedder or DEFAULT)
        known = writer.begin(Head(recipe=store.recipe(opened), root=store.default_root([])))
        run = _Run(store, writer, opened, progress)
        report = run.update(known, Changes(), [(document.source, document) for document in documents])
    return dataclasses.replace(report, seconds=time.perf_counter() - started)


def index_for(path: Path, *, update: bool = True, progress: Progress | None = None) -> Path:
    """Build or update the index of one file or folder in the user's cache, and return its folder.

    update: False leaves an existing index as it is, if it can be used. Raises `AskdocError`.
    """
    path = _existing(path)
    folder = cache_folder() / "indexes" / hashlib.sha256(os.fsencode(path)).hexdigest()[:16]
    root = path if path.is_dir() else path.parent
    store = open_store(folder)
    outdated = store.exists() and not _is_current(store)
    if update or outdated or not store.exists():
        index([path], folder, root=root, rebuild=outdated, retry=False, progress=progress)
    return folder


def cache_folder() -> Path:
    """The folder for indexes that askdoc makes on its own."""
    return platformdirs.user_cache_path("askdoc", appauthor=False)


def _is_current(store: IndexStore) -> bool:
    """Is an index undamaged, and does it have today's recipe?"""
    try:
        store.check()
        made = store.state().head.recipe
        check_recipe(store.address, made, store.recipe(open_embedder(made.embedder), made.structure))
    except AskdocError:
        return False
    return True


def _before(store: IndexStore, *, ignore_damage: bool) -> Head | None:
    """The head of the existing index, if there is one. ignore_damage: None if it cannot be read."""
    try:
        return store.state().head if store.exists() else None
    except AskdocError:
        if ignore_damage:
            return None
        raise


def _default_address() -> Address:
    named = os.environ.get(stores.ENVIRONMENT)
    return named if named and "://" in named else Path(named or stores.FOLDER).expanduser().absolute()


def _existing(path: Path | str) -> Path:
    """The path with links resolved; raises `UsageError` if it does not exist or cannot be opened."""
    real = Path(os.path.realpath(os.path.expanduser(path)))  # noqa: PTH111  # unlike Path's, these two never raise
    try:
        real.stat()
    except (FileNotFoundError, NotADirectoryError) as error:
        raise UsageError(f"{path} does not exist", hint="check the spelling; quote names with spaces") from error
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise UsageError(f"{path} cannot be opened: {reason}", hint="check who may read it: ls -ld") from error
    return real


def _head(store: IndexStore, before: Head | None, embedder: Embedder, reader: str | None, *, fresh: bool) -> Head:
    """The head that the index is to have: models as they are named now. A rebuilt index keeps its root and paths."""
    recipe = store.recipe(embedder)
    head = Head(recipe=recipe, root=store.default_root([])) if before is None else before
    if fresh:
        head = dataclasses.replace(head, recipe=recipe)
    elif embedder.fingerprint == head.recipe.fingerprint:  # the same weights may have moved
        head = dataclasses.replace(head, recipe=dataclasses.replace(head.recipe, embedder=embedder.name))
    if reader is None:
        return head
    opened = readers.open_reader(reader)
    remembered = opened.fingerprint if readers.folder_of(reader) else ""  # a new askdoc may bring another bundled one
    return dataclasses.replace(head, reader=opened.name, reader_fingerprint=remembered)


def _selection(
    before: Selection, include: Sequence[str] | None, exclude: Sequence[str] | None, max_bytes: int | None
) -> Selection:
    """The selection from now on: None keeps a setting as before; an empty pattern stands for no patterns."""
    return Selection(
        include=before.include if include is None else tuple(filter(None, include)),
        exclude=before.exclude if exclude is None else tuple(filter(None, exclude)),
        max_bytes=before.max_bytes if max_bytes is None else max_bytes,
    )


def _rooted(store: IndexStore, head: Head, wanted: Sequence[Path], root: Path | None) -> Head:
    """The head with the wanted paths added, and every path relative to a root that fits all of them."""
    paths = [(head.root / path).resolve() for path in head.paths]
    if wanted:
        paths = _needed([*paths, *wanted], head.selection)
    new_root = (root or store.default_root(paths)).resolve()
    return dataclasses.replace(head, root=new_root, paths=tuple(relative_to(path, new_root) for path in paths))


def _needed(paths: Sequence[Path], selection: Selection) -> list[Path]:
    """The paths without those inside another one. A path that is ignored there stays: naming it overrides that."""
    outer = [path for path in sorted(set(paths)) if not any(other in path.parents for other in paths)]
    inner = [path for path in sorted({*paths} - {*outer}) if path.exists()]
    if not inner:
        return outer
    outer_files = set(find_files([path for path in outer if path.exists()], selection).files)
    needed = (path for path in inner if not outer_files.issuperset(find_files([path], selection).files))
    return sorted([*outer, *needed])


def _refuse_nothing(root: Path, new_paths: Sequence[Path], diff: Changes) -> None:
    """Raise `UsageError` if none of the newly named paths holds a file to index."""
    sources = [*diff.sources(), *(failed.source for failed in (*diff.failing, *diff.unreadable))]
    files = [root / source.path for source in sources]
    if new_paths and not any(file.is_relative_to(path) for path in new_paths for file in files):
        raise _nothing_to_index([relative_to(path, root) for path in new_paths], diff.skipped)


def _nothing_to_index(paths: Sequence[str], skipped: Sequence[Skipped]) -> UsageError:
    reason = f"; left out: {skipped[0].path} ({skipped[0].reason})" if skipped else ""
    more = f" and {len(skipped) - 1} more" if len(skipped) > 1 else ""
    return UsageError(
        f"there is nothing to index in {', '.join(paths)}{reason}{more}",
        hint="name files, or a folder with text in it (askdoc reads .txt, .md, .html, .pdf, .docx and more)",
    )


class _Run:
    """One indexing run: takes changes into an index.

    From time to time it commits a checkpoint: the documents added so far, the unchanged ones, and the old passages of
    those that are still to be read. Every checkpoint is a complete index, and the next run resumes from it.
    """

    def __init__(
        self,
        store: IndexStore,
        writer: IndexWriter,
        embedder: Embedder,
        progress: Progress | None,
        *,
        checkpoints: bool = False,
    ) -> None:
        self.store, self.writer, self.embedder, self.checkpoints = store, writer, embedder, checkpoints
        self.progress = progress or no_progress
        self.due = time.monotonic() + CHECKPOINT  # time of the next checkpoint
        self.embedded = 0  # passages
        self.put: list[tuple[Source, int, tuple[str, ...]]] = []  # added documents: source, passages, remarks
        self.committed = 0  # number of `put` documents that are committed
        self.committing = False
        self.failed: list[Failed] = []
        self.skipped: tuple[Skipped, ...] = ()
        self.unread = 0  # documents still to be read

    def update(self, known: Known, changes: Changes, pending: Sequence[tuple[Source, Path | Document]]) -> BuildReport:
        """Add the pending documents, remove those that no longer exist, and commit.

        Raises `Interrupted` if the user interrupts it.
        """
        kept = (*changes.fresh, *changes.touched, *(entry for entry, _ in changes.moved))
        kept_ids = {entry.id for entry in kept}
        gone = [entry for entry in known.documents if entry.id not in kept_ids]
        self.failed, self.skipped = [*changes.failing, *changes.unreadable], changes.skipped
        for entry in changes.touched:
            self.writer.keep(entry, entry.source)
        for entry, source in changes.moved:
            self.writer.keep(entry, source)
        try:
            with LoaderProcess() as loaders:
                self._add_all(pending, loaders)
            self.progress("writing", 0, 1)
            if self.writer.before is None and not self.put:
                raise _nothing_to_index(known.paths, self._left_out())
            self.writer.drop(gone)
            self._commit(settle=bool(changes.touched))
            self.progress("writing", 1, 1)
        except KeyboardInterrupt as interrupt:
            raise self._interrupted(len(pending)) from interrupt
        put, before = {source.path for source, _, _ in self.put}, {entry.source.path for entry in known.documents}
        return BuildReport(
            folder=Path(self.store.address).absolute(),
            added_paths=tuple(sorted(put - before)),
            changed_paths=tuple(sorted(put & before)),
            removed_paths=tuple(sorted({entry.source.path for entry in gone} - put)),
            moved_paths=tuple(sorted((entry.source.path, source.path) for entry, source in changes.moved)),
            failed_paths=tuple(sorted({failed.source.path for failed in self.failed[len(changes.failing) :]})),
            unchanged=len(kept),
            documents=len(kept) + len(put),
            passages=sum(entry.passages for entry in kept) + sum(passages for _, passages, _ in self.put),
            embedded=self.embedded,
            skipped=self._left_out(),
            remarks=tuple((source.path, remark) for source, _, remarks in self.put for remark in remarks),
        )

    def _add_all(self, pending: Sequence[tuple[Source, Path | Document]], loaders: LoaderProcess) -> None:
        total, done = sum(source.size for source, _ in pending), 0
        self.unread = len(pending)
        for source, origin in pending:
            try:
                document = origin if isinstance(origin, Document) else read_document(origin, source.path, loaders)
            except LoadError as error:
                self.failed.append(Failed(source, error.message))
            else:
                passages = split(document)
                self.writer.put(
                    document.source, self._embedded(document, passages, done, total), document.content.remarks
                )
                self.put.append((document.source, len(passages), document.content.remarks))
            done += source.size
            self.unread -= 1
            self.progress("embedding", done, total)
            if self.checkpoints and (time.monotonic() >= self.due or self.writer.uncommitted >= REMEMBERED):
                started = time.monotonic()
                self._commit(unread=self.unread)
                ended = time.monotonic()
                self.due = ended + max(CHECKPOINT, COST * (ended - started))

    def _embedded(
        self, document: Document, passages: Sequence[Passage], done: int, total: int
    ) -> Iterator[tuple[Sequence[Passage], Vectors]]:
        """The passages in batches with their vectors; a text that the index has already keeps its vector."""
        import numpy as np

        for first in range(0, len(passages), BATCH):
            batch = passages[first : first + BATCH]
            texts = list(dict.fromkeys(passage.text for passage in batch))
            vectors = self.writer.vectors_of(texts)
            new = [text for text in texts if text not in vectors]
            if new:
                vectors |= dict(zip(new, self.embedder.embed_passages(new), strict=True))
            self.embedded += len(new)
            yield batch, np.stack([vectors[passage.text] for passage in batch])
            share = batch[-1].end / max(1, len(document.text))
            self.progress("embedding", done + int(document.source.size * share), total)

    def _left_out(self) -> tuple[Skipped, ...]:
        """All files that were left out, including those that could not be read."""
        failures = [Skipped(failed.source.path, failed.reason) for failed in self.failed]
        return tuple(sorted([*self.skipped, *failures], key=lambda skipped: skipped.path))

    def _commit(self, *, unread: int = 0, settle: bool = False) -> None:
        self.committing = True
        self.writer.leave_out(self.failed, grouped(self.skipped))
        self.writer.commit(unread=unread, settle=settle)
        self.committed = len(self.put)
        self.committing = False

    def _interrupted(self, wanted: int) -> Interrupted:
        """Commit the documents that are complete, if there are new ones, and say what is kept."""
        if self.checkpoints and not self.committing and len(self.put) > self.committed:
            self._commit(unread=self.unread)
        if self.committed:
            done = f"{self.committed:,} of {wanted:,} documents"
            return Interrupted(f"interrupted; {done} are indexed and can be asked", hint=RESUME_HINT)
        message = "interrupted; nothing of this run is kept, the index is as it was"
        return Interrupted(message, hint=RESUME_HINT if self.checkpoints else NEW_INDEX_HINT)


def read_document(file: Path, path: str, loaders: LoaderProcess) -> Document:
    """Load a file as the document with this path; raises `LoadError`. The hash is that of the bytes loaded."""
    try:
        stat = file.stat()
        data = file.read_bytes()
    except OSError as error:
        raise LoadError(error.strerror or "it cannot be read") from error
    loader = find_loader(path, data[:HEAD_BYTES])
    if loader is None:
        raise LoadError("it is binary, not text")
    source = Source(path, hashlib.sha256(data).hexdigest(), len(data), stat.st_mtime_ns)
    return Document(source, loaders.load(loader, data))
