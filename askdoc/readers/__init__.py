"""Readers find the words of a passage that answer a question.

To add one: write `readers/NAME.py` with a class that fits `Reader` and takes the part of the name after the colon
(empty without one), and add a line to `READERS`. The contract suite (`tests/contracts/test_readers.py`) runs on it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib import import_module
from typing import Protocol, cast

from askdoc.errors import UsageError
from askdoc.types import Reading

DEFAULT = "askdoc-reader"


class Reader(Protocol):
    """Finds the spans of passages that answer a question. name, fingerprint: as for embedders."""

    @property
    def name(self) -> str: ...
    @property
    def fingerprint(self) -> str: ...

    def read(self, question: str, passages: Sequence[str]) -> list[Reading]:
        """Read each passage for itself; one reading a passage, in order. Scores are comparable across passages.

        A span lies inside its passage, is not empty, and neither starts nor ends inside a word.
        """


# name → "module:attribute"
READERS: Mapping[str, str] = {
    DEFAULT: "askdoc.readers.onnx:OnnxReader",
    "overlap": "askdoc.readers.overlap:OverlapReader",
}


def open_reader(name: str = DEFAULT) -> Reader:
    """Open a reader by its name."""
    kind, _, argument = name.partition(":")
    if kind not in READERS:
        raise UsageError(f"there is no reader called {name!r}", hint=f"known are: {', '.join(READERS)}")
    module, _, attribute = READERS[kind].partition(":")
    return cast(Reader, getattr(import_module(module), attribute)(argument))
