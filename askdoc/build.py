"""The writing story: files → changes → documents → passages → vectors → store.

`index` finds what changed since the last time, reads it, splits it, embeds the passages that are new and commits all of
it. Passages that were there before, under whatever path, keep their vectors. What takes long is committed in steps, so
that however a run ends, the next one resumes there.
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
from askdoc.progress import Progress
from askdoc.sources.changes import Changes, Known, find_changes, relative_to
from askdoc.sources.selection import Selection, find_files, grouped
from askdoc.stores import Address, Head, IndexStore, IndexWriter, check_recipe, open_store
from askdoc.types import Document, Failed, Passage, Skipped, Source

if TYPE_CHECKING:
    from askdoc.types import Vectors

AGAIN = "to resume, run the same command again"
ELSEWHERE = "only a new index keeps what is done of it when it is interrupted; to make one: --index DIR"
BATCH = 256  # passages between two reports of progress
CHECKPOINT = 60.0  # seconds of work after which it is saved,
COST = 20  # or this many times as long as saving took, if that is longer: it costs 5 % at most
REMEMBERED = 250_000  # passages after which it is saved too: their texts' digests are kept in memory until then


@dataclass(frozen=True, slots=True)
class BuildReport:
    """What an indexing run did. Paths are those of documents."""

    folder: Path  # of the index
    added_paths: tuple[str, ...]
    changed_paths: tuple[str, ...]
    removed_paths: tuple[str, ...]
    moved_paths: tuple[tuple[str, str], ...]  # old and new path; they count as unchanged
    failed_paths: tuple[str, ...]  # that could not be read in this run
    unchanged: int
    documents: int  # in the index now
    passages: int  # in the index now
    embedded: int  # passages whose vectors were computed, not kept
    skipped: tuple[Skipped, ...]  # files left out, those that could not be read too
    remarks: tuple[tuple[str, str], ...]  # document path and remark
    seconds: float = 0.0  # it took

    @property
    def news(self) -> bool:
        """Did it change what can be asked, or find new trouble?"""
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

    paths: added to what the index was made from; none: update only. folder: of the index; by default `ASKDOC_INDEX`,
    else `index/` in the working directory. root: the folder that document paths start from; by default the one that
    holds the index, if it holds all paths too, else the deepest one that does. embedder: by default the one that the
    index was made with. reader: to ask with from now on, a name or a model's folder; by default as before. include,
    exclude, max_bytes: which files of folders are wanted, as in `Selection`; by default as before. rebuild: from
    scratch, with today's recipe; with paths, whatever is wrong with the index that is there. retry: try files that
    could not be read once more, even if they have not changed. wait: seconds to wait for another writer. changes: what
    happened to the files since the index had this version, if that is known; it is not looked for again. Raises
    `AskdocError`; the index is then as it was.
    """
    started = time.perf_counter()
    store = open_store(_default_address() if folder is None else folder)
    wanted = [_existing(path) for path in paths]
    before = _before(store, anyway=rebuild and bool(wanted))
    if not wanted and (before is None or not before.paths):
        raise UsageError(
            f"there is no index of files in {store.address} to update", hint="name what to index: askdoc index PATH…"
        )
    with store.writing(fresh=rebuild, wait=wait) as writer:
        stored = writer.before or before  # a rebuilt index keeps its root and paths
        opened = open_embedder(embedder or (stored.recipe.embedder if stored else DEFAULT))
        head = _head(store, stored, opened, reader, fresh=writer.before is None)
        head = dataclasses.replace(head, selection=_selection(head.selection, include, exclude, max_bytes))
        named = {(head.root / path).resolve() for path in head.paths} if writer.before else set()
        head = _rooted(store, head, wanted, root)
        check_recipe(store.address, head.recipe, store.recipe(opened, head.recipe.structure))
        known = writer.begin(head)
        if changes is not None and changes[0] == writer.version:
            found = changes[1]
        else:
            found = find_changes(known, retry=retry, progress=progress)
        _refuse_nothing(known.root, [path for path in wanted if path not in named], found)
        # A rebuilt index replaces the old one only when it is whole.
        run = _Run(store, writer, opened, progress, checkpoints=not rebuild or before is None)
        sources = sorted([*(source for _, source in found.changed), *found.new], key=lambda source: source.path)
        report = run.update(known, found, [(source, known.root / source.path) for source in sources])
    return dataclasses.replace(report, seconds=time.perf_counter() - started)


