"""Plain English: words that read translated, in help, messages, public docstrings, README and CHANGELOG.

The list of what is left may only shrink. ASKDOC_WORDS=write writes it, after words were removed.
"""

from __future__ import annotations

import ast
import json
import os
import re
from collections import defaultdict
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
from programs import ROOT

from askdoc.cli import app as cli

STIFF = re.compile(
    r"\b(?:anew|so many|whoever|whatever stands|nobody|heeds?|(?:it|that) is gone|go(?:es)? on with|is told|are told"
    r"|tells? of|take[sn]? in (?:what|changed)|leaves? (?:\w+ )?away|beside the data)\b"
    r"|\bstands?\b(?! (?:for|out|in for))",
    re.IGNORECASE,
)
ALLOWED = Path(__file__).with_name("stiff_words.json")  # room, or file at the top → how often
COMMANDS = ("", "index", "ask", "search", "chat", "status", "watch", "verify", "eval", "calibrate")
PLAIN_ROOMS = {"cli", "outputs", "evaluation", "errors.py", "progress.py", "watch.py"}


def texts(path: Path) -> Iterator[str]:
    """What people read of a module: docstrings of public things, and the strings of its messages."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    private = {
        id(inner.value)
        for node in ast.walk(tree)
        if isinstance(node, ast.ClassDef | ast.FunctionDef) and node.name.startswith("_")
        for inner in node.body[:1]
        if isinstance(inner, ast.Expr)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in private:
            yield node.value


def stiff(text: str) -> list[str]:
    return [match[0] for match in STIFF.finditer(" ".join(text.split()))]


@cache
def found() -> dict[str, list[str]]:
    """The stiff words of each room."""
    words: dict[str, list[str]] = defaultdict(list)
    for path in sorted((ROOT / "askdoc").rglob("*.py")):
        room = path.relative_to(ROOT / "askdoc").parts[0]
        if room != "training":
            words[room] += [f"{path.name}: {word}" for text in texts(path) for word in stiff(text)]
    return {room: some for room, some in words.items() if some}


def test_what_is_left_of_stiff_words_only_shrinks() -> None:
    now = found()
    if os.environ.get("ASKDOC_WORDS") == "write":
        counts = {room: len(words) for room, words in now.items()}
        ALLOWED.write_text(json.dumps(counts, indent=1) + "\n", encoding="utf-8")
    allowed = json.loads(ALLOWED.read_text(encoding="utf-8"))
    assert {room: words for room, words in now.items() if len(words) > allowed.get(room, 0)} == {}


def test_the_rooms_that_talk_to_people_have_none() -> None:
    assert not found().keys() & PLAIN_ROOMS


@pytest.mark.parametrize("name", ["README.md", "CHANGELOG.md"])
def test_the_documents_for_users_have_none(name: str) -> None:
    assert stiff((ROOT / name).read_text(encoding="utf-8")) == []


@pytest.mark.parametrize("command", COMMANDS)
def test_help_has_none(command: str, capfd: pytest.CaptureFixture[str]) -> None:
    assert cli.main([*command.split(), "--help"]) == 0
    assert stiff(capfd.readouterr().out) == []


def test_the_list_of_commands_is_whole() -> None:
    assert set(COMMANDS[1:]) == set(cli._group().commands)


def test_the_check_knows_stiff_words_from_plain_ones() -> None:
    assert stiff("Make the index anew; it stands in the folder, nobody knows") == ["anew", "stands", "nobody"]
    assert stiff("N stands for a number, the answer stands out, and ten are enough") == []
