"""Are the quotations of a saved reply still where it says they are?

    saved JSON → SavedReply → Quotation → Checked → Verification

Each quotation is looked up in its document as it is now: at its old place, in the text that was around it, and, if its
file was removed or replaced, in files that are byte for byte the cited one. No model is needed.
"""

from __future__ import annotations

import json
import os
import stat
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Annotated, Literal, TypeAlias, get_args

import msgspec

from askdoc.build import read_document
from askdoc.errors import AskdocError, LoadError, UsageError
from askdoc.loaders.sandbox import LoaderProcess
from askdoc.passages.cite import cite
from askdoc.sources.changes import Known, find_changes
from askdoc.sources.selection import Selection
from askdoc.stores import Address, find_index, open_store
from askdoc.types import Citation, Document

SCHEMA = 1  # of the replies that can be read
TELLING_WORDS = 4  # a text of this many words is evidence on its own; a shorter one may occur anywhere by chance

# intact: at its old place; moved: at another place; changed: the file exists, but no longer contains it; gone: the file
# no longer exists; unreadable: the file exists, but cannot be read.
State: TypeAlias = Literal["intact", "moved", "changed", "gone", "unreadable"]
STATES: tuple[State, ...] = get_args(State)
GOOD = ("intact", "moved")


@dataclass(frozen=True, slots=True)
class Quotation:
    """A text that a reply quotes, and the place that the reply cites."""

    kind: Literal["answer", "passage", "also"]  # also: a near-duplicate of the passage
    number: int  # number of the answer or rank of the passage, from 1
    text: str | None  # None for "also", as a reply leaves it out
    citation: Citation
    contexts: tuple[tuple[str, int], ...] = ()  # longer texts that contain it, longest first, and its offset in each


@dataclass(frozen=True, slots=True)
class SavedReply:
    """A reply as it was saved."""

    question: str
    index: str  # address of the index, as it was typed then
    quotations: tuple[Quotation, ...]
    tags: Mapping[str, object] = field(default_factory=dict)  # from a batch: the question's id, and its line


@dataclass(frozen=True, slots=True)
class Checked:
    """What became of a quotation."""

    quotation: Quotation
    state: State
    now: Citation | None = None  # its place now, if it was found
    remark: str | None = None  # details, in words


@dataclass(frozen=True, slots=True)
class Verification:
    """What became of a reply."""

    reply: SavedReply
    root: Path | None  # the folder that document paths start from; None if the reply quotes nothing
    checked: tuple[Checked, ...]

    @property
    def holds(self) -> bool:
        """Is every quotation still in a document?"""
        return all(check.state in GOOD for check in self.checked)

    def counts(self) -> dict[str, int]:
        counter = Counter(check.state for check in self.checked)
        return {state: counter[state] for state in STATES}


def verify(data: bytes, *, root: Path | str | None = None, index: Path | str | None = None) -> Iterator[Verification]:
    """Check saved replies.

    data: one JSON object, or one on each line. root: the folder that document paths start from; by default that of the
    index. index: by default the index that the reply names, relative to the working directory, else the nearest one.
    Raises `UsageError`, before the first result, for data that holds no replies.
    """
    if root is not None and index is not None:
        raise UsageError("--root and --index together", hint="an index has its own root; give only one of the two")
    opened: dict[str, _Documents] = {}
    with LoaderProcess() as loaders:
        for reply in read_replies(data):
            if not reply.quotations:
                yield Verification(reply, None, ())
                continue
            if reply.index not in opened:
                opened[reply.index] = _documents(reply.index, root, index, loaders)
            documents = opened[reply.index]
            checked = tuple(documents.check(quotation) for quotation in reply.quotations)
            yield Verification(reply, documents.root, checked)


# Reading what was saved -----------------------------------------------------------------------------------------------

_Count: TypeAlias = Annotated[int, msgspec.Meta(ge=0)]
_Quote: TypeAlias = Annotated[str, msgspec.Meta(min_length=1)]


class _SavedCitation(msgspec.Struct, frozen=True):
    """A citation as `outputs.json` writes it. Unknown fields, here and below, are a later askdoc's and are ignored."""

    document: str
    label: str | None
    page: _Count | None
    line_start: _Count | None
    line_end: _Count | None
    char_start: _Count
    char_end: _Count
    sha256: str

    def citation(self) -> Citation:
        return Citation(**msgspec.structs.asdict(self))


class _SavedAnswer(msgspec.Struct, frozen=True):
    text: _Quote
    sentence: str
    passage: int
    citation: _SavedCitation


class _SavedPassage(msgspec.Struct, frozen=True):
    rank: _Count
    text: _Quote
    citation: _SavedCitation
    also: tuple[_SavedCitation, ...] = ()


