"""Generations of an index folder: writing the next one, and checking the one that the manifest names."""

from __future__ import annotations

import dataclasses
import errno
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from math import inf
from pathlib import Path

from askdoc.errors import IndexDamagedError, UsageError, WriteError
from askdoc.sources.changes import hash_file
from askdoc.stores import REBUILD
from askdoc.stores.folder.manifest import GENERATIONS, LOCK, MANIFEST, File, Manifest, manifest_text

HASHED_ON_OPENING = 32 * 2**20  # bytes, which takes about 25 ms; beyond it only sizes are checked
DISK_FULL_HINT = "free some space and try again; the index is as it was last saved"
RETRY_HINT = "try again; the index is as it was last saved"


def generation_folder(folder: Path, number: int) -> Path:
    """The folder of a generation."""
    return folder / GENERATIONS / f"{number:06d}"


def damaged_files(folder: Path, manifest: Manifest, *, hashed_up_to: float = HASHED_ON_OPENING) -> list[str]:
    """The names of a generation's files that are missing or altered, sorted.

    Sizes are always compared; hashes are compared from the smallest file on, up to `hashed_up_to` bytes in all.
    """
    generation = generation_folder(folder, manifest.generation)
    damaged, budget = [], hashed_up_to
    for name, file in sorted(manifest.files.items(), key=lambda item: (item[1].size, item[0])):
        budget -= file.size
        try:
            path = generation / name
            as_written = path.stat().st_size == file.size and (budget < 0 or hash_file(path) == file.sha256)
        except OSError:
            as_written = False
        if not as_written:
            damaged.append(name)
    return sorted(damaged)


def check(folder: Path, manifest: Manifest, *, hashed_up_to: float = HASHED_ON_OPENING) -> None:
    """Raise `IndexDamagedError` if a file of the index is missing, cut short or altered: see `damaged_files`."""
    damaged = damaged_files(folder, manifest, hashed_up_to=hashed_up_to)
    if damaged:
        raise IndexDamagedError(f"the index in {folder} is damaged: {', '.join(damaged[:3])}", hint=REBUILD)


class Draft:
    """The next generation, while it is written. Its folder starts as a copy of the generation before, or empty.

    index: the index folder.
    """

    def __init__(self, index: Path) -> None:
        self.index = index
        names = (path.name for path in (index / GENERATIONS).glob("[0-9]*"))  # also those that a crash left behind
        self.number = 1 + max((int(name) for name in names if name.isdigit()), default=0)
        self._before: Manifest | None = None

    @property
    def folder(self) -> Path:
        return generation_folder(self.index, self.number)

    def begin(self, before: Manifest | None) -> None:
        """Make the folder, with the files of the generation before."""
        self._before = before
        if before is None:
            self.folder.mkdir(parents=True)
        else:
            # Links save time and space. They are safe: no index changes a file in place.
            shutil.copytree(generation_folder(self.index, before.generation), self.folder, copy_function=_link)

    def go_on(self, committed: Manifest) -> None:
        """Start the next generation, after this one was committed."""
        self.number += 1
        self.begin(committed)

    def commit(self, manifest: Manifest) -> Manifest:
        """Make this generation the index: flush its files, replace the manifest, remove the other generations."""
        written = [path for path in sorted(self.folder.rglob("*")) if path.is_file()]
        for path in written:  # some libraries write files that only their owner can read; use the folder's permissions
            path.chmod(self.folder.stat().st_mode & 0o666)
        files = {path.relative_to(self.folder).as_posix(): self._file(path) for path in written}
        for path in [*self.folder.rglob("*"), self.folder, self.folder.parent]:
            _flush(path)
        created = datetime.now(UTC).isoformat(timespec="seconds")
        manifest = dataclasses.replace(manifest, generation=self.number, created=created, files=files)
        replace_file(self.index / MANIFEST, manifest_text(manifest))
        sweep(self.index, keep=self.number)
        return manifest

    def remove(self) -> None:
        """Remove the draft's folder."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def _file(self, path: Path) -> File:
        """The size and hash of a file; for a link, those of the manifest before, so that damage is still noticed."""
        name = path.relative_to(self.folder).as_posix()
        if self._before is not None and name in self._before.files:
            linked = generation_folder(self.index, self._before.generation) / name
            if linked.exists() and linked.samefile(path):
                return self._before.files[name]
        return File(path.stat().st_size, hash_file(path))


def begin(draft: Draft, manifest: Manifest | None) -> None:
    """Begin a draft after the generation that the manifest names; remove what an interrupted writer left behind.

    manifest: None to start empty; the other generations are then kept until the commit. Raises `IndexDamagedError` if
    the generation is damaged: otherwise the damage would be written again, with a hash that fits it.
    """
    if manifest is not None:
        (draft.index / GENERATIONS).mkdir(exist_ok=True)
        sweep(draft.index, keep=manifest.generation)
        check(draft.index, manifest, hashed_up_to=inf)
    draft.begin(manifest)


def sweep(index: Path, keep: int) -> None:
    """Remove all other generations. Processes that use one go on reading the files that they hold open."""
    for path in (index / GENERATIONS).iterdir():
        if path.name != f"{keep:06d}":
            shutil.rmtree(path, ignore_errors=True)


def refuse_foreign(index: Path) -> None:
    """Raise `UsageError` for a path that is not a folder, or a folder that holds other files."""
    if index.exists() and not index.is_dir():
        raise UsageError(f"{index} is a file, not a folder", hint="name another place: --index DIR")
    if index.is_dir() and not (index / MANIFEST).exists() and not (index / GENERATIONS).exists():
        foreign = [path.name for path in index.iterdir() if not path.name.startswith(LOCK)]
        if foreign:
            raise UsageError(f"{index} holds other files ({foreign[0]}…)", hint="name a new folder: --index DIR")


def replace_file(path: Path, text: str) -> None:
    """Write a new file, flush it to the disk and rename it to `path`: a reader sees the old text or the new one."""
    new = path.with_name(path.name + ".new")
    with new.open("w", encoding="utf-8", errors="surrogateescape") as stream:
        stream.write(text)
        stream.flush()
        os.fsync(stream.fileno())
    new.replace(path)
    _flush(path.parent)


@contextmanager
def write_errors(index: Path) -> Iterator[None]:
    """Turn an `OSError` of the system into a `WriteError`."""
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise WriteError(f"{index} could not be written: the disk is full", hint=DISK_FULL_HINT) from error
        if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
            message = f"{index} cannot be written: {error.strerror}"
            raise WriteError(message, hint="name another place: --index DIR") from error
        raise WriteError(f"{index} could not be written: {error}", hint=RETRY_HINT) from error


@contextmanager
def library_write_errors(index: Path) -> Iterator[None]:
    """Turn the errors of FAISS and tantivy into a `WriteError`; these libraries have no types of their own.

    Wrap only library calls: other code raises these types too.
    """
    try:
        yield
    except (RuntimeError, ValueError) as error:
        parent = next(folder for folder in (index.absolute(), *index.absolute().parents) if folder.exists())
        full = shutil.disk_usage(parent).free < 2**20 or "space" in str(error)
        reason = "the disk is full" if full else str(error)
        hint = DISK_FULL_HINT if full else RETRY_HINT
        raise WriteError(f"{index} could not be written: {reason}", hint=hint) from error


def _flush(path: Path) -> None:
    # Windows and some file systems refuse this for folders; they decide the order of writes themselves.
    with suppress(OSError):
        handle = os.open(path, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def _link(source: str, target: str) -> None:
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)