def index_documents(
    documents: Iterable[Document], folder: Address, *, embedder: str | None = None, progress: Progress | None = None
) -> BuildReport:
    """Make an index of documents without files. Their sources must have different paths."""
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

    update: False leaves a sound index that is there as it is.
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
    """Where indexes that the user did not ask for are kept."""
    return platformdirs.user_cache_path("askdoc", appauthor=False)


def _is_current(store: IndexStore) -> bool:
    """Is an index whole, and made as it would be today?"""
    try:
        store.check()
        made = store.state().head.recipe
        check_recipe(store.address, made, store.recipe(open_embedder(made.embedder), made.structure))
    except AskdocError:
        return False
    return True


def _before(store: IndexStore, *, anyway: bool) -> Head | None:
    """The head of the index that is there. anyway: one that cannot be read is as none."""
    try:
        return store.state().head if store.exists() else None
    except AskdocError:
        if anyway:
            return None
        raise


def _default_address() -> Address:
    named = os.environ.get(stores.ENVIRONMENT)
    return named if named and "://" in named else Path(named or stores.FOLDER).expanduser().absolute()


def _existing(path: Path | str) -> Path:
    """A path with its links resolved; raises `UsageError` if nothing is there, or nobody may look."""
    real = Path(os.path.realpath(os.path.expanduser(path)))  # noqa: PTH111  # both without Path's own exceptions
    try:
        real.stat()
    except (FileNotFoundError, NotADirectoryError) as error:
        raise UsageError(f"{path} does not exist", hint="check the spelling; quote names with spaces") from error
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise UsageError(f"{path} cannot be opened: {reason}", hint="check who may read it: ls -ld") from error
    return real


def _head(store: IndexStore, before: Head | None, embedder: Embedder, reader: str | None, *, fresh: bool) -> Head:
    """What the index is to be, with its models as they are named now; a rebuilt one keeps its root and paths."""
    recipe = store.recipe(embedder)
    head = Head(recipe=recipe, root=store.default_root([])) if before is None else before
    if fresh:
        head = dataclasses.replace(head, recipe=recipe)
    elif embedder.fingerprint == head.recipe.fingerprint:  # the same weights may have moved
        head = dataclasses.replace(head, recipe=dataclasses.replace(head.recipe, embedder=embedder.name))
    if reader is None:
        return head
    opened = readers.open_reader(reader)
    remembered = opened.fingerprint if readers.folder_of(reader) else ""  # the bundled one may change with askdoc
    return dataclasses.replace(head, reader=opened.name, reader_fingerprint=remembered)


def _selection(
    before: Selection, include: Sequence[str] | None, exclude: Sequence[str] | None, max_bytes: int | None
) -> Selection:
    """What is wanted now: what was wanted before, but for what is asked otherwise; an empty pattern is none."""
    return Selection(
        include=before.include if include is None else tuple(filter(None, include)),
        exclude=before.exclude if exclude is None else tuple(filter(None, exclude)),
        max_bytes=before.max_bytes if max_bytes is None else max_bytes,
    )


def _rooted(store: IndexStore, head: Head, wanted: Sequence[Path], root: Path | None) -> Head:
    """The head with the wanted paths added, and every path relative to the root that fits them all."""
    asked = [(head.root / path).resolve() for path in head.paths]
    if wanted:
        asked = _needed([*asked, *wanted], head.selection)
    new_root = (root or store.default_root(asked)).resolve()
    return dataclasses.replace(head, root=new_root, paths=tuple(relative_to(path, new_root) for path in asked))


def _needed(paths: Sequence[Path], selection: Selection) -> list[Path]:
    """Without what is found inside another one anyway; what is ignored there, and named, stays."""
    outer = [path for path in sorted(set(paths)) if not any(other in path.parents for other in paths)]
    inner = [path for path in sorted({*paths} - {*outer}) if path.exists()]
    if not inner:
        return outer
    found = set(find_files([path for path in outer if path.exists()], selection).files)
    return sorted([*outer, *(path for path in inner if not found.issuperset(find_files([path], selection).files))])


def _refuse_nothing(root: Path, named: Sequence[Path], found: Changes) -> None:
    """Raise `UsageError` if paths that are named for the first time hold nothing."""
    sources = [*found.sources(), *(each.source for each in (*found.failing, *found.unreadable))]
    files = [root / source.path for source in sources]
    if named and not any(file.is_relative_to(path) for path in named for file in files):
        raise _nothing([relative_to(path, root) for path in named], found.skipped)


