"""What changed in the files since they were indexed: one diff for asking, indexing, watching, status and verify.

A file with the same size and modification time counts as the same, unless it was modified at about the time of
indexing: it may have changed again within one tick of the file system's clock. All other files are hashed.
"""

from __future__ import annotations

import dataclasses
import hashlib
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from math import inf
from pathlib import Path

from askdoc.errors import UsageError
from askdoc.progress import Progress
from askdoc.sources.selection import Selection, find_files
from askdoc.types import DocumentEntry, Failed, Skipped, Source

SETTLED_SECONDS = 2.0  # the coarsest tick of a file system's clock


@dataclass(frozen=True, slots=True)
class Known:
    """What an index knows of its files."""

    root: Path  # absolute; the folder that document paths start from
    paths: tuple[str, ...]  # the indexed paths as the user named them, relative to the root
    selection: Selection
    created: str  # time of indexing, ISO 8601; empty: never indexed
    documents: Sequence[DocumentEntry]
    failed: Sequence[Failed]


@dataclass(frozen=True, slots=True)
class Changes:
    """The diff of an index and its files. Every file is in one list; paths are relative to the root, as in `Known`."""

    fresh: tuple[DocumentEntry, ...] = ()  # same size and time
    touched: tuple[DocumentEntry, ...] = ()  # same bytes, another time; the source is the present one
    moved: tuple[tuple[DocumentEntry, Source], ...] = ()  # same bytes, another path
    changed: tuple[tuple[DocumentEntry, Source], ...] = ()  # other bytes; sha256 is empty if `hash_bytes` was used up
    new: tuple[Source, ...] = ()
    missing: tuple[DocumentEntry, ...] = ()  # the file no longer exists
    unwanted: tuple[DocumentEntry, ...] = ()  # the file exists, but a rule leaves it out now
    failing: tuple[Failed, ...] = ()  # could not be read before, and has not changed; not tried again
    unreadable: tuple[Failed, ...] = ()  # cannot be opened now
    skipped: tuple[Skipped, ...] = ()  # left out unread
    complete: bool = True  # all folders were walked and all files that look changed were hashed

    def __bool__(self) -> bool:
        """Is there anything that an update would take in?"""
        return bool(self.moved or self.changed or self.new or self.missing or self.unwanted or self.unreadable)

    def by_path(self) -> dict[str, str]:
        """The files that are not as they were, with what happened: changed, missing, new or unwanted."""
        events = dict.fromkeys((entry.source.path for entry, _ in self.changed), "changed")
        events |= dict.fromkeys((entry.source.path for entry, _ in self.moved), "missing")
        events |= dict.fromkeys((source.path for _, source in self.moved), "new")
        events |= dict.fromkeys((source.path for source in self.new), "new")
        events |= dict.fromkeys((failed.source.path for failed in self.unreadable), "new")
        events |= dict.fromkeys((entry.source.path for entry in self.missing), "missing")
        return events | dict.fromkeys((entry.source.path for entry in self.unwanted), "unwanted")

    def sources(self) -> Iterable[Source]:
        """All documents as they are now."""
        yield from (entry.source for entry in (*self.fresh, *self.touched))
        yield from (source for _, source in (*self.moved, *self.changed))
        yield from self.new


def find_changes(
    known: Known,
    *,
    retry: bool = False,
    walk: bool = True,
    hash_bytes: float = inf,
    progress: Progress | None = None,
) -> Changes:
    """Compare what an index knows of its files with the files as they are now.

    retry: count unchanged files that could not be read as new. walk: search the folders for new files; False looks only
    at known files. hash_bytes: hash files up to this many bytes in all; beyond it, files that look changed count as
    changed. Raises `UsageError` if none of the indexed paths exists any more.
    """
    return _Comparison(known, retry, hash_bytes, progress).run(walk=walk)


def is_unchanged(root: str, source: Source, settled_ns: float = inf) -> bool:
    """Has a file the size and time of its source? Never if modified after `settled_ns`. Does not read the file."""
    try:
        stat = os.stat(os.path.join(root, source.path))  # noqa: PTH116, PTH118  # fast: there may be thousands of files
    except OSError:
        return False
    return (stat.st_size, stat.st_mtime_ns) == (source.size, source.mtime_ns) and stat.st_mtime_ns < settled_ns


def is_intact(root: Path, source: Source) -> bool:
    """Is a file still the same as its source, byte for byte? Reads the file."""
    try:
        return hash_file(root / source.path) == source.sha256
    except OSError:
        return False


def source_of(file: Path, path: str) -> Source:
    """The source of a file as it is now. path: as cited, relative to the root. Raises `OSError`."""
    stat = file.stat()
    return Source(path, hash_file(file), stat.st_size, stat.st_mtime_ns)


