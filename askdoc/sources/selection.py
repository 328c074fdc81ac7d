"""Named paths → the files to read, and the files left out with the reason."""

from __future__ import annotations

import os
import re
import stat
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from askdoc.errors import UsageError
from askdoc.loaders import HEAD_BYTES, find_loader
from askdoc.sources import ignore
from askdoc.sources.ignore import Ignores, Rules
from askdoc.types import LeftOut, Skipped

MAX_BYTES = 256_000_000  # bytes, text and passages of a file are in memory together, about ten times its size
EXAMPLES = 20  # paths that are kept for each reason to leave files out
PACKAGES = ("node_modules", "__pycache__")  # folders of programs, not of documents
_INDEX_PARTS = ({"generations", "manifest.json"}, {"generations", "writer.lock"})  # an index; a first build of one
_HIDDEN = "hidden"
_UNITS = {"": 1, "k": 10**3, "m": 10**6, "g": 10**9, "ki": 2**10, "mi": 2**20, "gi": 2**30}


@dataclass(frozen=True, slots=True)
class Selection:
    """Which files in folders are wanted. Patterns are in gitignore's syntax, relative to each indexed folder."""

    include: tuple[str, ...] = ()  # if there are any, only files that match one are wanted
    exclude: tuple[str, ...] = ()  # files and folders that are not wanted
    max_bytes: int = MAX_BYTES  # larger files are left out


@dataclass(frozen=True, slots=True)
class Found:
    """The files to read, and the files left out."""

    files: tuple[Path, ...]  # absolute, symbolic links resolved, sorted, each once
    skipped: tuple[Skipped, ...]  # sorted by path; paths begin as they were named; a folder left out counts once


def find_files(paths: Sequence[Path], selection: Selection | None = None) -> Found:
    """Find the files that have a loader, in the named files and folders and all folders below.

    Left out are files that an ignore file or the selection excludes, hidden files and folders, folders of packages,
    unknown formats, and links that lead out of the folder. None of this applies to a file that is named itself; it may
    even have any format, if it looks like text. Raises `UsageError` if a path does not exist.
    """
    search = _Search(selection or Selection())
    for path in paths:
        search.add(path)
    skipped = [entry for path, entry in search.skipped.items() if not search.has_read(path)]
    files = tuple(Path(file) for file in sorted(search.files))
    return Found(files, tuple(sorted(skipped, key=lambda entry: (entry.path, entry.reason))))


def grouped(skipped: Sequence[Skipped], *, examples: int = EXAMPLES) -> tuple[LeftOut, ...]:
    """The files left out, grouped by reason, the most frequent first; at most `examples` paths of each."""
    counts = Counter(entry.reason for entry in skipped)
    paths: dict[str, list[str]] = {reason: [] for reason in counts}
    for entry in sorted(skipped, key=lambda entry: entry.path):
        if len(paths[entry.reason]) < examples:
            paths[entry.reason].append(entry.path)
    ordered = sorted(counts, key=lambda reason: (-counts[reason], reason))
    return tuple(LeftOut(reason, counts[reason], tuple(paths[reason])) for reason in ordered)


def parse_size(text: str) -> int:
    """A size in bytes as people write it: `5000`, `500kB`, `256MB`, `1.5 GiB`. Raises `UsageError`."""
    match = re.fullmatch(r"\s*(\d{1,12}(?:\.\d{1,9})?)\s*([kmg]i?)?b?\s*", text.lower())
    if match is None or (size := int(float(match[1]) * _UNITS[match[2] or ""])) < 1:
        raise UsageError(f"{text!r} is not a size", hint="for example 256MB")
    return size


def size_in_words(number: int) -> str:
    """A number of bytes in the largest unit in which it is at least 1: `12.3 kB`, `256 MB`."""
    value, unit = float(number), "B"
    for larger in ("kB", "MB", "GB", "TB"):
        if value < 1000:
            break
        value, unit = value / 1000, larger
    return f"{value:.1f}".removesuffix(".0") + f" {unit}"