def _nothing(paths: Sequence[str], skipped: Sequence[Skipped]) -> UsageError:
    reason = f"; left out: {skipped[0].path} ({skipped[0].reason})" if skipped else ""
    more = f" and {len(skipped) - 1} more" if len(skipped) > 1 else ""
    return UsageError(
        f"there is nothing to index in {', '.join(paths)}{reason}{more}",
        hint="name files, or a folder with text in it (askdoc reads .txt, .md, .html, .pdf, .docx and more)",
    )


class _Run:
    """Takes changes into an index.

    From time to time it commits what is done: the documents that were added, those that stay, and the old passages of
    what is still to be read. Each such checkpoint is a whole index, and the next run resumes from it.
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
        self.progress: Progress = progress or (lambda stage, done, total: None)
        self.due = time.monotonic() + CHECKPOINT
        self.embedded = 0
        self.put: list[tuple[Source, int, tuple[str, ...]]] = []  # documents: source, passages, remarks
        self.committed = 0  # how many of these are
        self.committing = False
        self.failed: list[Failed] = []
        self.skipped: tuple[Skipped, ...] = ()
        self.left = 0  # documents to be read

    def update(self, known: Known, changes: Changes, pending: Sequence[tuple[Source, Path | Document]]) -> BuildReport:
        """Remove what is gone, add what is pending, and commit. Raises `Interrupted` if the user will not wait."""
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
                raise _nothing(known.paths, self._left_out())
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
            failed_paths=tuple(sorted({each.source.path for each in self.failed[len(changes.failing) :]})),
            unchanged=len(kept),
            documents=len(kept) + len(put),
            passages=sum(entry.passages for entry in kept) + sum(passages for _, passages, _ in self.put),
            embedded=self.embedded,
            skipped=self._left_out(),
            remarks=tuple((source.path, remark) for source, _, remarks in self.put for remark in remarks),
        )

    def _add_all(self, pending: Sequence[tuple[Source, Path | Document]], loaders: LoaderProcess) -> None:
        total, done = sum(source.size for source, _ in pending), 0
        self.left = len(pending)
        for source, given in pending:
            try:
                document = given if isinstance(given, Document) else read_document(given, source.path, loaders)
            except LoadError as error:
                self.failed.append(Failed(source, error.message))
            else:
                passages = split(document)
                self.writer.put(
                    document.source, self._embedded(document, passages, done, total), document.content.remarks
                )
                self.put.append((document.source, len(passages), document.content.remarks))
            done += source.size
            self.left -= 1
            self.progress("embedding", done, total)
            if self.checkpoints and (time.monotonic() >= self.due or self.writer.uncommitted >= REMEMBERED):
                started = time.monotonic()
                self._commit(unread=self.left)
                ended = time.monotonic()
                self.due = ended + max(CHECKPOINT, COST * (ended - started))

    def _embedded(
        self, document: Document, passages: Sequence[Passage], done: int, total: int
    ) -> Iterator[tuple[Sequence[Passage], Vectors]]:
        """The passages in batches with their vectors; a text that the index has already is not embedded again."""
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
            reached = batch[-1].end / max(1, len(document.text))
            self.progress("embedding", done + int(document.source.size * reached), total)

    def _left_out(self) -> tuple[Skipped, ...]:
        """All that was left out, whether tried or not."""
        failed = [Skipped(each.source.path, each.reason) for each in self.failed]
        return tuple(sorted([*self.skipped, *failed], key=lambda each: each.path))

    def _commit(self, *, unread: int = 0, settle: bool = False) -> None:
        self.committing = True
        self.writer.leave_out(self.failed, grouped(self.skipped))
        self.writer.commit(unread=unread, settle=settle)
        self.committed = len(self.put)
        self.committing = False

    def _interrupted(self, wanted: int) -> Interrupted:
        """Commit the documents that are whole, if there are new ones, and say what is kept."""
        if self.checkpoints and not self.committing and len(self.put) > self.committed:
            self._commit(unread=self.left)
        if self.committed:
            done = f"{self.committed:,} of {wanted:,} documents"
            return Interrupted(f"interrupted; {done} are indexed and can be asked", hint=AGAIN)
        message = "interrupted; nothing of this run is kept, the index is as it was"
        return Interrupted(message, hint=AGAIN if self.checkpoints else ELSEWHERE)


def read_document(file: Path, path: str, loaders: LoaderProcess) -> Document:
    """A file's document under this path; raises `LoadError`. What is hashed is what is loaded."""
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
