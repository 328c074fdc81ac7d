"""The writing story: files → documents → passages → vectors → index.

`index` reads what changed since the last time, splits it, embeds the passages that are new and commits all of it as the
next generation. Passages that were there before, under whatever path, keep their vectors. What takes long is committed
in steps, so that whatever ends a run, the next one goes on from there.
"""

from __future__ import annotations

import dataclasses
import hashlib
import os
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from askdoc import readers
from askdoc.embedders import DEFAULT, Embedder, open_embedder
from askdoc.errors import AskdocError, Interrupted, LoadError, UsageError
from askdoc.loaders import HEAD_BYTES, find_loader
from askdoc.loaders.sandbox import LoaderProcess
from askdoc.passages.split import SPLITTER, split
from askdoc.progress import Progress, Stage
from askdoc.sources.selection import Found, Selection, find_files, grouped
from askdoc.stores import Entry as PassageEntry
from askdoc.stores.folder import store
from askdoc.stores.folder.dense import FLAT, DenseIndex, structure_today
from askdoc.stores.folder.lexical import ANALYSER, LexicalIndex, digest
from askdoc.stores.folder.store import Draft, Entry, Failed, Manifest, Recipe
from askdoc.types import Document, Passage, Skipped, Source

if TYPE_CHECKING:
    from askdoc.types import Vectors

EXAMPLE = "askdoc index PATH…"
AGAIN = "to go on, run the same command again"
ELSEWHERE = "a new index keeps what is done of it when it is interrupted; to make one: --index DIR"
_Sourced = TypeVar("_Sourced", Entry, Failed)
BATCH = 256  # passages between two reports of progress
CHECKPOINT = 60.0  # seconds of work after which it is saved,
COST = 20  # or so many times as long as saving took, if that is longer: it costs 5 % at most
REMEMBERED = 250_000  # passages after which it is saved too: their texts' digests are kept in memory until then


@dataclass(frozen=True, slots=True)
class BuildReport:
    """What an indexing run did.

    added, changed, removed, unchanged: documents. passages: in the index now. embedded: passages whose vectors were
    computed, not kept. skipped: files left out. remarks: pairs of document path and remark. seconds: it took.
    """

    folder: Path
    added: int
    changed: int
    removed: int
    unchanged: int
    passages: int
    embedded: int
    skipped: tuple[Skipped, ...]
    remarks: tuple[tuple[str, str], ...]
    seconds: float


def index(
    paths: Sequence[Path | str],
    folder: Path | str | None = None,
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
    progress: Progress | None = None,
) -> BuildReport:
    """Index files and folders, or update what changed in them.

    paths: added to what the index was made from; none: update only. folder: of the index; by default `ASKDOC_INDEX`,
    else `index/` in the working directory. root: the folder that document paths start from; by default the one that
    holds the index, if it holds all paths too, else the deepest one that does. embedder: by default the one that the
    index was made with. reader: to ask with from now on, a name or a model's folder; by default as before. include,
    exclude, max_bytes: which files of folders are wanted, as in `Selection`; by default as before. rebuild: make the
    index anew, with today's recipe; with paths, whatever is wrong with the one that is there. retry: try files that
    could not be read once more, even if they have not changed. wait: seconds to wait for another writer. Raises
    `AskdocError`; the index is then as it was.
    """
    started = time.perf_counter()
    folder = _target(folder)
    wanted = [_existing(path) for path in paths]
    before = _before(folder, anyway=rebuild and bool(wanted))
    if not wanted and (before is None or not before.paths):
        raise UsageError(f"there is no index of files in {folder} to update", hint=f"name what to index: {EXAMPLE}")
    with store.writing(folder, fresh=rebuild, wait=wait) as (draft, stored):
        manifest = stored or _empty(before, embedder)
        selection = _selection(manifest.selection, include, exclude, max_bytes)
        manifest = _rooted(folder, dataclasses.replace(manifest, selection=selection), wanted, root)
        opened = open_embedder(embedder or manifest.recipe.embedder)
        manifest = _with_models(manifest, opened, reader)
        # An index that is made anew replaces the old one only when it is whole.
        writer = _Writer(draft, manifest, opened, progress, stored=stored, checkpoints=not rebuild or before is None)
        with closing(writer):
            survey = _survey(folder, manifest, _new(folder, stored, wanted), retry=retry, progress=progress)
            report = writer.update(survey)
        return dataclasses.replace(report, seconds=time.perf_counter() - started)