class _SavedIndex(msgspec.Struct, frozen=True):
    path: str


class _Saved(msgspec.Struct, frozen=True):
    question: str
    answers: tuple[_SavedAnswer, ...]
    passages: tuple[_SavedPassage, ...]
    index: _SavedIndex


def read_replies(data: bytes) -> list[SavedReply]:
    """The replies in a file; raises `UsageError` if any of them cannot be read."""
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise _no_reply("the file is not UTF-8") from error
    try:
        return [_reply(json.loads(text), "the file")]
    except ValueError:
        lines = [(number, line) for number, line in enumerate(text.split("\n"), start=1) if line.strip()]
    except RecursionError as error:
        raise _no_reply("the file is too deeply nested") from error
    if not lines:
        raise _no_reply("the file is empty")
    return [_reply(_parsed(line, f"line {number}"), f"line {number}") for number, line in lines]


def _no_reply(problem: str) -> UsageError:
    return UsageError(f"{problem}, so there is no reply to check", hint='save one: askdoc "…" --json > reply.json')


def _parsed(line: str, where: str) -> object:
    try:  # not with msgspec: file names that are not UTF-8 are written with lone surrogates
        return json.loads(line)
    except (ValueError, RecursionError) as error:
        raise _no_reply(f"{where} is not JSON") from error


def _reply(data: object, where: str) -> SavedReply:
    if not isinstance(data, dict) or "schema" not in data:
        raise _no_reply(f"{where} has no schema")
    if data["schema"] != SCHEMA:
        raise UsageError(
            f"{where} has schema {data['schema']!r}, this askdoc reads {SCHEMA}",
            hint="use the askdoc that made the reply",
        )
    tags = {name: data[name] for name in ("id", "line") if name in data}
    if "error" in data:  # a line of a batch that could not be answered quotes nothing
        return SavedReply("", "", (), tags)
    try:
        saved = msgspec.convert(data, _Saved)
    except msgspec.ValidationError as error:
        raise _no_reply(f"{where} is not what askdoc writes ({error})") from error
    return SavedReply(saved.question, saved.index.path, tuple(_quotations(saved)), tags)


def _quotations(saved: _Saved) -> Iterator[Quotation]:
    passages = {
        passage.rank: Quotation("passage", passage.rank, passage.text, passage.citation.citation())
        for passage in saved.passages
    }
    for number, answer in enumerate(saved.answers, start=1):
        quotation = Quotation("answer", number, answer.text, answer.citation.citation())
        yield replace(quotation, contexts=_contexts(quotation, answer.sentence, passages.get(answer.passage)))
    for passage in saved.passages:
        yield passages[passage.rank]
        for other in passage.also:
            yield Quotation("also", passage.rank, None, other.citation())


def _contexts(quotation: Quotation, sentence: str, passage: Quotation | None) -> tuple[tuple[str, int], ...]:
    """The passage and the sentence that contain an answer, and its offset in each."""
    if passage is None or passage.text is None:
        return ()
    text = quotation.text or ""
    offset = quotation.citation.char_start - passage.citation.char_start
    contexts = [(passage.text, offset), *((sentence, offset - start) for start in _occurrences(passage.text, sentence))]
    return tuple((whole, start) for whole, start in contexts if start >= 0 and whole[start : start + len(text)] == text)


# Finding the documents ------------------------------------------------------------------------------------------------


def _documents(named: str, root: Path | str | None, index: Path | str | None, loaders: LoaderProcess) -> _Documents:
    """The documents of a reply: those of the given root or index, else of the index that the reply names."""
    if root is None:
        return _Documents(open_store(index if index is not None else _index_of(named)).state().known(), loaders)
    folder = Path(root).expanduser()
    if not os.path.isdir(folder):  # noqa: PTH112  # never raises
        raise UsageError(f"there is no folder {folder}", hint="--root is the folder that document paths start from")
    return _Documents(Known(folder.resolve(), (".",), Selection(), "", (), ()), loaders)


def _index_of(named: str) -> Address:
    if named and open_store(named).exists():
        return named
    try:
        return find_index()
    except AskdocError as error:
        raise UsageError(
            f"the index of the reply, {named}, does not exist" if named else "the reply names no index",
            hint="say where the documents are: --index DIR, or --root DIR",
        ) from error


@dataclass(slots=True)
class _Read:
    """A file as it is now: its document, or why it cannot be read."""

    document: Document | None
    problem: str = ""  # in words


