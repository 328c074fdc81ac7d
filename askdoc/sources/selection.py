"""Paths that a person named → the files to read, and what was left out with the reason."""

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

MAX_BYTES = 256_000_000  # a file's bytes, text and passages are in memory together, about ten times its size
EXAMPLES = 20  # paths that are remembered of those that were left out for one reason
_INDEX_PARTS = ({"generations", "manifest.json"}, {"generations", "writer.lock"})  # an index, and one in the making
_HIDDEN = "hidden"
PACKAGES = ("node_modules", "__pycache__")  # folders that programs fill, and that no person wrote in
_UNITS = {"": 1, "k": 10**3, "m": 10**6, "g": 10**9, "ki": 2**10, "mi": 2**20, "gi": 2**30}


@dataclass(frozen=True, slots=True)
class Selection:
    """Which of the files in folders a person wants.

    include: patterns; if there are any, only files that fit one. exclude: patterns of files and folders that are not
    wanted; both in gitignore's syntax, relative to each indexed folder. max_bytes: a larger file is left out.
    """

    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    max_bytes: int = MAX_BYTES


@dataclass(frozen=True, slots=True)
class Found:
    """What there is to read.

    files: absolute, symbolic links resolved, sorted, each once.
    skipped: sorted by path; a path begins as it was given. A folder that was left out counts once.
    """

    files: tuple[Path, ...]
    skipped: tuple[Skipped, ...]


def find_files(paths: Sequence[Path], selection: Selection | None = None) -> Found:
    """Look through files and folders, and folders in them, for files that have a loader.

    In folders, what an ignore file or the selection leaves out, hidden entries, folders of packages, unknown formats
    and links that lead out of the folder are left out. A file that is named itself may be any of them, and of any
    format if it looks like text. Raises UsageError if a path does not exist.
    """
    search = _Search(selection or Selection())
    for path in paths:
        search.named(path)
    skipped = [entry for place, entry in search.skipped.items() if not search.has_read(place)]
    files = tuple(Path(file) for file in sorted(search.files))
    return Found(files, tuple(sorted(skipped, key=lambda entry: (entry.path, entry.reason))))


def grouped(skipped: Sequence[Skipped], *, examples: int = EXAMPLES) -> tuple[LeftOut, ...]:
    """What was left out by its reason, the most frequent first, with the first paths of each as examples."""
    counts = Counter(one.reason for one in skipped)
    paths: dict[str, list[str]] = {reason: [] for reason in counts}
    for one in sorted(skipped, key=lambda one: one.path):
        if len(paths[one.reason]) < examples:
            paths[one.reason].append(one.path)
    ordered = sorted(counts, key=lambda reason: (-counts[reason], reason))
    return tuple(LeftOut(reason, counts[reason], tuple(paths[reason])) for reason in ordered)


def parse_size(text: str) -> int:
    """Bytes from what a person writes: `5000`, `500kB`, `256MB`, `1.5 GiB`. Raises UsageError."""
    found = re.fullmatch(r"\s*(\d{1,12}(?:\.\d{1,9})?)\s*([kmg]i?)?b?\s*", text.lower())
    if found is None or (size := int(float(found[1]) * _UNITS[found[2] or ""])) < 1:
        raise UsageError(f"{text!r} is no size", hint="for example 256MB")
    return size


def size_in_words(number: int) -> str:
    """Bytes in the largest unit that leaves at least one before the point: `12.3 kB`, `256 MB`."""
    value, unit = float(number), "B"
    for larger in ("kB", "MB", "GB", "TB"):
        if value < 1000:
            break
        value, unit = value / 1000, larger
    return f"{value:.1f}".removesuffix(".0") + f" {unit}"


@dataclass(slots=True)
class _Search:
    """What was found so far, by resolved path, so that nothing counts twice however it was reached."""

    selection: Selection
    files: set[str] = field(default_factory=set)
    skipped: dict[str, Skipped] = field(default_factory=dict)
    visited: set[str] = field(default_factory=set)
    listed: set[str] = field(default_factory=set)

    def named(self, path: Path) -> None:
        try:
            place = os.path.realpath(path)  # unlike Path.resolve, it has no exception of its own for links in a circle
            is_folder = stat.S_ISDIR(os.stat(place).st_mode)  # noqa: PTH116  # a search is thousands of strings
        except (OSError, ValueError) as error:
            raise _unusable(path, error) from error
        if is_folder:
            _Walk(self, place, self.selection).run(str(path))
        else:
            self.file(place, str(path), self._why_not_named(place))

    def has_read(self, place: str) -> bool:
        """Whether what was left out in one folder was found another way, as a hidden file that is also named."""
        return place in self.files or place in self.listed

    def file(self, place: str, shown: str, reason: str | None) -> None:
        if reason is None:
            self.files.add(place)
        else:
            self.skip(place, shown, reason)

    def skip(self, place: str, shown: str, reason: str) -> None:
        self.skipped.setdefault(place, Skipped(_writable(shown), reason))

    def why_not_readable(self, place: str) -> str | None:
        try:
            status = os.stat(place)  # noqa: PTH116
        except OSError as error:
            return _cannot_be_opened(error)
        if not stat.S_ISREG(status.st_mode):
            return "not a regular file"  # reading a pipe or a device may never end
        if status.st_size > self.selection.max_bytes:
            return f"larger than {size_in_words(self.selection.max_bytes)}"
        return None if _writable(place) == place else "its name is not UTF-8, so it could not be cited"

    def _why_not_named(self, place: str) -> str | None:
        reason = self.why_not_readable(place)
        if reason or _has_loader(place):
            return reason
        try:
            with Path(place).open("rb") as file:
                head = file.read(HEAD_BYTES)
        except OSError as error:
            return _cannot_be_opened(error)
        return None if find_loader(Path(place).name, head) else _no_loader(place)