def index_documents(
    documents: Iterable[Document], folder: Path, *, embedder: str | None = None, progress: Progress | None = None
) -> BuildReport:
    """Make an index of documents that stand in no files. Their sources must have different paths."""
    started = time.perf_counter()
    folder = folder.absolute()
    with store.writing(folder, fresh=True) as (draft, _):
        opened = open_embedder(embedder or DEFAULT)
        with closing(_Writer(draft, _empty(None, embedder), opened, progress)) as writer:
            report = writer.update(Survey([_Pending(document.source, given=document) for document in documents]))
        return dataclasses.replace(report, seconds=time.perf_counter() - started)


def index_for(path: Path, *, update: bool = True, progress: Progress | None = None) -> Path:
    """Build or update the index of one file or folder in the user's cache, and return its folder.

    update: False leaves a sound index that is there as it is.
    """
    path = _existing(path)
    name = hashlib.sha256(os.fsencode(path)).hexdigest()[:16]
    folder = cache_folder() / "indexes" / name
    root = path if path.is_dir() else path.parent
    outdated = store.has_manifest(folder) and not _is_current(folder)
    if update or outdated or not store.has_manifest(folder):
        index([path], folder, root=root, rebuild=outdated, retry=False, progress=progress)
    return folder


def cache_folder() -> Path:
    """Where indexes that the user did not ask for are kept."""
    if os.name == "nt":
        base = os.environ.get("LOCALAPPDATA", str(Path.home() / "AppData" / "Local"))
    else:
        base = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(base) / "askdoc"


def recipe(embedder: Embedder, structure: str = FLAT) -> Recipe:
    """What an index made now with this embedder would be made of. structure: what its size has made of it."""
    return Recipe(embedder.name, embedder.fingerprint, embedder.dimension, SPLITTER, ANALYSER, structure)


def _is_current(folder: Path) -> bool:
    """Is an index whole, and made as it would be today?"""
    try:
        manifest = store.read_manifest(folder)
        store.check(folder, manifest)
        made = manifest.recipe
        return made == recipe(open_embedder(made.embedder), structure_today(made.structure))
    except AskdocError:
        return False


def _before(folder: Path, *, anyway: bool) -> Manifest | None:
    """The manifest that is there. anyway: one that cannot be read is as none."""
    try:
        return store.read_manifest(folder) if store.has_manifest(folder) else None
    except AskdocError:
        if anyway:
            return None
        raise


def _target(folder: Path | str | None) -> Path:
    named = folder or os.environ.get(store.ENVIRONMENT) or store.FOLDER
    return Path(os.path.expanduser(named)).absolute()  # noqa: PTH111  # Path's own raises for an unknown user's home


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


def _empty(before: Manifest | None, embedder: str | None) -> Manifest:
    """A manifest without documents; a rebuilt index keeps its root and paths."""
    made = recipe(open_embedder(embedder or (before.recipe.embedder if before else DEFAULT)))
    if before is None:
        return Manifest(0, "", made, root="", paths=())
    return dataclasses.replace(before, recipe=made, documents=(), left_out=(), failed=(), next_id=1, files={})


def _with_models(manifest: Manifest, embedder: Embedder, reader: str | None) -> Manifest:
    """The manifest with the models as they are named now; another reader needs no other index."""
    if embedder.fingerprint == manifest.recipe.fingerprint:
        manifest = dataclasses.replace(manifest, recipe=dataclasses.replace(manifest.recipe, embedder=embedder.name))
    if reader is None:
        return manifest
    opened = readers.open_reader(reader)
    remembered = opened.fingerprint if readers.folder_of(reader) else ""  # the bundled one may change with askdoc
    return dataclasses.replace(manifest, reader=opened.name, reader_fingerprint=remembered)


def _selection(
    before: Selection, include: Sequence[str] | None, exclude: Sequence[str] | None, max_bytes: int | None
) -> Selection:
    """What is wanted now: what was wanted before, but for what is asked otherwise; an empty pattern is none."""
    return Selection(
        include=before.include if include is None else tuple(filter(None, include)),
        exclude=before.exclude if exclude is None else tuple(filter(None, exclude)),
        max_bytes=before.max_bytes if max_bytes is None else max_bytes,
    )


