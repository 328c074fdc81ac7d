"""Generations of an index folder: how the next one is written, and how the one that the manifest names is checked."""

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

HASHED_ON_OPENING = 32 * 2**20  # bytes, which takes some 25 ms; of what is more, only the sizes are checked
FREE = "free some space and try again; the index is as it was last saved"
AGAIN = "try again; the index is as it was last saved"


def generation_folder(folder: Path, number: int) -> Path:
    """The folder of a generation."""
    return folder / GENERATIONS / f"{number:06d}"


def damaged_files(folder: Path, manifest: Manifest, *, hashed_up_to: float = HASHED_ON_OPENING) -> list[str]:
    """The files of a generation that are missing or are not what was written, by name.

    Sizes are always compared; hashes from the smallest file on, as long as they are `hashed_up_to` bytes in all.
    """
    generation = generation_folder(folder, manifest.generation)
    damaged, left = [], hashed_up_to
    for name, file in sorted(manifest.files.items(), key=lambda item: (item[1].size, item[0])):
        left -= file.size
        try:
            path = generation / name
            intact = path.stat().st_size == file.size and (left < 0 or hash_file(path) == file.sha256)
        except OSError:
            intact = False
        if not intact:
            damaged.append(name)
    return sorted(damaged)


def check(folder: Path, manifest: Manifest, *, hashed_up_to: float = HASHED_ON_OPENING) -> None:
    """Raise `IndexDamagedError` if a file of the index is missing, cut short or altered; see `damaged_files`."""
    damaged = damaged_files(folder, manifest, hashed_up_to=hashed_up_to)
    if damaged:
        raise IndexDamagedError(f"the index in {folder} is damaged: {', '.join(damaged[:3])}", hint=REBUILD)


class Draft:
    """The next generation, while it is written. Its folder starts as a copy of the generation before, or empty."""

    def __init__(self, index: Path) -> None:
        self.index = index
        numbers = (path.name for path in (index / GENERATIONS).glob("[0-9]*"))  # also those that a crash left behind
        self.number = 1 + max((int(name) for name in numbers if name.isdigit()), default=0)
        self._before: Manifest | None = None

    @property
    def folder(self) -> Path:
        return generation_folder(self.index, self.number)

    def begin(self, before: Manifest | None) -> None:
        """Make the folder, with what the generation before holds."""
        self._before = before
        if before is None:
            self.folder.mkdir(parents=True)
        else:
            # Links, where the file system has them, cost nothing: no index changes a file in place.
            shutil.copytree(generation_folder(self.index, before.generation), self.folder, copy_function=_link)

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
        sweep(self.index, keep=self.number)
        return manifest

    def remove(self) -> None:
        """Remove what was written of it."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def _stated(self, path: Path) -> File:
        """Size and hash of a file; of one that is only linked to, as stated before, so that damage stays known."""
        name = path.relative_to(self.folder).as_posix()
        if self._before is not None and name in self._before.files:
            linked = generation_folder(self.index, self._before.generation) / name
            if linked.exists() and linked.samefile(path):
                return self._before.files[name]
        return File(path.stat().st_size, hash_file(path))


def begin(draft: Draft, manifest: Manifest | None) -> None:
    """Begin a draft after what the manifest names; clear away what an interrupted writer left behind.

    Without a readable manifest all is kept until the commit. Raises `IndexDamagedError` for a damaged generation: or
    its damage would be written again, with a hash that fits it.
    """
    if manifest is not None:
        (draft.index / GENERATIONS).mkdir(exist_ok=True)
        sweep(draft.index, keep=manifest.generation)
        check(draft.index, manifest, hashed_up_to=inf)
    draft.begin(manifest)


def sweep(index: Path, keep: int) -> None:
    """Remove every generation but one. A process that has another open reads on from the files that it holds open."""
    for path in (index / GENERATIONS).iterdir():
        if path.name != f"{keep:06d}":
            shutil.rmtree(path, ignore_errors=True)


def refuse_foreign(index: Path) -> None:
    """Raise `UsageError` for a folder that holds other things: it is not ours to fill."""
    if index.exists() and not index.is_dir():
        raise UsageError(f"{index} is a file, not a folder", hint="name another place: --index DIR")
    if index.is_dir() and not (index / MANIFEST).exists() and not (index / GENERATIONS).exists():
        foreign = [path.name for path in index.iterdir() if not path.name.startswith(LOCK)]
        if foreign:
            raise UsageError(f"{index} holds other files ({foreign[0]}…)", hint="name a new folder: --index DIR")


def replace_file(path: Path, text: str) -> None:
    """Write a file beside its place, flush it to the disk and rename it: a reader sees all or nothing."""
    beside = path.with_name(path.name + ".new")
    with beside.open("w", encoding="utf-8", errors="surrogateescape") as stream:
        stream.write(text)
        stream.flush()
        os.fsync(stream.fileno())
    beside.replace(path)
    _flush(path.parent)


@contextmanager
def write_errors(index: Path) -> Iterator[None]:
    """Turn what the system raises when it cannot write into a `WriteError`."""
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise WriteError(f"{index} could not be written: the disk is full", hint=FREE) from error
        if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
            message = f"{index} cannot be written: {error.strerror}"
            raise WriteError(message, hint="name another place: --index DIR") from error
        raise WriteError(f"{index} could not be written: {error}", hint=AGAIN) from error


@contextmanager
def library_write_errors(index: Path) -> Iterator[None]:
    """Turn what FAISS and tantivy raise when they cannot write into a `WriteError`; they have no better types.

    Wrap only library calls: other code raises these types too.
    """
    try:
        yield
    except (RuntimeError, ValueError) as error:
        there = next(parent for parent in (index.absolute(), *index.absolute().parents) if parent.exists())
        full = shutil.disk_usage(there).free < 2**20 or "space" in str(error)
        reason = "the disk is full" if full else str(error)
        raise WriteError(f"{index} could not be written: {reason}", hint=FREE if full else AGAIN) from error


def _flush(path: Path) -> None:
    # Some file systems and Windows refuse this for folders; the order of writes is then theirs.
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
