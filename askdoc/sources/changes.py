"""What happened to the files since they were indexed: the one diff, for asking, indexing, watching, status and verify.

A file of the same size and modification time is taken to be the same, unless it was modified at about the time of the
indexing: it may have changed again since, within the same tick of the file system's clock. All other files are hashed.
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

SETTLED_SECONDS = 2.0  # a file system's clock may be as coarse as that


@dataclass(frozen=True, slots=True)
class Known:
    """What an index knows of its files."""

    root: Path  # absolute; the folder that document paths start from
    paths: tuple[str, ...]  # what a person asked to index, relative to the root
    selection: Selection
    created: str  # when this was so, ISO 8601; empty: never
    documents: Sequence[DocumentEntry]
    failed: Sequence[Failed]


@dataclass(frozen=True, slots=True)
class Changes:
    """What happened. A file is in exactly one of the lists; paths are relative to the root, as in `Known`."""

    fresh: tuple[DocumentEntry, ...] = ()  # as they were: same size and time
    touched: tuple[DocumentEntry, ...] = ()  # as they were, with another time: with the source as it is now
    moved: tuple[tuple[DocumentEntry, Source], ...] = ()  # the same bytes under another path
    changed: tuple[tuple[DocumentEntry, Source], ...] = ()  # other bytes; not hashed, if they were too many: no sha256
    new: tuple[Source, ...] = ()
    missing: tuple[DocumentEntry, ...] = ()  # the file is not there
    unwanted: tuple[DocumentEntry, ...] = ()  # the file is there, and a rule leaves it out now
    failing: tuple[Failed, ...] = ()  # could not be read before and has not changed since: not tried
    unreadable: tuple[Failed, ...] = ()  # cannot be opened now
    skipped: tuple[Skipped, ...] = ()  # left out unread
    complete: bool = True  # all folders were walked and all suspects were hashed

    def __bool__(self) -> bool:
        """Is there anything that an update would take in?"""
        return bool(self.moved or self.changed or self.new or self.missing or self.unwanted or self.unreadable)

    def by_path(self) -> dict[str, str]:
        """What happened to each file that is not as it was: changed, missing, new or unwanted."""
        happened = dict.fromkeys((entry.source.path for entry, _ in self.changed), "changed")
        happened |= dict.fromkeys((entry.source.path for entry, _ in self.moved), "missing")
        happened |= dict.fromkeys((source.path for _, source in self.moved), "new")
        happened |= dict.fromkeys((source.path for source in self.new), "new")
        happened |= dict.fromkeys((failed.source.path for failed in self.unreadable), "new")
        happened |= dict.fromkeys((entry.source.path for entry in self.missing), "missing")
        return happened | dict.fromkeys((entry.source.path for entry in self.unwanted), "unwanted")

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
    """Compare an index's files with what is there now.

    retry: files that could not be read, and have not changed, count as new. walk: look through the folders for new
    files; otherwise only files that are known are looked at. hash_bytes: files are hashed up to this much in all; what
    is more, and looks changed, counts as changed. Raises `UsageError` if nothing that was indexed is there any more.
    """
    return _Comparison(known, retry, hash_bytes, progress).run(walk=walk)


def is_unchanged(root: str, source: Source, settled_ns: float = inf) -> bool:
    """Has a file the size and time of its source? Not if it was modified after `settled_ns`. Reads nothing."""
    try:
        stat = os.stat(os.path.join(root, source.path))  # noqa: PTH116, PTH118  # quick, for there may be thousands
    except OSError:
        return False
    return (stat.st_size, stat.st_mtime_ns) == (source.size, source.mtime_ns) and stat.st_mtime_ns < settled_ns


def is_intact(root: Path, source: Source) -> bool:
    """Is the file still what was indexed, byte for byte?"""
    try:
        return hash_file(root / source.path) == source.sha256
    except OSError:
        return False


def source_of(file: Path, path: str) -> Source:
    """A file as it is now, under the path that it is cited by. Raises `OSError`."""
    stat = file.stat()
    return Source(path, hash_file(file), stat.st_size, stat.st_mtime_ns)


def hash_file(path: Path) -> str:
    """sha256 of a file, hexadecimal."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def relative_to(path: Path, start: Path) -> str:
    """A path as seen from a folder, with forward slashes."""
    text, inside = str(path), os.path.join(start, "")  # noqa: PTH118  # quick, for there may be thousands
    if text.startswith(inside) and os.pardir not in text:
        return text[len(inside) :].replace(os.sep, "/")
    return Path(os.path.relpath(path, start)).as_posix()


def existing(root: Path, paths: Iterable[str]) -> list[Path]:
    """The indexed paths that are there now."""
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
        self.failing = {} if retry else {each.source.path: each for each in known.failed if self._still_fails(each)}
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
        gone = {entry.id for entry, _ in moved}
        arrived = {source.path for _, source in moved}
        return Changes(
            fresh=tuple(self.fresh),
            touched=tuple(self.touched),
            moved=tuple(moved),
            changed=tuple(self.changed),
            new=tuple(source for source in self.new if source.path not in arrived),
            missing=tuple(entry for entry in missing if entry.id not in gone),
            unwanted=tuple(entry for entry in unwanted if entry.id not in gone),
            failing=tuple(each for path, each in self.failing.items() if path in files),
            unreadable=tuple(self.unreadable),
            skipped=skipped,
            complete=self.complete and walk,
        )

    def _files(self, walk: bool) -> tuple[dict[str, Path], tuple[Skipped, ...]]:
        """The files to look at, by path, and what is left out. A path that is not there holds nothing."""
        root = self.known.root
        if not walk:
            known = {path: root / path for path in [*self.entries, *self.failing]}
            return {path: file for path, file in known.items() if _exists(file)}, ()
        there = existing(root, self.known.paths)
        if self.known.paths and not there:  # more likely a mistake than that all is gone
            raise UsageError(
                f"nothing that was indexed is there any more: {', '.join(self.known.paths)}",
                hint="if it moved, name it where it is now: askdoc index PATH…",
            )
        found = find_files(there, self.known.selection)
        files = {relative_to(file, root): file for file in found.files}
        return files, tuple(Skipped(relative_to(Path(each.path), root), each.reason) for each in found.skipped)

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
        """Files that were only moved or renamed, in the same format: they keep their passages."""
        by_hash = {entry.source.sha256: entry for entry in gone}
        moves = []
        for source in self.new:
            entry = by_hash.get(source.sha256)
            if entry is not None and Path(entry.source.path).suffix == Path(source.path).suffix:
                moves.append((by_hash.pop(source.sha256), source))
        return moves

    def _still_fails(self, failed: Failed) -> bool:
        """Has nothing happened to a file since it could not be read?"""
        if not failed.source.sha256:  # it could not even be opened
            return not os.access(self.known.root / failed.source.path, os.R_OK)
        return is_unchanged(self.root, failed.source)