def _rooted(folder: Path, manifest: Manifest, wanted: Sequence[Path], root: Path | None) -> Manifest:
    """The manifest with the wanted paths added, and every path relative to the root that fits them all."""
    old_root = (folder / manifest.root).resolve()
    asked = [(old_root / path).resolve() for path in manifest.paths]
    if wanted:
        asked = _needed([*asked, *wanted], manifest.selection)
    new_root = (root or _root(folder.resolve(), asked)).resolve()
    documents, failed = manifest.documents, manifest.failed
    if old_root != new_root:
        documents = tuple(_moved(entry, old_root, new_root) for entry in documents)
        failed = tuple(_moved(one, old_root, new_root) for one in failed)
    return dataclasses.replace(
        manifest,
        root=store.relative_to(new_root, folder.resolve()),
        paths=tuple(store.relative_to(path, new_root) for path in asked),
        documents=documents,
        failed=failed,
    )


def _new(folder: Path, stored: Manifest | None, wanted: Sequence[Path]) -> list[Path]:
    """The paths that are named for the first time."""
    if stored is None:
        return list(wanted)
    before = {(folder / stored.root / path).resolve() for path in stored.paths}
    return [path for path in wanted if path not in before]


def _needed(paths: Sequence[Path], selection: Selection) -> list[Path]:
    """Without what is found inside another one anyway; what is ignored there, and named, stays."""
    outer = _outermost(paths)
    inner = [path for path in sorted({*paths} - {*outer}) if path.exists()]
    if not inner:
        return outer
    found = set(find_files([path for path in outer if path.exists()], selection).files)
    return sorted([*outer, *(path for path in inner if not found.issuperset(find_files([path], selection).files))])


def _outermost(paths: Sequence[Path]) -> list[Path]:
    """Without repeats, and without what lies inside another one."""
    return [path for path in sorted(set(paths)) if not any(other in path.parents for other in paths)]


def _root(folder: Path, paths: Sequence[Path]) -> Path:
    if all(path.is_relative_to(folder.parent) for path in paths):
        return folder.parent
    return store.common_root(paths)


def _moved(entry: _Sourced, old_root: Path, new_root: Path) -> _Sourced:
    path = store.relative_to(old_root / entry.source.path, new_root)
    return dataclasses.replace(entry, source=dataclasses.replace(entry.source, path=path))


@dataclass(frozen=True, slots=True)
class _Pending:
    """A document that has to be read and indexed: a file, or one that was given."""

    source: Source
    file: Path | None = None
    given: Document | None = None


@dataclass(slots=True)
class Survey:
    """What an update has to do, and what it leaves as it is.

    pending: to be read. kept: documents that stay, some with a new path or time. failed: files that could not be read
    before and have not changed. skipped: what is left out unread.
    """

    pending: list[_Pending] = field(default_factory=list)
    kept: list[Entry] = field(default_factory=list)
    failed: list[Failed] = field(default_factory=list)
    skipped: tuple[Skipped, ...] = ()


def _survey(folder: Path, manifest: Manifest, new: Sequence[Path], *, retry: bool, progress: Progress | None) -> Survey:
    """Look at every file, and read those that may have changed.

    Raises `UsageError` if paths that are named for the first time hold nothing.
    """
    root = (folder / manifest.root).resolve()
    found = _found(root, manifest)
    if new and not any(file.is_relative_to(path) for path in new for file in found.files):
        raise _nothing([store.relative_to(path, root) for path in new], found.skipped)
    known = {entry.source.path: entry for entry in manifest.documents}
    fresh = {entry.id for entry in manifest.documents} - {entry.id for entry in store.suspects(folder, manifest)}
    failed = {} if retry else {one.source.path: one for one in store.still_failing(folder, manifest)}
    survey = Survey(skipped=found.skipped)
    for number, file in enumerate(found.files):
        path = store.relative_to(file, root)
        entry = known.get(path)
        if entry is not None and entry.id in fresh:
            survey.kept.append(entry)
        elif path in failed:
            survey.failed.append(failed[path])
        else:
            if progress is not None:
                progress("reading", number, len(found.files))
            _look_into(survey, file, path, entry)
    return _without_moves(manifest, survey)


