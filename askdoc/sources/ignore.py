"""What a folder's own rules leave out: `.gitignore` as git reads it, `.askdocignore`, and the patterns of a person.

All of them are written in gitignore's syntax (https://git-scm.com/docs/gitignore). Of several that speak of a file the
most particular decides: a person's patterns, then `.askdocignore`, then `.gitignore`; of each the deepest folder's, and
in one file the last line. `.gitignore` counts in git's working trees only, `.askdocignore` everywhere.

Not as git does: files that are tracked although a rule ignores them stay ignored, and the rules in a person's git
configuration (`core.excludesFile`) are not read, so that two people find the same in one folder.
"""

from __future__ import annotations

import os
import re
import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

GITIGNORE, ASKDOCIGNORE, GIT = ".gitignore", ".askdocignore", ".git"
EXCLUDED, NOT_INCLUDED = "excluded by --exclude", "not among --include"


@dataclass(frozen=True, slots=True)
class Rule:
    """One line. leaves_out: False for a line with `!`. only_folders: it ends with a slash."""

    regex: re.Pattern[str]
    leaves_out: bool
    only_folders: bool

    def fits(self, path: str, *, is_folder: bool) -> bool:
        """Does the line speak of this path itself, not only of a folder that it is in?"""
        found = self.regex.match(path) if is_folder or not self.only_folders else None
        return found is not None and found.lastgroup is None  # pathspec's one group: the slash after such a folder

    def fits_inside(self, path: str) -> bool:
        """Does the line speak of this file, or of a folder that it is in?"""
        found = self.regex.match(path)
        return found is not None and (not self.only_folders or found.lastgroup is not None)


@dataclass(frozen=True, slots=True)
class Rules:
    """The lines of one file, the last first. base: the absolute folder that they are relative to. reason: in words."""

    base: str
    reason: str
    lines: tuple[Rule, ...]

    def judge(self, place: str, *, is_folder: bool) -> bool | None:
        """Leave a path out (True), keep it (False), or say nothing of it (None)? The path lies below the base."""
        path = self._path(place)
        return next((rule.leaves_out for rule in self.lines if rule.fits(path, is_folder=is_folder)), None)

    def covers(self, place: str) -> bool:
        """Is a file among what the patterns name: itself, or by a folder that it is in?"""
        path = self._path(place)
        return next((rule.leaves_out for rule in self.lines if rule.fits_inside(path)), False)

    def _path(self, place: str) -> str:
        path = place[len(self.base) :].lstrip(os.sep)
        return path if os.sep == "/" else path.replace(os.sep, "/")


@dataclass(frozen=True, slots=True)
class Ignores:
    """All rules that hold in one folder: those of git and of askdoc, the outermost first, and a person's own.

    in_git: whether the folder is in a working tree of git.
    """

    git: tuple[Rules, ...] = ()
    askdoc: tuple[Rules, ...] = ()
    excluded: tuple[Rules, ...] = ()
    in_git: bool = False

    @classmethod
    def of(cls, folder: str, *, excluded: Rules | None = None) -> Ignores:
        """What holds in a folder that was named, its own files not yet read.

        That are the rules from the top of the working tree down to it; none of them if they leave out the folder
        itself: who names it wants it.
        """
        start = cls(excluded=(excluded,) if excluded else ())
        above = Path(folder).parents
        top = next((at for at, parent in enumerate(above) if os.path.lexists(parent / GIT)), None)
        if top is None or os.path.lexists(Path(folder) / GIT):
            return start
        ignores = cls()
        way = [str(parent) for parent in reversed(above[: top + 1])]
        for outer, inner in zip(way, [*way[1:], folder], strict=True):
            ignores = ignores.inside(outer, _rule_files(outer))
            if ignores.why(inner, is_folder=True):
                return replace(start, in_git=True)
        return replace(ignores, excluded=start.excluded)

    def inside(self, folder: str, files: Mapping[str, str]) -> Ignores:
        """What holds in a folder below, given the rule files that it has, by name. Raises `OSError`."""
        ignores = self
        if GIT in files:  # a working tree of its own
            ignores = replace(ignores, in_git=True, git=tuple(_excluded_for_all(folder, files[GIT])))
        if GITIGNORE in files and ignores.in_git:
            rules = read_rules(folder, files[GITIGNORE], reason="ignored by .gitignore")
            ignores = replace(ignores, git=(*ignores.git, rules))
        if ASKDOCIGNORE in files:
            rules = read_rules(folder, files[ASKDOCIGNORE], reason="ignored by .askdocignore")
            ignores = replace(ignores, askdoc=(*ignores.askdoc, rules))
        return ignores

    def why(self, place: str, *, is_folder: bool) -> str | None:
        """Why a path is left out; None if it is not. Its parents are taken not to be."""
        for kind in (self.excluded, self.askdoc, self.git):
            for rules in reversed(kind):
                verdict = rules.judge(place, is_folder=is_folder)
                if verdict is not None:
                    return rules.reason if verdict else None
        return None


def read_rules(base: str, file: str, *, reason: str) -> Rules:
    """The rules of one file; raises `OSError`."""
    text = Path(file).read_bytes().decode("utf-8", "surrogateescape").removeprefix("\ufeff")
    return compile_rules(base, text.split("\n"), reason=reason)


def compile_rules(base: str, lines: Sequence[str], *, reason: str) -> Rules:
    """The rules that lines of gitignore's syntax make; a line that makes none, as a comment, is passed over."""
    rules = [rule for line in lines if (rule := _rule(line)) is not None]
    return Rules(base, reason, tuple(reversed(rules)))


def _rule(line: str) -> Rule | None:
    from pathspec.patterns.gitignore.spec import GitIgnoreSpecPattern  # only where there are rules

    line = line.removesuffix("\r")
    line = line.rstrip(" ") if not line.rstrip(" ").endswith("\\") else line
    only_folders = line.endswith("/")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # Python's regexes have another idea of [[…]]
        try:
            pattern = GitIgnoreSpecPattern(line.removesuffix("/"))
        except (ValueError, re.error):
            return None  # git takes no notice of such a line either
    if pattern.regex is None or pattern.include is None:
        return None
    return Rule(pattern.regex, pattern.include, only_folders)


def _rule_files(folder: str) -> Mapping[str, str]:
    """The rule files of a folder that is passed on the way down, by name."""
    paths = {name: os.path.join(folder, name) for name in (GIT, GITIGNORE, ASKDOCIGNORE)}  # noqa: PTH118  # strings
    return {
        name: path
        for name, path in paths.items()
        if os.path.lexists(path) and (name == GIT or (os.path.isfile(path) and not os.path.islink(path)))  # noqa: PTH113, PTH114
    }


def _excluded_for_all(folder: str, git: str) -> Iterator[Rules]:
    """The rules that a repository keeps beside its files, in `info/exclude`."""
    path = _repository(Path(git)) / "info" / "exclude"
    if path.is_file():
        yield read_rules(folder, str(path), reason="ignored by .git/info/exclude")


def _repository(git: Path) -> Path:
    """Where a working tree's repository is: `.git` itself, or, if that is a file, where it points."""
    if git.is_dir():
        return git
    named = git.read_text(encoding="utf-8", errors="surrogateescape").removeprefix("gitdir:").strip()
    place = git.parent / named
    common = place / "commondir"
    return place / common.read_text(encoding="utf-8").strip() if common.is_file() else place
