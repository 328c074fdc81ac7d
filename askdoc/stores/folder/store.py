"""The index folder: every file name once, the manifest, atomic generations and the checked read.

    index/
      manifest.json               what is in it and how it was made; replaced last, by rename: the one pointer
      writer.lock                 held by the process that writes; says who
      generations/000007/         never changed after it was named in the manifest
        dense/  lexical/          one folder for each index

A crash at any moment leaves the manifest that was there and the generation that it names, whole. Paths are relative
throughout, so an index can be moved together with its documents.
"""

from __future__ import annotations

import dataclasses
import errno
import hashlib
import json
import os
import shutil
import socket
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from math import inf
from pathlib import Path
from typing import Any

from askdoc.errors import (
    AskdocError,
    IndexBusyError,
    IndexDamagedError,
    IndexMismatchError,
    IndexMissingError,
    UsageError,
    WriteError,
)
from askdoc.readers import DEFAULT as READER
from askdoc.sources.selection import Selection
from askdoc.stores import REBUILD
from askdoc.types import LeftOut, Skipped, Source

FORMAT = 1
FOLDER = "index"
MANIFEST = "manifest.json"
GENERATIONS = "generations"
LOCK = "writer.lock"
ENVIRONMENT = "ASKDOC_INDEX"
SEAL = "seal"
HASHED_ON_OPENING = 32 * 2**20  # bytes, which takes some 25 ms; of what is more, only the sizes are checked


@dataclass(frozen=True, slots=True)
class Recipe:
    """All that decides what an index holds, given its documents. Another recipe needs another index.

    embedder: its name. fingerprint: sha256 of its weights. dimension: of a vector. splitter, analyser: the rules by
    which text becomes passages, and passages become words. structure: how the vectors are kept.
    """

    embedder: str
    fingerprint: str
    dimension: int
    splitter: str
    analyser: str
    structure: str


@dataclass(frozen=True, slots=True)
class Entry:
    """A document in the index. id: never used again. passages: how many it has. remarks: from loading it."""

    id: int
    source: Source
    passages: int
    remarks: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Failed:
    """A file that was tried and could not be turned into text. The source's sha256 is empty if it could not be read."""

    source: Source
    reason: str


@dataclass(frozen=True, slots=True)
class Manifest:
    """What an index holds and how it was made.

    root: the folder that document paths start from, relative to the index folder. paths: what the user asked to index,
    relative to the root. selection: which files in them. left_out: what was not tried, by reason. failed: what was.
    next_id: the next free passage id. files: size and sha256 of each file of the generation. reader: by its name, the
    one to ask with. reader_fingerprint: of one in a folder of its own; empty for others. unread: documents that the run
    was still to read when it committed this; not 0 where it was interrupted.
    """

    generation: int
    created: str
    recipe: Recipe
    root: str
    paths: tuple[str, ...]
    selection: Selection = field(default_factory=Selection)
    documents: tuple[Entry, ...] = ()
    left_out: tuple[LeftOut, ...] = ()
    failed: tuple[Failed, ...] = ()
    next_id: int = 1
    files: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    reader: str = READER
    reader_fingerprint: str = ""
    unread: int = 0

    @property
    def passages(self) -> int:
        return sum(entry.passages for entry in self.documents)

    def sources(self) -> dict[int, Source]:
        return {entry.id: entry.source for entry in self.documents}

    @property
    def skipped(self) -> tuple[Skipped, ...]:
        """The files that were left out, by path: all that failed, and of the others some examples for each reason."""
        failed = [Skipped(one.source.path, one.reason) for one in self.failed]
        others = [Skipped(path, one.reason) for one in self.left_out for path in one.examples]
        return tuple(sorted([*failed, *others], key=lambda one: (one.path, one.reason)))

    def reasons(self) -> dict[str, int]:
        """How many files were left out for each reason, the most frequent first."""
        counts = Counter({one.reason: one.count for one in self.left_out})
        counts.update(one.reason for one in self.failed)
        return dict(sorted(counts.items(), key=lambda one: (-one[1], one[0])))


def find_index(start: Path | None = None) -> Path:
    """Where the index is: `ASKDOC_INDEX`, else the nearest `index/` with a manifest from `start` upwards.

    Raises `IndexMissingError` if there is none.
    """
    named = os.environ.get(ENVIRONMENT)
    if named:
        return Path(named)
    here = (start or Path.cwd()).absolute()
    for folder in (here, *here.parents):
        if has_manifest(folder / FOLDER):
            return folder / FOLDER
    raise IndexMissingError(f"there is no index in {here} or above it", hint="make one: askdoc index PATH…")


