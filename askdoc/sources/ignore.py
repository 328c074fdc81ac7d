"""Which files ignore rules leave out: `.gitignore` as git reads it, `.askdocignore`, and the user's own patterns.

All of them are written in gitignore's syntax (https://git-scm.com/docs/gitignore). If several match a file, the most
specific decides: the user's patterns, then `.askdocignore`, then `.gitignore`; of each the one in the deepest folder,
and in one file the last line. `.gitignore` counts only in git's working trees, `.askdocignore` everywhere.

Unlike in git, tracked files that a rule ignores stay ignored, and the rules in the user's git configuration
(`core.excludesFile`) are not read, so that two people get the same files from one folder.
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
    """One line of an ignore file. Paths are relative to the file's folder, with forward slashes."""

    regex: re.Pattern[str]
    leaves_out: bool  # False for a line with `!`
    only_folders: bool  # the line ends with a slash

    def matches(self, path: str, *, is_folder: bool) -> bool:
        """Does the line match the path itself, not only a folder above it?"""
        match = self.regex.match(path) if is_folder or not self.only_folders else None
        return match is not None and match.lastgroup is None  # pathspec's only group: the slash after a folder above

    def matches_above(self, path: str) -> bool:
        """Does the line match the file, or a folder above it?"""
        match = self.regex.match(path)
        return match is not None and (not self.only_folders or match.lastgroup is not None)


@dataclass(frozen=True, slots=True)
class Rules:
    """The rules of one ignore file, or the user's patterns."""

    base: str  # the absolute folder that the rules are relative to
    reason: str  # for leaving a file out, in words
    lines: tuple[Rule, ...]  # the last line first

    def judge(self, path: str, *, is_folder: bool) -> bool | None:
        """Leave a path out (True), keep it (False), or no rule matches it (None). path: absolute, below the base."""
        relative = self._relative(path)
        return next((rule.leaves_out for rule in self.lines if rule.matches(relative, is_folder=is_folder)), None)

    def covers(self, path: str) -> bool:
        """Do the patterns match a file, or a folder above it? path: absolute, below the base."""
        relative = self._relative(path)
        return next((rule.leaves_out for rule in self.lines if rule.matches_above(relative)), False)

    def _relative(self, path: str) -> str:
        relative = path[len(self.base) :].lstrip(os.sep)
        return relative if os.sep == "/" else relative.replace(os.sep, "/")


@dataclass(frozen=True, slots=True)
class Ignores:
    """All rules that apply in one folder."""

    git: tuple[Rules, ...] = ()  # outermost folder first
    askdoc: tuple[Rules, ...] = ()  # likewise
    excluded: tuple[Rules, ...] = ()  # the user's patterns
    in_git: bool = False  # the folder is in a working tree of git

    @classmethod
    def of(cls, folder: str, *, excluded: Rules | None = None) -> Ignores:
        """The rules from the repository root down to a named folder, without the ignore files of the folder itself.

        Rules that would ignore the folder do not apply, because naming it overrides them. Raises `OSError`.
        """
        start = cls(excluded=(excluded,) if excluded else ())
        parents = Path(folder).parents
        top = next((level for level, parent in enumerate(parents) if os.path.lexists(parent / GIT)), None)
        if top is None or os.path.lexists(Path(folder) / GIT):
            return start
        ignores = cls()
        chain = [str(parent) for parent in reversed(parents[: top + 1])]
        for outer, inner in zip(chain, [*chain[1:], folder], strict=True):
            ignores = ignores.inside(outer, _rule_files(outer))
            if ignores.why(inner, is_folder=True):
                return replace(start, in_git=True)
        return replace(ignores, excluded=start.excluded)

    def inside(self, folder: str, files: Mapping[str, str]) -> Ignores:
        """The rules that apply in a folder below. files: its ignore files, by name. Raises `OSError`."""
        ignores = self
        if GIT in files:  # the root of another working tree
            ignores = replace(ignores, in_git=True, git=tuple(_excluded_for_all(folder, files[GIT])))
        if GITIGNORE in files and ignores.in_git:
            rules = read_rules(folder, files[GITIGNORE], reason="ignored by .gitignore")
            ignores = replace(ignores, git=(*ignores.git, rules))
        if ASKDOCIGNORE in files:
            rules = read_rules(folder, files[ASKDOCIGNORE], reason="ignored by .askdocignore")
            ignores = replace(ignores, askdoc=(*ignores.askdoc, rules))
        return ignores

    def why(self, path: str, *, is_folder: bool) -> str | None:
        """Why a path is left out; None if it is not. Does not check the folders above it."""
        for kind in (self.excluded, self.askdoc, self.git):
            for rules in reversed(kind):
                leaves_out = rules.judge(path, is_folder=is_folder)
                if leaves_out is not None:
                    return rules.reason if leaves_out else None
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
        warnings.simplefilter("ignore", FutureWarning)  # Python warns of [[…]] in a regex
        try:
            pattern = GitIgnoreSpecPattern(line.removesuffix("/"))
        except (ValueError, re.error):
            return None  # git ignores such a line too
    if pattern.regex is None or pattern.include is None:
        return None
    return Rule(pattern.regex, pattern.include, only_folders)


def _rule_files(folder: str) -> Mapping[str, str]:
    """The ignore files of a folder, and its `.git`, by name."""
    paths = {name: os.path.join(folder, name) for name in (GIT, GITIGNORE, ASKDOCIGNORE)}  # noqa: PTH118  # strings
    return {
        name: path
        for name, path in paths.items()
        if os.path.lexists(path) and (name == GIT or (os.path.isfile(path) and not os.path.islink(path)))  # noqa: PTH113, PTH114
    }


def _excluded_for_all(folder: str, git: str) -> Iterator[Rules]:
    """The rules of a repository that are in no working tree: `info/exclude`."""
    path = _repository(Path(git)) / "info" / "exclude"
    if path.is_file():
        yield read_rules(folder, str(path), reason="ignored by .git/info/exclude")


def _repository(git: Path) -> Path:
    """The repository of a working tree: its `.git`, or, if that is a file, the folder that it names."""
    if git.is_dir():
        return git
    named = git.read_text(encoding="utf-8", errors="surrogateescape").removeprefix("gitdir:").strip()
    repository = git.parent / named
    common = repository / "commondir"
    return repository / common.read_text(encoding="utf-8").strip() if common.is_file() else repository