def _look_into(survey: Survey, file: Path, path: str, entry: Entry | None) -> None:
    """Read a file that is new or may have changed, and put it where it belongs."""
    try:
        source = _source(file, path)
    except OSError as error:
        survey.failed.append(Failed(Source(path, "", 0, 0), error.strerror or str(error)))
        return
    if entry is not None and entry.source.sha256 == source.sha256:
        survey.kept.append(dataclasses.replace(entry, source=source))
    else:
        survey.pending.append(_Pending(source, file))


def _found(root: Path, manifest: Manifest) -> Found:
    """What the indexed paths hold now. A path that is gone holds nothing; if all are, that is more likely a mistake."""
    there = store.there(root, manifest)
    if not there:
        raise UsageError(
            f"nothing that was indexed is there any more: {', '.join(manifest.paths)}",
            hint=f"if it moved, name it where it is now: {EXAMPLE}",
        )
    found = find_files(there, manifest.selection)
    skipped = (Skipped(store.relative_to(Path(one.path), root), one.reason) for one in found.skipped)
    return Found(found.files, tuple(skipped))


def _without_moves(manifest: Manifest, survey: Survey) -> Survey:
    """Recognise files that were only moved or renamed: they keep their passages and take the new path."""
    ids = {entry.id for entry in survey.kept}
    still_there = {one.source.path for one in survey.pending}
    gone = (one for one in manifest.documents if one.id not in ids and one.source.path not in still_there)
    moves = {entry.source.sha256: entry for entry in gone}
    rest: list[_Pending] = []
    for one in survey.pending:
        entry = moves.get(one.source.sha256)
        if entry is None or Path(entry.source.path).suffix != Path(one.source.path).suffix:
            rest.append(one)
        else:
            del moves[one.source.sha256]
            survey.kept.append(dataclasses.replace(entry, source=one.source))
    survey.pending = rest
    return survey


def _source(file: Path, path: str) -> Source:
    stat = file.stat()
    return Source(path, store.hash_file(file), stat.st_size, stat.st_mtime_ns)


def _nothing(paths: Sequence[str], skipped: Sequence[Skipped]) -> UsageError:
    reason = f"; left out: {skipped[0].path} ({skipped[0].reason})" if skipped else ""
    more = f" and {len(skipped) - 1} more" if len(skipped) > 1 else ""
    return UsageError(
        f"there is nothing to index in {', '.join(paths)}{reason}{more}",
        hint="name files, or a folder with text in it (askdoc reads .txt, .md, .html, .pdf, .docx and more)",
    )


