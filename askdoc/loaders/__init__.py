"""Loaders turn a file's bytes into text, with marks for headings and pages.

To add a format: write `loaders/NAME.py` with a function `load(data: bytes) -> Loaded` that raises only `LoadError`,
and add its endings to `LOADERS`. The contract suite (`tests/contracts/test_loaders.py`) runs on it at once.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module
from pathlib import PurePosixPath
from typing import Protocol, cast

from askdoc.types import Mark


@dataclass(frozen=True, slots=True)
class Loaded:
    """A file's text; `marks`, `remarks` and `skip` as in `Document`."""

    text: str
    marks: tuple[Mark, ...] = ()
    remarks: tuple[str, ...] = ()
    skip: tuple[tuple[int, int], ...] = ()


class Loader(Protocol):
    """Turns a file's bytes into text. Deterministic; raises `LoadError` and nothing else, on any bytes."""

    def __call__(self, data: bytes, /) -> Loaded: ...


HEADING_SEPARATOR = " \N{SINGLE RIGHT-POINTING ANGLE QUOTATION MARK} "  # Title > Section, as menus show a path
MAX_LABEL = 120  # characters of one heading: longer ones are paragraphs that look like headings

# file ending (lower case) → "module:function"
LOADERS: Mapping[str, str] = {
    ".txt": "askdoc.loaders.plain:load",
    ".text": "askdoc.loaders.plain:load",
    ".md": "askdoc.loaders.markdown:load",
    ".markdown": "askdoc.loaders.markdown:load",
    ".html": "askdoc.loaders.html:load",
    ".htm": "askdoc.loaders.html:load",
    ".xhtml": "askdoc.loaders.html:load",
    ".epub": "askdoc.loaders.epub:load",
    ".pdf": "askdoc.loaders.pdf:load",
    ".docx": "askdoc.loaders.docx:load",
    ".docm": "askdoc.loaders.docx:load",
    ".pptx": "askdoc.loaders.pptx:load",
    ".pptm": "askdoc.loaders.pptx:load",
    ".xlsx": "askdoc.loaders.xlsx:load",
    ".xlsm": "askdoc.loaders.xlsx:load",
    ".odt": "askdoc.loaders.odf:load",
    ".ods": "askdoc.loaders.odf:load",
    ".odp": "askdoc.loaders.odf:load",
    ".rtf": "askdoc.loaders.rtf:load",
}

# Their text is not the file's own, so the numbers of its lines mean nothing to someone who opens the file.
_LAID_OUT = frozenset(
    ".html .htm .xhtml .epub .pdf .docx .docm .pptx .pptm .xlsx .xlsm .odt .ods .odp .rtf".split()
)  # fmt: skip

HEAD_BYTES = 4096  # how much of a file `open_loader` needs to see to tell text from binary data
_PLAIN = LOADERS[".txt"]


def open_loader(path: str, head: bytes | None = None) -> Loader | None:
    """The loader for a file's name, or None if there is none.

    By its ending alone; with `head`, the file's first `HEAD_BYTES` bytes, a file of unknown ending is plain text if
    it looks like text. So a folder yields only what is known to be a document, and a file that was named is tried.
    """
    entry = LOADERS.get(PurePosixPath(path).suffix.lower())
    if entry is None and head is not None and _open("askdoc.loaders.plain:looks_like_text")(head):
        entry = _PLAIN
    return None if entry is None else cast(Loader, _open(entry))


def has_lines(path: str) -> bool:
    """Whether the lines of a document's text are those of its file, so that they can be cited."""
    return PurePosixPath(path).suffix.lower() not in _LAID_OUT


def _open(entry: str) -> Callable[..., object]:
    module, _, attribute = entry.partition(":")
    return cast("Callable[..., object]", getattr(import_module(module), attribute))
