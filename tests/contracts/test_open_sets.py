"""Each set can be added to as its docstring says: write a module, add a line to the table, index and ask with it."""

from __future__ import annotations

import importlib
import io
import sys
from pathlib import Path

import pytest

from askdoc import ask, build, embedders, outputs, readers, stores
from askdoc.cli import app
from askdoc.status import status
from askdoc.verify import verify

EMBEDDER = """
from askdoc.embedders.hashing import HashingEmbedder

class LoudEmbedder(HashingEmbedder):
    name = "loud"
    fingerprint = "ab" * 32
"""
READER = """
from askdoc.types import Reading, Span

class FirstWordsReader:
    name = "first-words"
    fingerprint = "cd" * 32
    english = False

    def __init__(self, argument):
        self.count = int(argument or 2)

    def read(self, question, passages):
        ends = [len(" ".join(passage.split(" ")[: self.count])) for passage in passages]
        return [Reading((Span(0, end, 5.0),)) for end in ends]
"""
STORE = """
from askdoc.stores.folder.store import FolderStore

class ShelfStore(FolderStore):
    def __init__(self, address):
        super().__init__("/" + str(address).removeprefix("shelf://"))
        self.typed = str(address)

    @property
    def address(self):
        return self.typed
"""
OUTPUT = """
class PlainOutput:
    def write(self, reply, stream):
        stream.write(f"{len(reply.answers)} answers, {len(reply.hits)} passages\\n")

    def write_passages(self, reply, stream):
        self.write(reply, stream)

    def write_error(self, error, stream):
        stream.write(f"sorry: {error.message}\\n")
"""


@pytest.fixture
def newcomer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A module that anybody might write."""
    folder = tmp_path / "modules"
    folder.mkdir()
    (folder / "newcomer.py").write_text(EMBEDDER + READER + STORE + OUTPUT, encoding="utf-8")
    monkeypatch.syspath_prepend(folder)
    monkeypatch.delitem(sys.modules, "newcomer", raising=False)
    importlib.invalidate_caches()
    return folder


def test_an_embedder(newcomer: Path, docs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(embedders.EMBEDDERS, "loud", "newcomer:LoudEmbedder")
    build.index([docs], tmp_path / "index", embedder="loud")
    assert status(tmp_path / "index").recipe["embedder"] == "loud"
    with ask.open_index(tmp_path / "index", reader="overlap") as index:
        assert "bridge" in index.search("stone bridge").hits[0].passage.text


def test_a_reader_with_an_argument(newcomer: Path, docs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(readers.READERS, "first-words", "newcomer:FirstWordsReader")
    build.index([docs], tmp_path / "index", embedder="hashing")
    with ask.open_index(tmp_path / "index", reader="first-words:3") as index:
        answer = index.ask("who finished the stone bridge?", min_confidence=0).answers[0]
    assert answer.text == " ".join(answer.hit.passage.text.split(" ")[:3])


def test_a_store(newcomer: Path, docs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Built, asked, updated before a question, described and verified, all by its address alone."""
    monkeypatch.setitem(stores.STORES, "shelf://", "newcomer:ShelfStore")
    address = f"shelf://{str(tmp_path / 'index').lstrip('/')}"
    build.index([docs], address, embedder="hashing")
    assert (tmp_path / "index" / "manifest.json").exists()
    (docs / "ferry.txt").write_text("The ferry to Ashford left at noon, every day but Sunday.", encoding="utf-8")
    with ask.open_index(address, reader="overlap") as index:
        reply = index.search("ferry Ashford noon")
    assert reply.hits[0].passage.source.path == "docs/ferry.txt"
    assert reply.index.path == address
    assert {path for path, _, _ in status(address).documents} == {"docs/bridge.txt", "docs/ferry.txt", "docs/mill.md"}
    monkeypatch.setenv("ASKDOC_INDEX", address)
    saved = io.StringIO()
    outputs.open_output("json").write_passages(reply, saved)
    assert [verification.holds for verification in verify(saved.getvalue().encode())] == [True]


def test_an_output(
    newcomer: Path, docs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(outputs.OUTPUTS, "plain", "newcomer:PlainOutput")
    build.index([docs], tmp_path / "index", embedder="hashing", reader="overlap")
    words = ["who finished the stone bridge?", "--format", "plain", "--index", str(tmp_path / "index")]
    app.main(["ask", *words, "--min-confidence", "0"])
    assert capsys.readouterr().out.endswith("answers, 4 passages\n")
    app.main(["ask", *words[:-1], str(tmp_path / "missing")])
    assert capsys.readouterr().out.startswith("sorry: there is no index")