def has_manifest(folder: Path) -> bool:
    """Is there a manifest? False too where nobody may look: unlike `Path.exists`, this never raises."""
    return os.path.isfile(folder / MANIFEST)  # noqa: PTH113


def read_manifest(folder: Path) -> Manifest:
    """The manifest of an index; raises an `AskdocError` that says what is wrong with it."""
    try:
        data = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
        found = data["format"]
    except (FileNotFoundError, NotADirectoryError) as error:
        raise IndexMissingError(f"there is no index in {folder}", hint="make one: askdoc index PATH…") from error
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise _damaged(folder / MANIFEST, error) from error
    if found != FORMAT:
        newer = isinstance(found, int) and found > FORMAT
        hint = "use the askdoc that made it, or a newer one" if newer else REBUILD
        raise IndexMismatchError(f"the index in {folder} has format {found}, this askdoc reads {FORMAT}", hint=hint)
    if data.pop(SEAL, None) != _seal(data):
        raise IndexDamagedError(f"{folder / MANIFEST} was altered", hint=REBUILD)
    try:
        return _manifest(data)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise _damaged(folder / MANIFEST, error) from error


def _damaged(path: Path, error: Exception) -> IndexDamagedError:
    return IndexDamagedError(f"{path} cannot be understood: {error!r}", hint=REBUILD)


def _manifest(data: Mapping[str, Any]) -> Manifest:
    return Manifest(
        generation=int(data["generation"]),
        created=str(data["created"]),
        recipe=Recipe(**data["recipe"]),
        root=str(data["root"]),
        paths=tuple(data["paths"]),
        selection=_selection(data.get("selection", {})),
        documents=tuple(_entry(entry) for entry in data["documents"]),
        left_out=tuple(
            LeftOut(one["reason"], one["count"], tuple(one["examples"])) for one in data.get("left_out", ())
        ),
        failed=tuple(_failed(one) for one in data.get("failed", ())),
        next_id=int(data["next_id"]),
        files={str(name): dict(stated) for name, stated in data["files"].items()},
        reader=str(data.get("reader", READER)),  # older indexes name none
        reader_fingerprint=str(data.get("reader_fingerprint", "")),
        unread=int(data.get("unread", 0)),
    )


def _source(data: Mapping[str, Any]) -> Source:
    return Source(data["path"], data["sha256"], int(data["size"]), int(data["mtime_ns"]))


def _entry(data: Mapping[str, Any]) -> Entry:
    return Entry(int(data["id"]), _source(data), int(data["passages"]), tuple(data["remarks"]))


def _failed(data: Mapping[str, Any]) -> Failed:
    return Failed(_source(data), data["reason"])


def _selection(data: Mapping[str, Any]) -> Selection:
    """What an index says of itself; one that says nothing takes every file."""
    default = Selection()
    return Selection(
        include=tuple(data.get("include", default.include)),
        exclude=tuple(data.get("exclude", default.exclude)),
        max_bytes=int(data.get("max_bytes", default.max_bytes)),
    )


def manifest_to_dict(manifest: Manifest) -> dict[str, Any]:
    """The manifest as it is written, in this order; the seal last, by which an altered one is noticed."""
    data = {"format": FORMAT} | dataclasses.asdict(dataclasses.replace(manifest, documents=(), failed=()))
    data["documents"] = [
        {"id": entry.id, **_source_to_dict(entry.source), "passages": entry.passages, "remarks": entry.remarks}
        for entry in manifest.documents
    ]
    data["failed"] = [{**_source_to_dict(one.source), "reason": one.reason} for one in manifest.failed]
    return data | {SEAL: _seal(data)}


def _source_to_dict(source: Source) -> dict[str, Any]:
    return {"path": source.path, "sha256": source.sha256, "size": source.size, "mtime_ns": source.mtime_ns}


def manifest_text(manifest: Manifest) -> str:
    """The manifest's file."""
    return json.dumps(manifest_to_dict(manifest), indent=1, ensure_ascii=False) + "\n"


