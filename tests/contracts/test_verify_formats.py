"""`askdoc verify` keeps its promises for every format, from the command line: index, ask, edit, verify.

The documents are asked and verified together, in one process a step, since most of the time is that of starting one.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from ferries import ferry
from programs import askdoc

from askdoc import build
from askdoc.loaders import LOADERS, open_loader

TIMES = {ending: f"{9000 + number}" for number, ending in enumerate(LOADERS)}  # tells the documents apart


def document(ending: str, name: str = "ferry") -> str:
    return f"docs/{ending[1:]}/{name}{ending}"


@pytest.fixture(scope="module")
def asked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a document of each format, their index, and `replies.jsonl`: an answer from each of them."""
    root = tmp_path_factory.mktemp("formats")
    for ending, time in TIMES.items():
        (root / document(ending)).parent.mkdir(parents=True, exist_ok=True)
        (root / document(ending)).write_bytes(ferry(ending, time))
    build.index([root / "docs"], root / "index", embedder="hashing", reader="overlap")
    lines = [json.dumps({"id": ending, "question": f"which ferry leaves at {time}?"}) for ending, time in TIMES.items()]
    options = ("-n", "1", "-k", "1", "--min-confidence", "0")
    ran = askdoc("ask", "--batch", "-", *options, cwd=root, stdin="\n".join(lines).encode())
    assert ran.status == 0, ran.err
    (root / "replies.jsonl").write_text(ran.out, encoding="utf-8")
    assert [answer_of(line)["citation"]["document"] for line in ran.lines] == [document(ending) for ending in LOADERS]
    assert all("Island" in answer_of(line)["text"] for line in ran.lines)
    return root


@pytest.fixture
def root(asked: Path, tmp_path: Path) -> Path:
    """A copy of that folder, to be edited."""
    return Path(shutil.copytree(asked, tmp_path / "formats", symlinks=True))


def answer_of(line: dict[str, Any]) -> dict[str, Any]:
    answer: dict[str, Any] = line["answers"][0]
    return answer


def untouched(ending: str, path: Path) -> None:
    """Leave the document as it is."""


def verified(root: Path, edit: Callable[[str, Path], object] = untouched) -> dict[str, dict[str, Any]]:
    """What became of each answer after an edit of all documents, by ending."""
    for ending in LOADERS:
        edit(ending, root / document(ending))
    ran = askdoc("verify", "replies.jsonl", "--json", cwd=root)
    assert ran.err == ""
    assert [line["id"] for line in ran.lines] == [*LOADERS]
    return {line["id"]: line["citations"][0] for line in ran.lines}


def states(answers: dict[str, dict[str, Any]]) -> dict[str, str]:
    return {ending: answer["state"] for ending, answer in answers.items()}


def quoted(root: Path, citation: dict[str, Any]) -> str:
    """The text at a citation's place, in the file as it is now."""
    path = root / citation["document"]
    loader = open_loader(path.name)
    assert loader is not None
    return loader(path.read_bytes()).text[citation["char_start"] : citation["char_end"]]


def test_what_was_not_touched_is_intact_and_cited_as_it_was(root: Path) -> None:
    answers = verified(root)
    assert states(answers) == dict.fromkeys(LOADERS, "intact")
    for answer in answers.values():
        assert answer["now"] == answer["was"]
        assert quoted(root, answer["was"]) == answer["text"]


def test_a_quotation_behind_a_text_that_changed_has_moved(root: Path) -> None:
    answers = verified(
        root, lambda ending, path: path.write_bytes(ferry(ending, TIMES[ending], salutation="Dear Ann."))
    )
    assert states(answers) == dict.fromkeys(LOADERS, "moved")
    for answer in answers.values():
        assert answer["now"]["document"] == answer["was"]["document"]
        assert answer["now"]["char_start"] != answer["was"]["char_start"]
        assert quoted(root, answer["now"]) == answer["text"]


def test_a_quotation_in_a_file_with_a_new_name_has_moved(root: Path) -> None:
    answers = verified(root, lambda ending, path: path.rename(root / document(ending, "timetable")))
    assert states(answers) == dict.fromkeys(LOADERS, "moved")
    for ending, answer in answers.items():
        assert answer["now"] == answer["was"] | {"document": document(ending, "timetable")}


def test_a_quotation_that_its_file_no_longer_says_has_changed(root: Path) -> None:
    answers = verified(root, lambda ending, path: path.write_bytes(ferry(ending, TIMES[ending], island="Harbor")))
    assert states(answers) == dict.fromkeys(LOADERS, "changed")
    assert {answer["now"] for answer in answers.values()} == {None}


def test_a_quotation_in_a_deleted_file_is_gone(root: Path) -> None:
    assert states(verified(root, lambda _, path: path.unlink())) == dict.fromkeys(LOADERS, "gone")