@dataclass(slots=True)
class _Search:
    """The results so far, by resolved path, so that a file counts once, however it was reached."""

    selection: Selection
    files: set[str] = field(default_factory=set)
    skipped: dict[str, Skipped] = field(default_factory=dict)
    visited: set[str] = field(default_factory=set)  # folders
    listed: set[str] = field(default_factory=set)  # folders whose entries were read

    def add(self, named: Path) -> None:
        """Add a file, or the files of a folder, that the user named."""
        try:
            path = os.path.realpath(named)  # unlike Path.resolve, it does not raise for links in a circle
            is_folder = stat.S_ISDIR(os.stat(path).st_mode)  # noqa: PTH116  # a search is thousands of strings
        except (OSError, ValueError) as error:
            raise _unusable(named, error) from error
        if is_folder:
            _Walk(self, path, self.selection).run(str(named))
        else:
            self.file(path, str(named), self._why_not_named(path))

    def has_read(self, path: str) -> bool:
        """Was a path that one folder leaves out reached another way, such as a hidden file that is also named?"""
        return path in self.files or path in self.listed

    def file(self, path: str, shown: str, reason: str | None) -> None:
        """Add a file, or leave it out for a reason. shown: its path as the user would write it."""
        if reason is None:
            self.files.add(path)
        else:
            self.skip(path, shown, reason)

    def skip(self, path: str, shown: str, reason: str) -> None:
        self.skipped.setdefault(path, Skipped(_writable(shown), reason))

    def why_not_readable(self, path: str) -> str | None:
        try:
            status = os.stat(path)  # noqa: PTH116
        except OSError as error:
            return _cannot_be_opened(error)
        if not stat.S_ISREG(status.st_mode):
            return "not a regular file"  # reading a pipe or a device may never end
        if status.st_size > self.selection.max_bytes:
            return f"larger than {size_in_words(self.selection.max_bytes)}"
        return None if _writable(path) == path else "its name is not UTF-8, so it could not be cited"

    def _why_not_named(self, path: str) -> str | None:
        reason = self.why_not_readable(path)
        if reason or _has_loader(path):
            return reason
        try:
            with Path(path).open("rb") as file:
                head = file.read(HEAD_BYTES)
        except OSError as error:
            return _cannot_be_opened(error)
        return None if find_loader(Path(path).name, head) else _no_loader(path)