def _seal(data: Mapping[str, Any]) -> str:
    """sha256 over a manifest's content, whatever its layout."""
    return hashlib.sha256(json.dumps(data, sort_keys=True).encode()).hexdigest()


def generation_folder(folder: Path, manifest: Manifest) -> Path:
    """The folder of the generation that a manifest names."""
    return folder / GENERATIONS / f"{manifest.generation:06d}"


def damaged_files(folder: Path, manifest: Manifest, *, hashed_up_to: float = HASHED_ON_OPENING) -> list[str]:
    """The files of a generation that are missing or are not what was written, by name.

    Sizes are always compared; hashes from the smallest file on, as long as they are `hashed_up_to` bytes in all.
    """
    place = generation_folder(folder, manifest)
    damaged, left = [], hashed_up_to
    for name, stated in sorted(manifest.files.items(), key=lambda item: (item[1]["size"], item[0])):
        left -= stated["size"]
        if not _intact(place / name, stated, hashed=left >= 0):
            damaged.append(name)
    return sorted(damaged)


def _intact(path: Path, stated: Mapping[str, Any], *, hashed: bool) -> bool:
    try:
        return path.stat().st_size == stated["size"] and (not hashed or hash_file(path) == stated["sha256"])
    except OSError:
        return False


def check(folder: Path, manifest: Manifest, *, hashed_up_to: float = HASHED_ON_OPENING) -> None:
    """Raise `IndexDamagedError` if a file of the index is missing, cut short or altered; see `damaged_files`."""
    damaged = damaged_files(folder, manifest, hashed_up_to=hashed_up_to)
    if damaged:
        raise IndexDamagedError(f"the index in {folder} is damaged: {', '.join(damaged[:3])}", hint=REBUILD)


def check_recipe(folder: Path, manifest: Manifest, recipe: Recipe) -> None:
    """Raise `IndexMismatchError` if the index was made with other weights or settings than these.

    A name alone is no matter: the same weights may have moved.
    """
    same_weights = manifest.recipe.fingerprint == recipe.fingerprint
    for name in (each.name for each in dataclasses.fields(Recipe)):
        made, wanted = getattr(manifest.recipe, name), getattr(recipe, name)
        if made != wanted and not (name == "embedder" and same_weights):
            raise IndexMismatchError(
                f"the index in {folder} was made with {name} {made!r}, now it is {wanted!r}",
                hint="build it anew: askdoc index --rebuild",
            )


