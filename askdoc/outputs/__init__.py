"""Outputs turn replies into text for people and programs.

To add one: write `outputs/NAME.py` with a class that fits `Output`, and add a line to `OUTPUTS`.
The contract suite (`tests/contracts/test_outputs.py`) then covers it.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import Protocol, TextIO, cast

from askdoc.errors import AskdocError, UsageError
from askdoc.types import Reply


class Output(Protocol):
    """Writes replies, or errors in place of replies, to a text stream: data only, no messages."""

    def write(self, reply: Reply, stream: TextIO) -> None:
        """Write one reply, complete with its closing line break, and flush it."""

    def write_passages(self, reply: Reply, stream: TextIO) -> None:
        """Write search results: the passages only."""

    def write_error(self, error: AskdocError, stream: TextIO) -> None:
        """Write an error in place of a reply. Formats for people write nothing: they read it on stderr."""


# name → "module:attribute"
OUTPUTS: Mapping[str, str] = {
    "terminal": "askdoc.outputs.terminal:TerminalOutput",
    "json": "askdoc.outputs.json:JsonOutput",
    "jsonl": "askdoc.outputs.jsonl:JsonLinesOutput",
    "markdown": "askdoc.outputs.markdown:MarkdownOutput",
}


def open_output(name: str) -> Output:
    """Open an output by its name."""
    if name not in OUTPUTS:
        raise UsageError(f"there is no format called {name!r}", hint=f"use one of: {', '.join(OUTPUTS)}")
    module, _, attribute = OUTPUTS[name].partition(":")
    return cast(Output, getattr(import_module(module), attribute)())
