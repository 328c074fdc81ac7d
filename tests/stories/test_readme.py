r"""The README's examples are run, and say what it says they say.

A block fenced as ```console is run: each line that starts with "$ " is a command for bash, the lines below it are what
it prints on stdout; `…` stands for anything, also for any number of lines. All blocks run in order, in one copy of the
repository's `seeds/` and `index/`, with `askdoc` being this checkout. Other blocks are not run.
"""

from __future__ import annotations

import re
import shlex
import shutil
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path

import pytest
from programs import ROOT, run

README = (ROOT / "README.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"^```console\n(.*?)^```$", README, re.DOTALL | re.MULTILINE)


def commands(block: str) -> Iterator[tuple[str, str]]:
    """The commands of a block, each with what it is to print."""
    for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
        command, _, expected = part.partition("\n")
        yield command, expected


def pattern(expected: str) -> str:
    """What is to be printed, as a regular expression."""
    lines = [".*" if line == "…" else ".*".join(map(re.escape, line.split("…"))) for line in expected.splitlines()]
    return "\n".join(lines)


@pytest.fixture
def place(tmp_path: Path) -> Path:
    for name in ("seeds", "index"):
        shutil.copytree(ROOT / name, tmp_path / name)
    programs = tmp_path / ".programs"
    programs.mkdir()
    (programs / "askdoc").write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -m askdoc "$@"\n')
    (programs / "askdoc").chmod(0o755)
    return tmp_path


def test_the_readme_has_examples() -> None:
    assert len(EXAMPLES) >= 2
    assert all(block.startswith("$ ") for block in EXAMPLES)


def test_the_examples_print_what_the_readme_says(place: Path) -> None:
    env = {"PATH": f"{place / '.programs'}:{Path(sys.executable).parent}:/usr/local/bin:/usr/bin:/bin"}
    env |= {"XDG_CACHE_HOME": str(place / ".cache")}
    for command, expected in (pair for block in EXAMPLES for pair in commands(block)):
        if "| jq" in command and not shutil.which("jq"):
            warnings.warn(f"NOT RUN, for there is no jq here: {command}", stacklevel=1)
            continue
        done = run(["bash", "-o", "pipefail", "-c", command], cwd=place, env=env)
        assert "Traceback" not in done.err, command
        assert re.fullmatch(pattern(expected.rstrip("\n")), done.out.rstrip("\n"), re.DOTALL), (
            f"$ {command}\nprinted:\n{done.out}{done.err}\nthe README says:\n{expected}"
        )


def test_every_option_and_command_the_readme_names_exists() -> None:
    """So that a renamed option cannot live on in the README."""
    help_texts = "".join(
        run([sys.executable, "-m", "askdoc", *words, "--help"], cwd=ROOT).out
        for words in (
            [],
            ["ask"],
            ["index"],
            ["search"],
            ["chat"],
            ["status"],
            ["eval"],
            ["verify"],
            ["watch"],
            ["calibrate"],
        )
    )
    ours = "\n".join(line for line in README.splitlines() if "askdoc" in line and "pip" not in line)
    for option in set(re.findall(r"(?<![\w-])--[a-z][a-z-]+", ours)):
        assert option in help_texts, option
