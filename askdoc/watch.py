"""Keeps an index up to date while it runs: once files have changed and nothing changes for a moment, one update.

The operating system reports changes inside folders (watchfiles: inotify, FSEvents, ReadDirectoryChangesW). The indexed
files and folders themselves are polled once a second, because the system does not report their replacement.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from threading import Event
from typing import TypeAlias

from askdoc import build
from askdoc.build import BuildReport
from askdoc.errors import AskdocError
from askdoc.sources.ignore import ASKDOCIGNORE, GITIGNORE
from askdoc.sources.selection import PACKAGES
from askdoc.stores import Address, IndexStore, open_store

QUIET_MS, LONGEST_MS = 400, 5000  # an update starts after this much quiet, and at the latest after LONGEST_MS
LOOK_MS = 1000  # polling interval for what the system does not report
FIRST_RETRY, LAST_RETRY = 2.0, 60.0  # seconds between a failed update and the next try; doubled each time
WAIT = 5.0  # seconds to wait while another process writes the index

Mark: TypeAlias = tuple[int, ...] | None  # differs when a file has been replaced or changed


@dataclass(frozen=True, slots=True)
class Trouble:
    """An update that failed. It is retried after `seconds`, and reported again only if the reason changes."""

    error: str
    seconds: float


def watch(folder: Address, *, stop: Event | None = None) -> Iterator[BuildReport | Trouble]:
    """Update an index whenever its documents change, until `stop` is set or the process is interrupted.

    Gives the reports of the updates that changed something.
    """
    store = open_store(folder)
    due, told, pause, next_try = False, "", FIRST_RETRY, 0.0
    for changed in _looks(store, stop or Event()):
        due = due or changed
        if not due or time.monotonic() < next_try:
            continue
        try:
            report = build.index((), folder, retry=False, wait=WAIT)
        except (AskdocError, OSError) as error:
            next_try = time.monotonic() + pause
            if str(error) != told:
                yield Trouble(str(error), pause)
            told, pause = str(error), min(2 * pause, LAST_RETRY)
        else:
            due, told, pause, next_try = False, "", FIRST_RETRY, 0.0
            if report.news:
                yield report


# What changes ---------------------------------------------------------------------------------------------------------


def _looks(store: IndexStore, stop: Event) -> Iterator[bool]:
    """Whether anything has changed, at least once every `LOOK_MS`. The first answer is always yes."""
    paths = _paths(store)
    while not stop.is_set():
        try:
            yield from _looks_at(store, paths, stop)
        except FileNotFoundError:  # a folder disappeared just before it was to be watched
            stop.wait(LOOK_MS / 1000)
        except OSError as error:
            raise AskdocError(
                f"the system cannot watch these folders: {error}",
                hint="if there are too many: raise fs.inotify.max_user_watches, or set WATCHFILES_FORCE_POLLING=1",
            ) from error
        with suppress(AskdocError):  # the update reports an index that cannot be read
            paths = _paths(store)


def _looks_at(store: IndexStore, paths: Sequence[Path], stop: Event) -> Iterator[bool]:
    """The same, until other paths are indexed or a folder is replaced."""
    from watchfiles import watch as changes

    marks, folders, stamp = _marks(paths), _folders(paths), store.stamp()
    first = True
    for events in changes(
        *folders, watch_filter=_Wanted(store.address, list(folders)), debounce=LONGEST_MS, step=QUIET_MS,
        rust_timeout=LOOK_MS, yield_on_timeout=True, stop_event=stop, ignore_permission_denied=True,
    ):  # fmt: skip
        before, marks = marks, _marks(paths)
        yield first or bool(events) or marks != before
        first = False
        if _folders(paths) != folders or any(Path(path) in folders for _, path in events):
            return
        if store.stamp() != stamp:
            stamp = store.stamp()
            with suppress(AskdocError):
                if _paths(store) != list(paths):
                    return


def _paths(store: IndexStore) -> list[Path]:
    known = store.state().known()
    return [known.root / path for path in known.paths]


def _marks(paths: Sequence[Path]) -> list[Mark]:
    return [_mark(path) for path in paths]


def _folders(paths: Sequence[Path]) -> dict[Path, Mark]:
    """The existing folders among the paths, each with a mark that differs once it is replaced."""
    return {path: _mark(path) for path in paths if path.is_dir()}


def _mark(path: Path) -> Mark:
    try:
        status = path.stat()
    except OSError:
        return None
    if path.is_dir():  # changes inside it are reported
        return status.st_dev, status.st_ino
    return status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns


class _Wanted:
    """Which changes matter: none in the index itself or in files that are never read. `.gitignore` matters."""

    def __init__(self, index: str, folders: Sequence[Path]) -> None:
        self._index = os.path.realpath(index)
        self._roots = sorted((str(folder) for folder in folders), key=len, reverse=True)

    def __call__(self, change: object, path: str) -> bool:
        if path == self._index or path.startswith(os.path.join(self._index, "")):  # noqa: PTH118  # called very often
            return False
        root = next((root for root in self._roots if path.startswith(root)), "")
        return all(_is_watched(name) for name in Path(path[len(root) :].lstrip(os.sep)).parts)


def _is_watched(name: str) -> bool:
    return name in (GITIGNORE, ASKDOCIGNORE) or not (name.startswith(".") or name in PACKAGES)
