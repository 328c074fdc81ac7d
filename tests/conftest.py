"""What every suite shares: an index of two small documents, and the index of the repository."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest
from lanes import is_slow
from programs import ROOT
from texts import BRIDGE, MILL

from askdoc import ask, build


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what `tests/check fast` does without."""
    for item in items:
        if is_slow(item.path, item.name):
            item.add_marker("slow")


# A shell starts background jobs with Ctrl-C ignored, and every process that the tests start would inherit that.
signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(autouse=True)
def _no_settings_of_the_person(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ASKDOC_INDEX", raising=False)


@pytest.fixture(scope="session")
def seeds_index() -> Path:
    """The committed index, asked in place."""
    return ROOT / "index"


@pytest.fixture
def docs(tmp_path: Path) -> Path:
    """A folder with two small documents."""
    folder = tmp_path / "docs"
    folder.mkdir()
    (folder / "bridge.txt").write_text(BRIDGE, encoding="utf-8")
    (folder / "mill.md").write_text(MILL, encoding="utf-8")
    return folder


@pytest.fixture
def folder(docs: Path) -> Path:
    """An index of `docs`, made without models."""
    folder = docs.parent / "index"
    build.index([docs], folder, embedder="hashing")
    return folder


@pytest.fixture
def index(folder: Path) -> ask.Index:
    """That index, open, with a reader that needs no model."""
    return ask.open_index(folder, reader="overlap")