class _Walk:
    """One named folder, looked through without recursion: folders may be nested deeper than Python's stack."""

    def __init__(self, search: _Search, root: str, selection: Selection) -> None:
        self.search = search
        self.root = root
        self.inside = os.path.join(root, "")  # noqa: PTH118  # what every path in the folder begins with
        self.included = self._rules(selection.include, ignore.NOT_INCLUDED)
        self.excluded = self._rules(selection.exclude, ignore.EXCLUDED)

    def _rules(self, patterns: Sequence[str], reason: str) -> Rules | None:
        return ignore.compile_rules(self.root, patterns, reason=reason) if patterns else None

    def run(self, shown: str) -> None:
        waiting = [(self.root, shown, self._ignores_of(self.root))]
        while waiting:
            folder, name, ignores = waiting.pop()
            if folder not in self.search.visited:
                self.search.visited.add(folder)
                waiting.extend(self._folder(folder, name, ignores))

    def _ignores_of(self, folder: str) -> Ignores:
        try:
            return Ignores.of(folder, excluded=self.excluded)
        except OSError as error:
            self.search.skip(str(error.filename), str(error.filename), _cannot_be_opened(error))
            return Ignores(excluded=(self.excluded,) if self.excluded else ())

    def _folder(self, folder: str, shown: str, ignores: Ignores) -> Iterator[tuple[str, str, Ignores]]:
        """Sort one folder's entries into files and skipped; yields the folders in it."""
        try:
            with os.scandir(folder) as found:
                entries = {entry.name: entry for entry in found}
        except OSError as error:
            self.search.skip(folder, shown, _cannot_be_opened(error))
            return
        if any(entries.keys() >= parts for parts in _INDEX_PARTS):
            self.search.skip(folder, shown, "an askdoc index")
            return
        self.search.listed.add(folder)
        ignores = self._entered(folder, shown, entries, ignores)
        for name, entry in sorted(entries.items()):
            path = os.path.join(shown, name)  # noqa: PTH118
            place, is_folder, reason = self._look(entry, ignores)
            if is_folder and reason is None:
                linked = place != entry.path
                yield place, path, self._ignores_of(place) if linked else ignores
            else:
                self.search.file(place, path, reason)

    def _entered(self, folder: str, shown: str, entries: Mapping[str, os.DirEntry[str]], ignores: Ignores) -> Ignores:
        """The rules with those that this folder adds."""
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
        """Where an entry of a folder really is, whether that is a folder, and why it is left out."""
        is_folder = _is_folder(entry)
        reason = self._why_not_wanted(entry, ignores, is_folder=is_folder)
        if reason is not None:
            return entry.path, is_folder, reason
        place, reason = self._follow(entry)
        if reason is None and not is_folder:
            reason = self.search.why_not_readable(place) if _has_loader(place) else _no_loader(place)
        return place, is_folder, reason

    def _why_not_wanted(self, entry: os.DirEntry[str], ignores: Ignores, *, is_folder: bool) -> str | None:
        """What its name and the rules say against an entry."""
        if entry.name.startswith("."):
            return _HIDDEN
        if is_folder and entry.name in PACKAGES:
            return "a folder of packages, not of documents"
        reason = ignores.why(entry.path, is_folder=is_folder and not entry.is_symlink())  # to git, a link is a file
        if reason is None and not is_folder and self.included and not self.included.covers(entry.path):
            return self.included.reason
        return reason

    def _follow(self, entry: os.DirEntry[str]) -> tuple[str, str | None]:
        """Where an entry really is, and why it is left out if it is a link that leads elsewhere."""
        if not entry.is_symlink():
            return entry.path, None
        place = os.path.realpath(entry.path)
        if place != self.root and not place.startswith(self.inside):
            return entry.path, "a link that leads out of the folder"
        if not os.path.lexists(place) or os.path.islink(place):  # noqa: PTH114
            return entry.path, "a link that leads nowhere"
        return place, None


def _unusable(path: Path, error: OSError | ValueError) -> UsageError:
    if isinstance(error, PermissionError):
        return UsageError(f"{_writable(str(path))} cannot be opened", hint="check who may read it: ls -ld")
    return UsageError(
        f"there is no file or folder {_writable(str(path))}", hint="check the spelling, and the folder you are in: pwd"
    )


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # its own reason is told when it is tried as a file
        return False


def _is_plain_file(entry: os.DirEntry[str]) -> bool:
    """No link either: git does not follow one to a rule file."""
    return entry.is_file(follow_symlinks=False)


def _has_loader(place: str) -> bool:
    """Known by its ending; the loader itself is not needed yet."""
    return find_loader(place) is not None


def _cannot_be_opened(error: OSError) -> str:
    return f"cannot be opened: {(error.strerror or 'unknown reason').lower()}"


def _no_loader(place: str) -> str:
    ending = _writable(os.path.splitext(place)[1])  # noqa: PTH122
    return f"no loader for {ending} files" if ending else "no loader for files without an ending"


def _writable(name: str) -> str:
    r"""A file name as text that can be written: a byte that is not UTF-8 as "\udcff"."""
    return name.encode("utf-8", "backslashreplace").decode()
