"""Readers find the words of a passage that answer a question. A name that is a path is a folder with a model.

To add a reader: write `readers/NAME.py` with a class that fits `Reader` and takes the part of the name after the colon
(empty without a colon), and add a line to `READERS`. The contract suite (`tests/contracts/test_readers.py`) runs on it.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import Protocol, cast

from askdoc.errors import UsageError
from askdoc.types import Reading

DEFAULT = "askdoc-reader"


class Reader(Protocol):
    """Finds the spans of passages that answer a question."""

    @property
    def name(self) -> str:
        """What `open_reader` takes."""

    @property
    def fingerprint(self) -> str:
        """sha256 of all that decides what it finds, hexadecimal."""

    @property
    def english(self) -> bool:
        """It knows only English."""

    def read(self, question: str, passages: Sequence[str]) -> list[Reading]:
        """Read each passage on its own: one reading a passage, in order. Scores are comparable across passages.

        A span lies inside its passage, is not empty, and neither starts nor ends inside a word.
        """


# name → "module:attribute"
READERS: Mapping[str, str] = {
    DEFAULT: "askdoc.readers.onnx:OnnxReader",
    "overlap": "askdoc.readers.overlap:OverlapReader",
}


def open_reader(name: str = DEFAULT) -> Reader:
    """Open a reader by its name, or by the folder of a question-answering model.

    Raises `UsageError` for an unknown name, `ModelError` if the model cannot be used.
    """
    folder = folder_of(name)
    if folder is not None:
        from askdoc.readers.folder import open_folder

        return open_folder(folder)
    kind, _, argument = name.partition(":")
    if kind not in READERS:
        known = f"known are: {', '.join(READERS)}; or give the folder of a model"
        raise UsageError(f"there is no reader called {name!r}", hint=known)
    module, _, attribute = READERS[kind].partition(":")
    return cast(Reader, getattr(import_module(module), attribute)(argument))


def folder_of(name: str) -> Path | None:
    """The absolute path of the folder that a name means; None if the name is neither a folder nor looks like a path."""
    if not name or name.partition(":")[0] in READERS:
        return None
    path = Path(os.path.abspath(os.path.expanduser(name)))  # noqa: PTH100, PTH111  # as it is named, links and all
    return path if path.is_dir() or os.sep in name or "/" in name else None
