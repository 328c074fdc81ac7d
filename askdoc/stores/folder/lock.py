"""One writer at a time for an index folder."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from askdoc.errors import IndexBusyError
from askdoc.stores.folder.generations import write_errors
from askdoc.stores.folder.manifest import GENERATIONS, LOCK, MANIFEST, has_manifest


@contextmanager
def locked(index: Path, wait: float) -> Iterator[None]:
    """Hold the folder's lock. Makes the folder, and removes it again if it holds no index afterwards.

    wait: seconds to wait for another process before `IndexBusyError`, which names that process.
    """
    from filelock import FileLock, Timeout  # only writers need it

    with write_errors(index):
        index.mkdir(parents=True, exist_ok=True)
        lock = FileLock(index / LOCK, timeout=wait)
        owner = index / f"{LOCK}.owner"
        try:
            lock.acquire()
        except Timeout as error:
            name = _read_owner(owner)
            raise IndexBusyError(f"another process writes {index}: {name}", hint="wait for it, or end it") from error
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
    """Remove an index folder without an index. Only while the lock is held; its file is removed too."""
    with suppress(OSError):  # such as when a killed writer left a generation
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
