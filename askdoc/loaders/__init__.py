"""Loaders turn a file's bytes into text, with marks for headings and pages.

An open set: others name a file and get its loader from the table; none imports a loader (import-linter checks it). They
are run by `askdoc.loaders.sandbox`, in a process of its own, except those that are too simple to need it.

To add a format:

1. Write `FAMILY/NAME.py` with a function `load(data: bytes) -> Content` that raises only `LoadError`, on any bytes.
   - A format that is text keeps its own text: `text.plain.load` decodes it, and `text.headings.marks` makes its marks.
   - All others give their text to a `textbuilder.TextBuilder`: headings, paragraphs, list items, tables and sheets.
   - What is rows and nothing else, such as CSV: `rows.row_sentences`, and `textbuilder.assemble` for the labels.
   - If a library reads it, decorate `load` with `guard.guarded`, which turns whatever it raises into a `LoadError`.
   - Import the library in that module only, and allow it in pyproject.toml ("Libraries that read formats").
2. Add its endings to `LOADERS`, and a sample to `SAMPLES` of the contract suite (`tests/contracts/test_loaders.py`),
   which then runs on it, as do the suites of hostile and damaged files.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import import_module
from pathlib import PurePosixPath
from typing import Protocol, cast

from askdoc.types import Content


class Loader(Protocol):
    """Turns a file's bytes into text. Deterministic; raises `LoadError` and nothing else, on any bytes."""

    def __call__(self, data: bytes, /) -> Content: ...


# Text that people write for machines: read as it is, cited by line.
SOURCE_CODE = (
    ".py .pyi .js .mjs .cjs .ts .jsx .tsx .java .kt .scala .c .h .cc .cpp .hpp .cs .rs .go .rb .php .pl .lua .swift .r "
    ".jl .sh .bash .zsh .ps1 .bat .sql .css .scss .vue .proto .graphql .tf .cmake .gradle .bib .diff .patch "
    ".log .ini .cfg .conf .toml .yaml .yml .xml .properties"
).split()


# file ending (lower case) → "module:function"
LOADERS: Mapping[str, str] = {
    ".txt": "askdoc.loaders.text.plain:load",
    ".text": "askdoc.loaders.text.plain:load",
    ".md": "askdoc.loaders.text.markdown:load",
    ".markdown": "askdoc.loaders.text.markdown:load",
    ".rst": "askdoc.loaders.text.rst:load",
    ".adoc": "askdoc.loaders.text.asciidoc:load",
    ".asciidoc": "askdoc.loaders.text.asciidoc:load",
    ".org": "askdoc.loaders.text.org:load",
    ".tex": "askdoc.loaders.text.latex:load",
    ".eml": "askdoc.loaders.mail.mail:load",
    ".mbox": "askdoc.loaders.mail.mail:load_mailbox",
    ".msg": "askdoc.loaders.mail.outlook:load",
    ".csv": "askdoc.loaders.data.csv:load",
    ".tsv": "askdoc.loaders.data.csv:load",
    ".json": "askdoc.loaders.data.json:load",
    ".jsonl": "askdoc.loaders.data.json:load_lines",
    ".ndjson": "askdoc.loaders.data.json:load_lines",
    ".ipynb": "askdoc.loaders.data.notebook:load",
    ".srt": "askdoc.loaders.text.subtitles:load",
    ".vtt": "askdoc.loaders.text.subtitles:load",
    ".html": "askdoc.loaders.web.html:load",
    ".htm": "askdoc.loaders.web.html:load",
    ".xhtml": "askdoc.loaders.web.html:load",
    ".epub": "askdoc.loaders.web.epub:load",
    ".pdf": "askdoc.loaders.pdf.pdf:load",
    ".docx": "askdoc.loaders.office.docx:load",
    ".docm": "askdoc.loaders.office.docx:load",
    ".pptx": "askdoc.loaders.office.pptx:load",
    ".pptm": "askdoc.loaders.office.pptx:load",
    ".xlsx": "askdoc.loaders.office.xlsx:load",
    ".xlsm": "askdoc.loaders.office.xlsx:load",
    ".odt": "askdoc.loaders.office.odf:load",
    ".ods": "askdoc.loaders.office.odf:load",
    ".odp": "askdoc.loaders.office.odf:load",
    ".rtf": "askdoc.loaders.office.rtf:load",
} | dict.fromkeys(SOURCE_CODE, "askdoc.loaders.text.plain:load")

HEAD_BYTES = 4096  # how much of a file `find_loader` needs to see to tell text from binary data
_PLAIN = LOADERS[".txt"]
_LOOKS_LIKE_TEXT = "askdoc.loaders.text.plain:looks_like_text"
# What is read in the process that indexes, up to a size in bytes: too simple to crash. (Markdown made to be slow takes
# up to 25 s a million characters, so longer files are not read there.)
_SIMPLE = {"askdoc.loaders.text.plain:load": float("inf"), "askdoc.loaders.text.markdown:load": 2**18}


def find_loader(path: str, head: bytes | None = None) -> str | None:
    """The loader for a file's name, as "module:function", or None if there is none. Imports no loader but plain text's.

    By its ending alone; with `head`, the file's first `HEAD_BYTES` bytes, a file of unknown ending is plain text if
    it looks like text. So a folder yields only what is known to be a document, and a file that was named is tried.
    """
    entry = LOADERS.get(PurePosixPath(path).suffix.lower())
    if entry is None and head is not None and _open(_LOOKS_LIKE_TEXT)(head):
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