@dataclass
class _Writer:
    """Applies a survey to a draft of the index.

    While it works it commits what is done from time to time: the documents that were added, those that stay, and the
    old passages of what is still to be read. Each such checkpoint is a whole index, and the next run goes on from it.
    """

    draft: Draft
    manifest: Manifest  # as it will be committed, or was last
    embedder: Embedder
    progress: Progress | None
    stored: Manifest | None = None  # what stands on the disk; None when the index is made anew
    checkpoints: bool = False
    embedded: int = 0
    kept: Sequence[Entry] = ()
    gone: list[Entry] = field(default_factory=list)  # entries whose passages are still to be removed
    added: list[tuple[Entry, int]] = field(default_factory=list)  # with the next free passage id after each
    failed: list[Failed] = field(default_factory=list)
    unread: int = 0
    skipped: tuple[Skipped, ...] = ()
    run: dict[int, int] = field(default_factory=dict)  # a text's digest → id, for the passages that are not saved yet

    def __post_init__(self) -> None:
        made = recipe(self.embedder, structure_today(self.manifest.recipe.structure))
        store.check_recipe(self.draft.index, self.manifest, made)
        self.next_id = self.manifest.next_id
        self.number = 1 + max((entry.id for entry in self.manifest.documents), default=0)
        self.committed = 0  # how many of `added` are
        self.saving = False
        self._open(create=not self.manifest.documents)
        self.due = time.monotonic() + CHECKPOINT

    def _open(self, *, create: bool) -> None:
        self.create = create
        dimension = self.embedder.dimension
        with store.library_write_errors(self.draft.index):
            self.dense = DenseIndex(self.draft.folder / "dense", dimension=dimension, create=create)
            self.lexical = LexicalIndex(self.draft.folder / "lexical", create=create)

    def close(self) -> None:
        """End what writes in the background, before anybody clears the draft away."""
        self.dense.close()
        self.lexical.close()

    def update(self, survey: Survey) -> BuildReport:
        """Remove what is gone, add what is pending, and commit. Raises `Interrupted` if the user will not wait."""
        before = self.manifest.documents
        known = {entry.source.path for entry in before}
        kept_ids = {entry.id for entry in survey.kept}
        self.kept, self.skipped, self.failed = survey.kept, survey.skipped, survey.failed
        self.gone = gone = [entry for entry in before if entry.id not in kept_ids]
        with LoaderProcess() as loaders:
            try:
                self._add_all(survey.pending, loaders)
                self._finish()
            except KeyboardInterrupt as interrupt:
                raise self._interrupted(len(survey.pending)) from interrupt
        paths = {entry.source.path for entry, _ in self.added}
        return BuildReport(
            folder=self.draft.index,
            added=len(paths - known),
            changed=len(paths & known),
            removed=len({entry.source.path for entry in gone} - paths),
            unchanged=len(survey.kept),
            passages=self.manifest.passages,
            embedded=self.embedded,
            skipped=self._left(),
            remarks=tuple((entry.source.path, remark) for entry, _ in self.added for remark in entry.remarks),
            seconds=0.0,
        )

    def _left(self) -> tuple[Skipped, ...]:
        """All that was left out, whether tried or not."""
        failed = [Skipped(one.source.path, one.reason) for one in self.failed]
        return tuple(sorted([*self.skipped, *failed], key=lambda one: one.path))

    def _tell(self, stage: Stage, done: int, total: int) -> None:
        if self.progress is not None:
            self.progress(stage, done, total)

    # Adding

    def _add_all(self, pending: Sequence[_Pending], loaders: LoaderProcess) -> None:
        total, done = sum(one.source.size for one in pending), 0
        self.unread = len(pending)
        for one in pending:
            try:
                document = one.given or _load(one, loaders)
            except LoadError as error:
                self.failed.append(Failed(one.source, error.message))
            else:
                self._add(document, done, total)
            done += one.source.size
            self.unread -= 1
            self._tell("embedding", done, total)
            if self.checkpoints and (time.monotonic() >= self.due or len(self.run) >= REMEMBERED):
                self._checkpoint()

    def _add(self, document: Document, done: int, total: int) -> None:
        passages = split(document)
        for batch in _batched(passages, BATCH):
            entries = [PassageEntry(self.next_id + at, self.number, passage) for at, passage in enumerate(batch)]
            vectors = self._vectors(entries)
            with store.library_write_errors(self.draft.index):
                self.dense.add(entries, vectors)
                self.lexical.add(entries)
            self.next_id += len(entries)
            reached = batch[-1].end / max(1, len(document.text))
            self._tell("embedding", done + int(document.source.size * reached), total)
        self.added.append((Entry(self.number, document.source, len(passages), document.remarks), self.next_id))
        self.number += 1

    def _vectors(self, entries: Sequence[PassageEntry]) -> Vectors:
        """Vectors for passages, shape (entries, dimension); a text that the index has already is not embedded again."""
        import numpy as np

        vectors = np.empty((len(entries), self.embedder.dimension), dtype=np.float32)
        todo: dict[str, list[int]] = {}  # a text → the rows it stands in
        same: dict[int, int] = {}  # a row → the passage that has its text
        for row, entry in enumerate(entries):
            known = self._known(entry)
            if known is None:
                todo.setdefault(entry.passage.text, []).append(row)
            else:
                same[row] = known
        if same:
            vectors[list(same)] = self.dense.vectors(list(same.values()))
        if todo:
            for rows, vector in zip(todo.values(), self.embedder.embed_passages(list(todo)), strict=True):
                vectors[rows] = vector
        self.embedded += len(todo)
        return vectors

    def _known(self, entry: PassageEntry) -> int | None:
        text = entry.passage.text
        first = self.run.setdefault(digest(text), entry.id)
        if first < self.next_id:  # added in an earlier batch
            return first
        stored = None if self.create else self.lexical.with_text(text)
        return None if stored is None else stored.id

    # Committing

    def _checkpoint(self) -> None:
        """Commit what is done, and go on in the next generation."""
        started = time.monotonic()
        self._commit_done()
        self.close()
        self.draft.go_on(self.manifest)
        self._open(create=False)
        self.run.clear()
        ended = time.monotonic()
        self.due = ended + max(CHECKPOINT, COST * (ended - started))

    def _commit_done(self) -> None:
        """Commit what was added, in place of what it replaces; what else is gone may still lend its vectors."""
        done = {entry.source.path for entry, _ in self.added}
        self._save([entry for entry in self.gone if entry.source.path in done])
        self._commit(self._manifest())

    def _finish(self) -> None:
        self._tell("writing", 0, 1)
        self._save(self.gone)
        manifest = self._manifest()
        if self.stored is None and not manifest.documents:
            raise _nothing(manifest.paths, self._left())
        # News is another content, or a later date that settles what was suspect.
        if manifest != self.stored or store.suspects(self.draft.index, manifest):
            self._commit(manifest)
        self._tell("writing", 1, 1)

    def _save(self, gone: Sequence[Entry]) -> None:
        """Write what was added, without the passages of the documents that are gone."""
        self.saving = True
        self._remove([stored.id for entry in gone for stored in self.lexical.of_document(entry.id)])
        with store.library_write_errors(self.draft.index):
            self.dense.save()
            self.lexical.save()
        removed = {entry.id for entry in gone}
        self.gone = [entry for entry in self.gone if entry.id not in removed]

    def _remove(self, ids: Sequence[int]) -> None:
        if ids:
            with store.library_write_errors(self.draft.index):
                self.dense.remove(ids)
                self.lexical.remove(ids)

    def _manifest(self) -> Manifest:
        """What is in the draft now."""
        documents = [*self.kept, *self.gone, *(entry for entry, _ in self.added)]
        return dataclasses.replace(
            self.manifest,
            recipe=dataclasses.replace(self.manifest.recipe, structure=self.dense.structure),
            documents=tuple(sorted(documents, key=lambda entry: entry.source.path)),
            left_out=grouped(self.skipped),
            failed=tuple(sorted(self.failed, key=lambda one: one.source.path)),
            next_id=self.next_id,
            unread=self.unread,
        )

    def _commit(self, manifest: Manifest) -> None:
        self.manifest = self.stored = self.draft.commit(manifest)
        self.committed = len(self.added)
        self.saving = False

    def _interrupted(self, wanted: int) -> Interrupted:
        """Commit the documents that are whole, if there are new ones, and say what is kept."""
        if self.checkpoints and not self.saving and len(self.added) > self.committed:
            whole = self.added[-1][1]
            self._remove(range(whole, self.next_id + BATCH))  # what there is of the document that was being added
            self.next_id = whole
            self._commit_done()
        if self.committed:
            done = f"{self.committed:,} of {wanted:,} documents"
            return Interrupted(f"interrupted; {done} are indexed and can be asked", hint=AGAIN)
        message = "interrupted; nothing of this run is kept, the index is as it was"
        return Interrupted(message, hint=AGAIN if self.checkpoints else ELSEWHERE)


def _batched(passages: Sequence[Passage], size: int) -> Iterator[Sequence[Passage]]:
    for first in range(0, len(passages), size):
        yield passages[first : first + size]


def _load(one: _Pending, loaders: LoaderProcess) -> Document:
    """Read and load a file; raises `LoadError`. What was hashed is what is loaded."""
    assert one.file is not None  # noqa: S101  # a pending document is a file or was given
    try:
        stat = one.file.stat()
        data = one.file.read_bytes()
    except OSError as error:
        raise LoadError(error.strerror or "it cannot be read") from error
    loader = find_loader(one.source.path, data[:HEAD_BYTES])
    if loader is None:
        raise LoadError("it is binary, not text")
    source = Source(one.source.path, hashlib.sha256(data).hexdigest(), len(data), stat.st_mtime_ns)
    loaded = loaders.load(loader, data)
    return Document(source, loaded.text, loaded.marks, loaded.remarks, loaded.skip, loaded.extracted)


def read_document(file: Path, path: str) -> Document:
    """The document that indexing a file would give, under this path; raises `LoadError`."""
    with LoaderProcess() as loaders:
        return _load(_Pending(Source(path, "", 0, 0), file), loaders)
