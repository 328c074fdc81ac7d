"""Its place puts `tests/` on the import path, so that the suites share `replies.py`, `programs.py` and `doubles.py`."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest
from programs import ROOT

from askdoc import ask, build

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


BRIDGE = """\
The old stone bridge over the Lune was finished by the mason Thomas Reed in the summer of 1784, after years of work.

Margaret Doyle, the owner of the quarry near Wexham, sent two hundred carts of granite and was never paid for them.
"""
MILL = """\
# The mill

The water mill at Ashford ground barley for eleven villages until the flood of 1801 carried its wheel away.

## Afterwards

A steam engine from Leeds replaced the wheel, and the miller complained for years about the price of coal.
"""


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