def hash_file(path: Path) -> str:
    """The sha256 of a file, hexadecimal. Raises `OSError`."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def relative_to(path: Path, start: Path) -> str:
    """A path relative to a folder, with forward slashes."""
    text, prefix = str(path), os.path.join(start, "")  # noqa: PTH118  # fast: there may be thousands of files
    if text.startswith(prefix) and os.pardir not in text:
        return text[len(prefix) :].replace(os.sep, "/")
    return Path(os.path.relpath(path, start)).as_posix()


def existing(root: Path, paths: Iterable[str]) -> list[Path]:
    """The indexed paths that exist now."""
    return [root / path for path in paths if _exists(root / path)]


def _exists(path: Path) -> bool:
    return os.path.exists(path)  # noqa: PTH110  # unlike Path.exists, it never raises


def _settled_ns(created: str) -> float:
    return (datetime.fromisoformat(created).timestamp() - SETTLED_SECONDS) * 1e9 if created else 0.0


class _Comparison:
    """The work of `find_changes`."""

    def __init__(self, known: Known, retry: bool, hash_bytes: float, progress: Progress | None) -> None:
        self.known, self.hash_bytes, self.progress = known, hash_bytes, progress
        self.root = str(known.root)
        self.settled = _settled_ns(known.created)
        self.entries = {entry.source.path: entry for entry in known.documents}
        still_failing = [] if retry else [failed for failed in known.failed if self._still_fails(failed)]
        self.failing = {failed.source.path: failed for failed in still_failing}
        self.complete = True
        self.fresh: list[DocumentEntry] = []
        self.touched: list[DocumentEntry] = []
        self.changed: list[tuple[DocumentEntry, Source]] = []
        self.new: list[Source] = []
        self.unreadable: list[Failed] = []

    def run(self, *, walk: bool) -> Changes:
        files, skipped = self._files(walk)
        for number, (path, file) in enumerate(files.items()):
            if path in self.failing:
                continue
            entry = self.entries.get(path)
            if entry is not None and is_unchanged(self.root, entry.source, self.settled):
                self.fresh.append(entry)
                continue
            if self.progress is not None:
                self.progress("reading", number, len(files))
            self._compare(file, path, entry)
        absent = [entry for path, entry in self.entries.items() if path not in files]
        missing = [entry for entry in absent if not _exists(self.known.root / entry.source.path)]
        unwanted = [entry for entry in absent if _exists(self.known.root / entry.source.path)]
        moved = self._moves(missing + unwanted)
        moved_ids = {entry.id for entry, _ in moved}
        new_paths = {source.path for _, source in moved}
        return Changes(
            fresh=tuple(self.fresh),
            touched=tuple(self.touched),
            moved=tuple(moved),
            changed=tuple(self.changed),
            new=tuple(source for source in self.new if source.path not in new_paths),
            missing=tuple(entry for entry in missing if entry.id not in moved_ids),
            unwanted=tuple(entry for entry in unwanted if entry.id not in moved_ids),
            failing=tuple(failed for path, failed in self.failing.items() if path in files),
            unreadable=tuple(self.unreadable),
            skipped=skipped,
            complete=self.complete and walk,
        )

    def _files(self, walk: bool) -> tuple[dict[str, Path], tuple[Skipped, ...]]:
        """The files to look at, by path, and the files left out. An indexed path that does not exist holds no files."""
        root = self.known.root
        if not walk:
            known = {path: root / path for path in [*self.entries, *self.failing]}
            return {path: file for path, file in known.items() if _exists(file)}, ()
        paths = existing(root, self.known.paths)
        if self.known.paths and not paths:  # more likely a mistake than that all files were removed
            raise UsageError(
                f"none of the indexed paths exists any more: {', '.join(self.known.paths)}",
                hint="if they moved, name the new paths: askdoc index PATH…",
            )
        found = find_files(paths, self.known.selection)
        files = {relative_to(file, root): file for file in found.files}
        return files, tuple(Skipped(relative_to(Path(skipped.path), root), skipped.reason) for skipped in found.skipped)

    def _compare(self, file: Path, path: str, entry: DocumentEntry | None) -> None:
        """Hash a file that is new, or looks changed."""
        try:
            stat = file.stat()
            self.hash_bytes -= stat.st_size
            if self.hash_bytes < 0:
                self.complete = False
                source = Source(path, "", stat.st_size, stat.st_mtime_ns)
            else:
                source = source_of(file, path)
        except OSError as error:
            self.unreadable.append(Failed(Source(path, "", 0, 0), error.strerror or str(error)))
            return
        if entry is None:
            self.new.append(source)
        elif source.sha256 == entry.source.sha256:
            self.touched.append(dataclasses.replace(entry, source=source))
        else:
            self.changed.append((entry, source))

    def _moves(self, gone: Iterable[DocumentEntry]) -> list[tuple[DocumentEntry, Source]]:
        """Files that were only moved or renamed, without a change of format: they keep their passages."""
        by_hash = {entry.source.sha256: entry for entry in gone}
        moves = []
        for source in self.new:
            entry = by_hash.get(source.sha256)
            if entry is not None and Path(entry.source.path).suffix == Path(source.path).suffix:
                moves.append((by_hash.pop(source.sha256), source))
        return moves

    def _still_fails(self, failed: Failed) -> bool:
        """Is a file that could not be read still the same?"""
        if not failed.source.sha256:  # it could not be opened
            return not os.access(self.known.root / failed.source.path, os.R_OK)
        return is_unchanged(self.root, failed.source)