class _Documents:
    """The documents below one root as they are now, each read once."""

    def __init__(self, known: Known, loaders: LoaderProcess) -> None:
        self.root = known.root
        self._known = known
        self._loaders = loaders
        self._read: dict[str, _Read | None] = {}

    def check(self, quotation: Quotation) -> Checked:
        """Look a quotation up at its old place, then elsewhere in its file, then in a file with the same bytes."""
        read = self._now(quotation.citation.document)
        if read is None:
            checked = Checked(quotation, "gone")
        elif read.document is None:
            checked = Checked(quotation, "unreadable", remark=read.problem)
        else:
            checked = _in_document(quotation, read.document)
        return checked if checked.state in GOOD else self._in_moved_file(quotation) or checked

    def _in_moved_file(self, quotation: Quotation) -> Checked | None:
        path = self._by_hash.get(quotation.citation.sha256)
        read = None if path is None else self._now(path)
        if read is None or read.document is None:
            return None
        checked = _in_document(quotation, read.document)
        return replace(checked, state="moved") if checked.state in GOOD else None

    def _now(self, path: str) -> _Read | None:
        """The document at a path as it is now; None if there is no file."""
        if path not in self._read:
            self._read[path] = _read_now(self.root / path, path, self._loaders)
        return self._read[path]

    @cached_property
    def _by_hash(self) -> dict[str, str]:
        """The files below the indexed paths, or below the root, by their sha256; hashes files that look changed."""
        try:
            return {source.sha256: source.path for source in find_changes(self._known, retry=True).sources()}
        except UsageError:  # none of the indexed paths exists any more
            return {}


def _read_now(file: Path, path: str, loaders: LoaderProcess) -> _Read | None:
    try:
        if not stat.S_ISREG(file.stat().st_mode):
            return _Read(None, "not a regular file")
        return _Read(read_document(file, path, loaders))
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (OSError, ValueError) as error:  # ValueError: a path with a NUL in it
        return _Read(None, getattr(error, "strerror", None) or str(error))
    except LoadError as error:
        return _Read(None, error.message)


# Finding a quotation in its document ----------------------------------------------------------------------------------


def _in_document(quotation: Quotation, document: Document) -> Checked:
    """What became of a quotation in a document that may have changed."""
    if quotation.text is None:
        return _without_text(quotation, document)
    was, text = quotation.citation, quotation.text
    here = document.text[was.char_start : was.char_end] == text
    if here and document.source.sha256 == was.sha256:
        return _found(quotation, document, was.char_start)
    start = _in_context(quotation, document.text)
    if start is not None:
        return _found(quotation, document, start)
    remark = "the text around it has changed" if quotation.contexts else None
    if here:
        return replace(_found(quotation, document, was.char_start), remark=remark)
    start = _nearest(document.text, text, was.char_start)
    if start is None:
        return Checked(quotation, "changed")
    if len(text.split()) >= TELLING_WORDS or not quotation.contexts:
        return replace(_found(quotation, document, start), remark=remark)
    where = _in_words(cite(document, start, start + len(text)))
    return Checked(quotation, "changed", remark=f"the same words are {where}, but in another context")


def _without_text(quotation: Quotation, document: Document) -> Checked:
    """Check a near-duplicate: the reply holds the sha256 of its file, but not its text."""
    was = quotation.citation
    if document.source.sha256 == was.sha256:
        return _found(quotation, document, was.char_start)
    return Checked(quotation, "changed", remark="the file has changed, and the reply does not hold this text")


def _found(quotation: Quotation, document: Document, start: int) -> Checked:
    """The quotation is at `start`: intact if that is its old place, else moved."""
    was = quotation.citation
    now = cite(document, start, start + was.char_end - was.char_start)
    same = (now.document, now.char_start) == (was.document, was.char_start)
    return Checked(quotation, "intact" if same else "moved", now)


def _in_words(citation: Citation) -> str:
    """A place in words, for a person to look up: a line, a page or a heading."""
    if citation.line_start is not None:
        return f"on line {citation.line_start}"
    if citation.page is not None:
        return f"on page {citation.page}"
    return "elsewhere in the file" if citation.label is None else f"under “{citation.label}”"


def _in_context(quotation: Quotation, text: str) -> int | None:
    """The start of a quotation in a text that still contains its passage or its sentence."""
    old_start = quotation.citation.char_start
    for context, offset in quotation.contexts:
        start = _nearest(text, context, old_start - offset)
        if start is not None:
            return start + offset
    return None


def _nearest(text: str, wanted: str, near: int) -> int | None:
    """The start of the occurrence of `wanted` that is nearest to an offset; at a tie the first."""
    return min(_occurrences(text, wanted), key=lambda start: abs(start - near), default=None)


def _occurrences(text: str, wanted: str) -> Iterator[int]:
    start = text.find(wanted) if wanted else -1
    while start >= 0:
        yield start
        start = text.find(wanted, start + 1)
