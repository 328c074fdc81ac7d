"""However an index came to be, it is the one that a fresh build of the same folder would be."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TypeAlias

from contents import content, rankings
from hypothesis import given, settings
from hypothesis import strategies as some

from askdoc import ask, build

Folder: TypeAlias = Mapping[str, list[int]]  # a file's name → its paragraphs, by number

PARAGRAPHS = [
    "The old stone bridge over the Lune was finished by the mason Thomas Reed in the summer of 1784, they say.",
    "Margaret Doyle, the owner of the quarry, sent two hundred carts of granite and was never paid for any of them.",
    "The water mill at Ashford ground barley for eleven villages until the flood of 1801 carried its wheel away.",
    "A steam engine from Leeds replaced the wheel, and the miller complained for years about the price of coal.",
    "Thomas Reed left the stone bridge unfinished, says another chronicle, and the flood of 1801 carried it away.",
    "Nobody knows who paid the miller of Ashford for the barley, nor the mason for the bridge, nor why they did.",
]
QUESTIONS = ["who finished the stone bridge?", "the flood of 1801", "coal for the mill", "xyzzy", PARAGRAPHS[0]]

NAMES = some.sampled_from(["a.txt", "b.txt", "c.md", "sub/a.txt"])
FOLDERS = some.dictionaries(
    NAMES, some.lists(some.integers(0, len(PARAGRAPHS) - 1), min_size=1, max_size=3), max_size=4
)


def write(folder: Folder, place: Path) -> None:
    """Make a folder of files what `folder` says; a file that has its text already is not touched."""
    place.mkdir(exist_ok=True)
    for path in [path for path in place.rglob("*") if path.is_file()]:
        if path.relative_to(place).as_posix() not in folder:
            path.unlink()
    for name, numbers in folder.items():
        text = "\n\n".join(PARAGRAPHS[number] for number in numbers)
        (place / name).parent.mkdir(exist_ok=True)
        if not (place / name).exists() or (place / name).read_text() != text:
            (place / name).write_text(text)


def replies(folder: Path) -> list[list[tuple[float, str]]]:
    with ask.open_index(folder, refresh="never", reader="overlap") as index:
        found = [index.ask(question, min_confidence=0, answers=9).answers for question in QUESTIONS]
        return [sorted((answer.confidence, answer.text) for answer in answers) for answers in found]


@settings(max_examples=15, deadline=None)
@given(some.lists(FOLDERS, min_size=1, max_size=4), FOLDERS.filter(bool))
def test_building_in_steps_gives_what_a_fresh_build_gives(before: list[Folder], last: Folder) -> None:
    with TemporaryDirectory() as name:
        base = Path(name)
        for state in [*before, last]:
            write(state, base / "docs")
            if state or (base / "index").exists():
                build.index([base / "docs"], base / "index", embedder="hashing")
        fresh = base / "fresh"
        build.index([base / "docs"], fresh, embedder="hashing")
        assert content(base / "index") == content(fresh)
        assert rankings(base / "index", QUESTIONS) == rankings(fresh, QUESTIONS)


@settings(max_examples=10, deadline=None)
@given(FOLDERS.filter(bool))
def test_building_twice_gives_the_same_index(state: Folder) -> None:
    with TemporaryDirectory() as name:
        base = Path(name)
        write(state, base / "docs")
        build.index([base / "docs"], base / "index", embedder="hashing")
        first = content(base / "index"), rankings(base / "index", QUESTIONS), replies(base / "index")
        shutil.rmtree(base / "index")
        build.index([base / "docs"], base / "index", embedder="hashing")
        assert (content(base / "index"), rankings(base / "index", QUESTIONS), replies(base / "index")) == first


@settings(max_examples=20, deadline=None)
@given(FOLDERS.filter(bool))
def test_an_index_holds_exactly_the_text_of_its_documents(state: Folder) -> None:
    with TemporaryDirectory() as name:
        base = Path(name)
        write(state, base / "docs")
        build.index([base / "docs"], base / "index", embedder="hashing")
        for path, start, line, text, _, _ in content(base / "index"):
            whole = (base / path).read_text()
            assert whole[start : start + len(text)] == text
            assert whole[:start].count("\n") + 1 == line
        kept = sum(len("".join(row[3].split())) for row in content(base / "index"))
        assert kept == sum(len("".join(path.read_text().split())) for path in (base / "docs").rglob("*.*"))