class _Walk:
    """The search of one named folder, without recursion: folders may be nested deeper than Python's stack."""

    def __init__(self, search: _Search, root: str, selection: Selection) -> None:
        self.search = search
        self.root = root
        self.prefix = os.path.join(root, "")  # noqa: PTH118  # of every path in the folder
        self.included = self._rules(selection.include, ignore.NOT_INCLUDED)
        self.excluded = self._rules(selection.exclude, ignore.EXCLUDED)

    def _rules(self, patterns: Sequence[str], reason: str) -> Rules | None:
        return ignore.compile_rules(self.root, patterns, reason=reason) if patterns else None

    def run(self, shown: str) -> None:
        waiting = [(self.root, shown, self._ignores_of(self.root))]
        while waiting:
            folder, shown, ignores = waiting.pop()
            if folder not in self.search.visited:
                self.search.visited.add(folder)
                waiting.extend(self._folder(folder, shown, ignores))

    def _ignores_of(self, folder: str) -> Ignores:
        try:
            return Ignores.of(folder, excluded=self.excluded)
        except OSError as error:
            self.search.skip(str(error.filename), str(error.filename), _cannot_be_opened(error))
            return Ignores(excluded=(self.excluded,) if self.excluded else ())

    def _folder(self, folder: str, shown: str, ignores: Ignores) -> Iterator[tuple[str, str, Ignores]]:
        """Sort one folder's entries into files and skipped; yields the folders in it."""
        try:
            with os.scandir(folder) as listing:
                entries = {entry.name: entry for entry in listing}
        except OSError as error:
            self.search.skip(folder, shown, _cannot_be_opened(error))
            return
        if any(entries.keys() >= parts for parts in _INDEX_PARTS):
            self.search.skip(folder, shown, "an askdoc index")
            return
        self.search.listed.add(folder)
        ignores = self._entered(folder, shown, entries, ignores)
        for name, entry in sorted(entries.items()):
            entry_shown = os.path.join(shown, name)  # noqa: PTH118
            path, is_folder, reason = self._look(entry, ignores)
            if is_folder and reason is None:
                linked = path != entry.path
                yield path, entry_shown, self._ignores_of(path) if linked else ignores
            else:
                self.search.file(path, entry_shown, reason)

    def _entered(self, folder: str, shown: str, entries: Mapping[str, os.DirEntry[str]], ignores: Ignores) -> Ignores:
        """The rules, with those of this folder added."""
        names = (ignore.GITIGNORE, ignore.ASKDOCIGNORE)
        files = {name: entries[name].path for name in names if name in entries and _is_plain_file(entries[name])}
        if ignore.GIT in entries:
            files[ignore.GIT] = entries[ignore.GIT].path
        try:
            return ignores.inside(folder, files) if files else ignores
        except OSError as error:
            name = os.path.relpath(str(error.filename), folder)
            self.search.skip(str(error.filename), os.path.join(shown, name), _cannot_be_opened(error))  # noqa: PTH118
            return ignores

    def _look(self, entry: os.DirEntry[str], ignores: Ignores) -> tuple[str, bool, str | None]:
        """The resolved path of an entry, whether it is a folder, and why it is left out (None if it is not)."""
        is_folder = _is_folder(entry)
        reason = self._why_not_wanted(entry, ignores, is_folder=is_folder)
        if reason is not None:
            return entry.path, is_folder, reason
        path, reason = self._follow(entry)
        if reason is None and not is_folder:
            reason = self.search.why_not_readable(path) if _has_loader(path) else _no_loader(path)
        return path, is_folder, reason

    def _why_not_wanted(self, entry: os.DirEntry[str], ignores: Ignores, *, is_folder: bool) -> str | None:
        """Why an entry's name or the rules leave it out; None if they do not."""
        if entry.name.startswith("."):
            return _HIDDEN
        if is_folder and entry.name in PACKAGES:
            return "a folder of packages, not of documents"
        reason = ignores.why(entry.path, is_folder=is_folder and not entry.is_symlink())  # for git, a link is a file
        if reason is None and not is_folder and self.included and not self.included.covers(entry.path):
            return self.included.reason
        return reason

    def _follow(self, entry: os.DirEntry[str]) -> tuple[str, str | None]:
        """The resolved path of an entry, and why it is left out if it is a link that cannot be followed."""
        if not entry.is_symlink():
            return entry.path, None
        path = os.path.realpath(entry.path)
        if path != self.root and not path.startswith(self.prefix):
            return entry.path, "a link that leads out of the folder"
        if not os.path.lexists(path) or os.path.islink(path):  # noqa: PTH114
            return entry.path, "a link that leads nowhere"
        return path, None


def _unusable(path: Path, error: OSError | ValueError) -> UsageError:
    if isinstance(error, PermissionError):
        return UsageError(f"{_writable(str(path))} cannot be opened", hint="check who may read it: ls -ld")
    return UsageError(
        f"there is no file or folder {_writable(str(path))}", hint="check the spelling, and the folder you are in: pwd"
    )


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # reported when it is opened as a file
        return False


def _is_plain_file(entry: os.DirEntry[str]) -> bool:
    """Is an entry a file and not a link? Git does not follow links to ignore files."""
    return entry.is_file(follow_symlinks=False)


def _has_loader(path: str) -> bool:
    """Is the format known by the file's ending?"""
    return find_loader(path) is not None


def _cannot_be_opened(error: OSError) -> str:
    return f"cannot be opened: {(error.strerror or 'unknown reason').lower()}"


def _no_loader(path: str) -> str:
    ending = _writable(os.path.splitext(path)[1])  # noqa: PTH122
    return f"no loader for {ending} files" if ending else "no loader for files without an ending"


def _writable(name: str) -> str:
    r"""A file name as text that can be written: bytes that are not UTF-8 as "\udcff"."""
    return name.encode("utf-8", "backslashreplace").decode()