def hash_file(path: Path) -> str:
    """sha256 of a file, hexadecimal."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


class Draft:
    """The next generation, while it is written. `folder` starts as a copy of the generation before, or empty."""

    def __init__(self, index: Path, number: int) -> None:
        self.index = index
        self.number = number
        self._before: Manifest | None = None

    @property
    def folder(self) -> Path:
        return self.index / GENERATIONS / f"{self.number:06d}"

    def begin(self, before: Manifest | None) -> None:
        """Make the folder, with what a generation holds."""
        self._before = before
        if before is None:
            self.folder.mkdir(parents=True)
        else:
            # Links, where the file system has them, cost nothing: no index changes a file in place.
            shutil.copytree(generation_folder(self.index, before), self.folder, copy_function=_link)

    def go_on(self, committed: Manifest) -> None:
        """Become the draft of the generation after the one that this draft has just become."""
        self.number += 1
        self.begin(committed)

    def commit(self, manifest: Manifest) -> Manifest:
        """Make this generation the index: flush its files, replace the manifest, drop what is no longer named."""
        written = [path for path in sorted(self.folder.rglob("*")) if path.is_file()]
        for path in written:  # some libraries write files for their owner alone; who may open the folder may read it
            path.chmod(self.folder.stat().st_mode & 0o666)
        files = {path.relative_to(self.folder).as_posix(): self._stated(path) for path in written}
        for path in [*self.folder.rglob("*"), self.folder, self.folder.parent]:
            _flush(path)
        created = datetime.now(UTC).isoformat(timespec="seconds")
        manifest = dataclasses.replace(manifest, generation=self.number, created=created, files=files)
        replace_file(self.index / MANIFEST, manifest_text(manifest))
        _sweep(self.index, self.number)
        return manifest

    def _stated(self, path: Path) -> Mapping[str, Any]:
        """Size and hash of a file; of one that is only linked to, as stated before, so that damage stays known."""
        name = path.relative_to(self.folder).as_posix()
        if self._before is not None and name in self._before.files:
            linked = generation_folder(self.index, self._before) / name
            if linked.exists() and linked.samefile(path):
                return self._before.files[name]
        return {"size": path.stat().st_size, "sha256": hash_file(path)}


def replace_file(path: Path, text: str) -> None:
    """Write a file beside its place, flush it to the disk and rename it: whoever reads sees all or nothing."""
    beside = path.with_name(path.name + ".new")
    with beside.open("w", encoding="utf-8", errors="surrogateescape") as stream:
        stream.write(text)
        stream.flush()
        os.fsync(stream.fileno())
    beside.replace(path)
    _flush(path.parent)


def _flush(path: Path) -> None:
    # Some file systems and Windows refuse this for folders; the order of writes is then theirs.
    with suppress(OSError):
        handle = os.open(path, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def _sweep(index: Path, keep: int) -> None:
    """Remove every generation but one. Whoever has another open reads on from the files that it holds open."""
    for place in (index / GENERATIONS).iterdir():
        if place.name != f"{keep:06d}":
            shutil.rmtree(place, ignore_errors=True)


@contextmanager
def writing(index: Path, *, wait: float = 10.0, fresh: bool = False) -> Iterator[tuple[Draft, Manifest | None]]:
    """Hold the index for writing: gives the next generation's draft and the manifest as it is now (None if new).

    fresh: begin with nothing, whatever is there. wait: seconds to wait for another writer before `IndexBusyError`.
    Whatever goes wrong inside, the index stays as it was last committed; where the system cannot write, that is a
    `WriteError`.
    """
    with write_errors(index):
        _refuse_foreign(index)
    with _locked(index, wait):
        manifest = None if fresh or not has_manifest(index) else read_manifest(index)
        draft = Draft(index, _next_number(index))
        try:
            with write_errors(index):
                _begin(draft, manifest)
                yield draft, manifest
        finally:
            if not _named(index, draft.number):
                shutil.rmtree(draft.folder, ignore_errors=True)


def _refuse_foreign(index: Path) -> None:
    """A folder that holds other things is not ours to fill."""
    if index.exists() and not index.is_dir():
        raise UsageError(f"{index} is a file, not a folder", hint="name another place: --index DIR")
    if index.is_dir() and not (index / MANIFEST).exists() and not (index / GENERATIONS).exists():
        foreign = [path.name for path in index.iterdir() if not path.name.startswith(LOCK)]
        if foreign:
            raise UsageError(f"{index} holds other files ({foreign[0]}…)", hint="name a new folder: --index DIR")


def _next_number(index: Path) -> int:
    """One more than any generation that is there, also those that a crash left behind."""
    places = (index / GENERATIONS).glob("[0-9]*")
    return 1 + max((int(place.name) for place in places if place.name.isdigit()), default=0)


def _begin(draft: Draft, manifest: Manifest | None) -> None:
    _sweep_unnamed(draft.index, manifest)
    if manifest is not None:
        check(draft.index, manifest, hashed_up_to=inf)  # or damage would be written anew, with a hash that fits it
    draft.begin(manifest)


def _sweep_unnamed(index: Path, manifest: Manifest | None) -> None:
    """Remove what an interrupted writer left behind. Without a readable manifest all is kept until the commit."""
    if manifest is not None:
        (index / GENERATIONS).mkdir(exist_ok=True)
        _sweep(index, manifest.generation)


def _link(source: str, target: str) -> None:
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)


def _named(index: Path, number: int) -> bool:
    try:
        return read_manifest(index).generation == number
    except AskdocError:
        return False


@contextmanager
def write_errors(index: Path) -> Iterator[None]:
    """Turn what the system raises when it cannot write into a `WriteError`."""
    try:
        yield
    except OSError as error:
        raise _write_error(index, error) from error


@contextmanager
def library_write_errors(index: Path) -> Iterator[None]:
    """Turn what FAISS and tantivy raise when they cannot write into a `WriteError`; they know no better types.

    To be put around their calls alone: other code raises the same types for other reasons.
    """
    try:
        yield
    except (RuntimeError, ValueError) as error:
        full = shutil.disk_usage(_existing(index)).free < 2**20 or "space" in str(error)
        reason = "the disk is full" if full else str(error)
        raise WriteError(f"{index} could not be written: {reason}", hint=FREE if full else AGAIN) from error


FREE = "free some space and try again; the index is as it was last saved"
AGAIN = "try again; the index is as it was last saved"


def _write_error(index: Path, error: OSError) -> WriteError:
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return WriteError(f"{index} could not be written: the disk is full", hint=FREE)
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return WriteError(f"{index} cannot be written: {error.strerror}", hint="name another place: --index DIR")
    return WriteError(f"{index} could not be written: {error}", hint=AGAIN)


def _existing(path: Path) -> Path:
    return next(parent for parent in (path.absolute(), *path.absolute().parents) if parent.exists())


@contextmanager
def _locked(index: Path, wait: float) -> Iterator[None]:
    from filelock import FileLock, Timeout  # only writers pay for it

    with write_errors(index):
        index.mkdir(parents=True, exist_ok=True)
        lock = FileLock(index / LOCK, timeout=wait)
        owner = index / f"{LOCK}.owner"
        try:
            lock.acquire()
        except Timeout as error:
            raise IndexBusyError(
                f"another process writes {index}: {_read_owner(owner)}", hint="wait for it, or end it"
            ) from error
    try:
        with suppress(OSError):
            owner.write_text(f"process {os.getpid()} on {socket.gethostname()}", encoding="utf-8")
        yield
    finally:
        with suppress(OSError):
            owner.unlink(missing_ok=True)
        if not has_manifest(index):
            _remove_if_empty(index)
        lock.release()


def _remove_if_empty(index: Path) -> None:
    """Leave no trace of an index that was never finished. Only for who holds the lock, which goes too."""
    with suppress(OSError):  # such as: what a killed writer left is still there
        if (index / GENERATIONS).exists():
            (index / GENERATIONS).rmdir()
        (index / f"{MANIFEST}.new").unlink(missing_ok=True)
        (index / LOCK).unlink(missing_ok=True)
        index.rmdir()


def _read_owner(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8") or "unknown"
    except OSError:
        return "unknown"


def relative_to(path: Path, start: Path) -> str:
    """A path as seen from a folder, with forward slashes."""
    text, inside = str(path), os.path.join(start, "")  # noqa: PTH118  # quick, for there may be thousands
    if text.startswith(inside) and os.pardir not in text:
        return text[len(inside) :].replace(os.sep, "/")
    return Path(os.path.relpath(path, start)).as_posix()


def suspects(index: Path, manifest: Manifest) -> list[Entry]:
    """The documents that may not be what was indexed: gone, or another size or modification time. Reads no file.

    A file that was modified at about the time of the indexing is suspect too: it may have changed again since, within
    the same tick of the file system's clock.
    """
    root = str(index / manifest.root)
    settled = (datetime.fromisoformat(manifest.created).timestamp() - 2) * 1e9 if manifest.created else 0.0
    return [entry for entry in manifest.documents if not _unchanged(root, entry.source, settled)]


def _unchanged(root: str, source: Source, settled: float) -> bool:
    try:
        stat = os.stat(os.path.join(root, source.path))  # noqa: PTH116, PTH118  # quick, for there may be thousands
    except OSError:
        return False
    return (stat.st_size, stat.st_mtime_ns) == (source.size, source.mtime_ns) and stat.st_mtime_ns < settled


def still_failing(index: Path, manifest: Manifest) -> list[Failed]:
    """The files that could not be read when they were indexed, and that nothing has happened to since."""
    root = index / manifest.root
    return [one for one in manifest.failed if not _worth_a_try(root, one.source)]


def _worth_a_try(root: Path, source: Source) -> bool:
    if not source.sha256:  # it could not even be opened
        return os.access(root / source.path, os.R_OK)
    return not _unchanged(str(root), source, settled=float("inf"))


def there(root: Path, manifest: Manifest) -> list[Path]:
    """The indexed paths that are there now."""
    return [root / path for path in manifest.paths if os.path.exists(root / path)]  # noqa: PTH110  # never raises


def is_intact(index: Path, manifest: Manifest, source: Source) -> bool:
    """Is the file still what was indexed, byte for byte?"""
    try:
        return hash_file(index / manifest.root / source.path) == source.sha256
    except OSError:
        return False


def common_root(paths: Sequence[Path]) -> Path:
    """The deepest folder that holds all paths; a single folder is its own root."""
    common = Path(os.path.commonpath([str(path) for path in paths]))
    return common if common.is_dir() else common.parent
