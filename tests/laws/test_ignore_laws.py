"""What is found in a git working tree is what git would show of it, but for the documented differences."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import assume, example, given, settings
from hypothesis import strategies as some

from askdoc.sources.ignore import ASKDOCIGNORE
from askdoc.sources.selection import Selection, find_files

# Nobody's own git configuration may count: askdoc does not read it.
ENVIRONMENT = {
    **{name: value for name, value in os.environ.items() if not name.startswith("GIT_")},
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_SYSTEM": os.devnull,
    "XDG_CONFIG_HOME": os.devnull,
}

FOLDERS = ["", "a", "b", "a/b", "a/a", "b/c", "a/b/c", "node_modules", ".hidden"]
NAMES = ["a.txt", "b.txt", "c.md", "a", "no.xyz", ".dot.txt", "a b.txt", "[x].txt", "#.txt", "!.md", "A.TXT"]
SEGMENTS = ["a", "b", "c", "*", "?", "**", "*.txt", "a*", "[ab]", "[!a].txt", "a.txt", "[a-c].*", "c.md", "?.txt", "x"]
ODD = ["", "#.txt", "\\#.txt", "!.md", "\\!.md", "/", "//", "a b.txt  ", "\\[x].txt", "[x].txt", "[", "a[", "!", "*/"]

trees = some.sets(some.tuples(some.sampled_from(FOLDERS), some.sampled_from(NAMES)), min_size=1, max_size=14)
paths = some.lists(some.sampled_from(SEGMENTS), min_size=1, max_size=3).map("/".join)
lines = some.one_of(
    some.builds(
        "{}{}{}{}".format, some.sampled_from(["", "", "!"]), some.sampled_from(["", "", "/"]), paths,
        some.sampled_from(["", "", "/", "/**"]),
    ),
    some.sampled_from(ODD),
)  # fmt: skip
rule_files = some.dictionaries(
    some.sampled_from([folder for folder in FOLDERS if "node" not in folder and "." not in folder]),
    some.lists(lines, min_size=1, max_size=5),
    max_size=3,
)


def make(place: Path, tree: set[tuple[str, str]], rules: Mapping[str, Sequence[str]], name: str) -> None:
    subprocess.run(["git", "init", "-q"], cwd=place, env=ENVIRONMENT, check=True)
    for folder, file in tree:
        path = place / folder / file
        if not path.is_dir() and not any(parent.is_file() for parent in path.parents):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text("Some text.\n")
    for folder, text in rules.items():
        if (place / folder).is_dir():
            (place / folder / name).write_text("\n".join(text) + "\n")


def shown_by_git(place: Path, *options: str) -> set[str]:
    command = ["git", "ls-files", "-z", "--cached", "--others", *options]
    done = subprocess.run(command, cwd=place, env=ENVIRONMENT, check=True, capture_output=True)
    return set(filter(None, done.stdout.decode().split("\0")))


def differs(path: str) -> bool:
    """The documented differences: hidden entries, folders of packages, and formats that cannot be read."""
    parts = path.split("/")
    return any(part.startswith(".") or part == "node_modules" for part in parts) or not path.lower().endswith(
        (".txt", ".md")
    )


def ignored_by_git(folder: Path) -> bool:
    command = ["git", "check-ignore", "-q", "--no-index", str(folder)]
    return subprocess.run(command, cwd=folder.parent, env=ENVIRONMENT, check=False).returncode == 0


def found(place: Path, selection: Selection | None = None) -> set[str]:
    return {path.relative_to(place.resolve()).as_posix() for path in find_files([place], selection).files}


@settings(max_examples=120, deadline=None)
@given(trees, rule_files, some.sampled_from(["", "", "a", "a/b"]))
@example({("a", "a.txt"), ("", "a.txt")}, {"": ["*", "!a/", "!*.txt"]}, "")
@example({("a/b", "c.md")}, {"": ["*.md"], "a": ["b", "!b/"]}, "")
@example({("a/b", "c.md"), ("a/b", "a.txt")}, {"": ["a/**", "!a/b/", "!a/b/c.md"]}, "")
def test_what_git_ignores_is_not_found(
    tree: set[tuple[str, str]], rules: Mapping[str, Sequence[str]], named: str
) -> None:
    with TemporaryDirectory() as name:
        place = Path(name)
        make(place, tree, rules, ".gitignore")
        asked = place / named
        assume(asked.is_dir() and (asked == place or not ignored_by_git(asked)))  # a folder that is named is read
        expected = {path for path in shown_by_git(asked, "--exclude-standard") if not differs(path)}
        assert found(asked) == expected


@settings(max_examples=60, deadline=None)
@given(trees, rule_files)
def test_an_askdocignore_is_read_as_git_would_read_it(
    tree: set[tuple[str, str]], rules: Mapping[str, Sequence[str]]
) -> None:
    with TemporaryDirectory() as name:
        place = Path(name)
        make(place, tree, rules, ASKDOCIGNORE)
        shown = shown_by_git(place, f"--exclude-per-directory={ASKDOCIGNORE}")
        shutil.rmtree(place / ".git")
        assert found(place) == {path for path in shown if not differs(path)}


@settings(max_examples=60, deadline=None)
@given(trees, some.lists(lines, max_size=5))
def test_a_persons_patterns_are_read_as_git_would_read_them(tree: set[tuple[str, str]], patterns: list[str]) -> None:
    with TemporaryDirectory() as name:
        place = Path(name)
        make(place, tree, {"": patterns}, "patterns")
        shown = shown_by_git(place, f"--exclude-from={place / 'patterns'}")
        assert found(place, Selection(exclude=tuple(patterns))) == {path for path in shown if not differs(path)}
