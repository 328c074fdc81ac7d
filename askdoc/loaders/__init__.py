"""Loaders turn a file's bytes into text, with marks for headings and pages.

To add a format: write `loaders/NAME.py` with a function `load(data: bytes) -> Loaded` that raises only `LoadError`,
and add its endings to `LOADERS`. The contract suite (`tests/contracts/test_loaders.py`) runs on it at once. Loaders run
in a process of their own (see `askdoc.isolation`), except those that are too simple to need it.
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
    """A file's text; `marks`, `remarks`, `skip` and `extracted` as in `Document`."""

    text: str
    marks: tuple[Mark, ...] = ()
    remarks: tuple[str, ...] = ()
    skip: tuple[tuple[int, int], ...] = ()
    extracted: bool = False


class Loader(Protocol):
    """Turns a file's bytes into text. Deterministic; raises `LoadError` and nothing else, on any bytes."""

    def __call__(self, data: bytes, /) -> Loaded: ...


# Text that people write for machines: read as it is, cited by line.
SOURCE_CODE = (
    ".py .pyi .js .mjs .cjs .ts .jsx .tsx .java .kt .scala .c .h .cc .cpp .hpp .cs .rs .go .rb .php .pl .lua .swift .r "
    ".jl .sh .bash .zsh .ps1 .bat .sql .css .scss .vue .proto .graphql .tf .cmake .gradle .bib .diff .patch "
    ".log .ini .cfg .conf .toml .yaml .yml .xml .properties"
).split()


# file ending (lower case) → "module:function"
LOADERS: Mapping[str, str] = {
    ".txt": "askdoc.loaders.plain:load",
    ".text": "askdoc.loaders.plain:load",
    ".md": "askdoc.loaders.markdown:load",
    ".markdown": "askdoc.loaders.markdown:load",
    ".rst": "askdoc.loaders.rst:load",
    ".adoc": "askdoc.loaders.asciidoc:load",
    ".asciidoc": "askdoc.loaders.asciidoc:load",
    ".org": "askdoc.loaders.org:load",
    ".tex": "askdoc.loaders.latex:load",
    ".eml": "askdoc.loaders.mail:load",
    ".mbox": "askdoc.loaders.mail:load_mailbox",
    ".msg": "askdoc.loaders.outlook:load",
    ".csv": "askdoc.loaders.table:load",
    ".tsv": "askdoc.loaders.table:load",
    ".json": "askdoc.loaders.json:load",
    ".jsonl": "askdoc.loaders.json:load_lines",
    ".ndjson": "askdoc.loaders.json:load_lines",
    ".ipynb": "askdoc.loaders.notebook:load",
    ".srt": "askdoc.loaders.subtitles:load",
    ".vtt": "askdoc.loaders.subtitles:load",
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
} | dict.fromkeys(SOURCE_CODE, "askdoc.loaders.plain:load")

HEAD_BYTES = 4096  # how much of a file `open_loader` needs to see to tell text from binary data
_PLAIN = LOADERS[".txt"]


# What is read in the process that indexes, up to a size in bytes: too simple to crash. (Markdown made to be slow takes
# up to 25 s a million characters, so longer files are not read there.)
_SIMPLE = {"askdoc.loaders.plain:load": float("inf"), "askdoc.loaders.markdown:load": 2**18}


def find_loader(path: str, head: bytes | None = None) -> str | None:
    """The loader for a file's name, as "module:function", or None if there is none. Imports no loader but plain text's.

    By its ending alone; with `head`, the file's first `HEAD_BYTES` bytes, a file of unknown ending is plain text if
    it looks like text. So a folder yields only what is known to be a document, and a file that was named is tried.
    """
    entry = LOADERS.get(PurePosixPath(path).suffix.lower())
    if entry is None and head is not None and _open("askdoc.loaders.plain:looks_like_text")(head):
        entry = _PLAIN
    return entry


def open_loader(path: str, head: bytes | None = None) -> Loader | None:
    """The loader that `find_loader` finds, ready to be called in this process."""
    entry = find_loader(path, head)
    return None if entry is None else open_entry(entry)


def open_entry(entry: str) -> Loader:
    """The loader that "module:function" names."""
    return cast(Loader, _open(entry))


def is_isolated(entry: str, size: int) -> bool:
    """Must this loader read a file of `size` bytes in a process of its own?"""
    return size > _SIMPLE.get(entry, -1)


def _open(entry: str) -> Callable[..., object]:
    module, _, attribute = entry.partition(":")
    return cast("Callable[..., object]", getattr(import_module(module), attribute))
