"""Paths that a person named → the files to read, and what was left out with the reason."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from askdoc.errors import UsageError
from askdoc.loaders import HEAD_BYTES, find_loader
from askdoc.types import Skipped

MAX_BYTES = 256 * 1024 * 1024  # a file's bytes, text and passages are in memory together, about ten times its size
_INDEX_PARTS = (
    ("generations", "manifest.json"),
    ("generations", "writer.lock"),
)  # an askdoc index, and one in the making
_HIDDEN = "hidden"


@dataclass(frozen=True, slots=True)
class Found:
    """What there is to read.

    files: absolute, symbolic links resolved, sorted, each once.
    skipped: sorted by path; a path begins as it was given.
    """

    files: tuple[Path, ...]
    skipped: tuple[Skipped, ...]


def find_files(paths: Sequence[Path]) -> Found:
    """Look through files and folders, and folders in them, for files that have a loader.

    In folders, hidden entries, unknown formats and links that lead out of the folder are left out. A file that is named
    itself may be hidden, and of any format if it looks like text. Raises UsageError if a path does not exist.
    """
    search = _Search()
    for path in paths:
        search.named(path)
    skipped = [entry for place, entry in search.skipped.items() if not search.has_read(place, entry)]
    return Found(tuple(sorted(search.files)), tuple(sorted(skipped, key=lambda entry: (entry.path, entry.reason))))


@dataclass(slots=True)
class _Search:
    """What was found so far, by resolved path, so that nothing counts twice however it was reached."""

    files: set[Path] = field(default_factory=set)
    skipped: dict[Path, Skipped] = field(default_factory=dict)
    visited: set[Path] = field(default_factory=set)

    def named(self, path: Path) -> None:
        try:
            place = _resolved(path)
            is_folder = stat.S_ISDIR(place.stat().st_mode)
        except (OSError, ValueError) as error:
            raise _unusable(path, error) from error
        if is_folder:
            self._folders(place, path)
        else:
            self._file(place, path, _why_not_named(place))

    def has_read(self, place: Path, entry: Skipped) -> bool:
        """Whether what was left out in one folder was found another way, as a hidden file that is also named."""
        return place in self.files or (entry.reason == _HIDDEN and place in self.visited)

    def _folders(self, root: Path, shown: Path) -> None:
        """Walk without recursion: folders may be nested deeper than Python's stack."""
        waiting = [(root, shown)]
        while waiting:
            folder, name = waiting.pop()
            if folder not in self.visited:
                self.visited.add(folder)
                waiting.extend(self._folder(root, folder, name))

    def _folder(self, root: Path, folder: Path, shown: Path) -> Iterator[tuple[Path, Path]]:
        """Sort one folder's entries into files and skipped; yields the folders in it."""
        try:
            entries = sorted(folder.iterdir())
        except OSError as error:
            self._skip(folder, shown, _cannot_be_opened(error))
            return
        if any(all(folder / part in entries for part in parts) for parts in _INDEX_PARTS):
            self._skip(folder, shown, "an askdoc index")
            return
        for entry in entries:
            place, reason = _place(root, entry)
            if reason is None and _is_folder(place):
                yield place, shown / entry.name
            else:
                self._file(place, shown / entry.name, reason or _why_not_met(place))

    def _file(self, place: Path, shown: Path, reason: str | None) -> None:
        if reason is None:
            self.files.add(place)
        else:
            self._skip(place, shown, reason)

    def _skip(self, place: Path, shown: Path, reason: str) -> None:
        self.skipped.setdefault(place, Skipped(_writable(str(shown)), reason))


def _unusable(path: Path, error: OSError | ValueError) -> UsageError:
    if isinstance(error, PermissionError):
        return UsageError(f"{_writable(str(path))} cannot be opened", hint="check who may read it: ls -ld")
    return UsageError(
        f"there is no file or folder {_writable(str(path))}", hint="check the spelling, and the folder you are in: pwd"
    )


def _resolved(path: Path) -> Path:
    return Path(os.path.realpath(path))  # unlike Path.resolve, it has no exception of its own for links in a circle


def _place(root: Path, entry: Path) -> tuple[Path, str | None]:
    """Where an entry of a folder really is, and why it is left out, if its name or where it leads already tells."""
    if entry.name.startswith("."):
        return entry, _HIDDEN
    if not entry.is_symlink():
        return entry, None
    place = _resolved(entry)
    if not place.is_relative_to(root):
        return entry, "a link that leads out of the folder"
    return (place, None) if os.path.lexists(place) and not place.is_symlink() else (entry, "a link that leads nowhere")


def _is_folder(place: Path) -> bool:
    try:
        return place.is_dir()
    except OSError:  # its own reason is told when it is tried as a file
        return False


def _why_not_met(place: Path) -> str | None:
    return _why_not_readable(place) or (None if find_loader(place.name) else _no_loader(place))


def _why_not_named(place: Path) -> str | None:
    reason = _why_not_readable(place)
    if reason or find_loader(place.name):
        return reason
    try:
        with place.open("rb") as file:
            head = file.read(HEAD_BYTES)
    except OSError as error:
        return _cannot_be_opened(error)
    return None if find_loader(place.name, head) else _no_loader(place)


def _why_not_readable(place: Path) -> str | None:
    try:
        status = place.stat()
    except OSError as error:
        return _cannot_be_opened(error)
    if not stat.S_ISREG(status.st_mode):
        return "not a regular file"  # reading a pipe or a device may never end
    if status.st_size > MAX_BYTES:
        return f"larger than {MAX_BYTES // 1024**2} MiB"
    return None if _writable(str(place)) == str(place) else "its name is not UTF-8, so it could not be cited"


def _cannot_be_opened(error: OSError) -> str:
    return f"cannot be opened: {(error.strerror or 'unknown reason').lower()}"


def _no_loader(place: Path) -> str:
    return f"no loader for {_writable(place.suffix)} files" if place.suffix else "no loader for files without an ending"


def _writable(name: str) -> str:
    r"""A file name as text that can be written: a byte that is not UTF-8 as "\udcff"."""
    return name.encode("utf-8", "backslashreplace").decode()
