"""Do the quotations of a saved reply still stand where it says they do?

    saved JSON → SavedReply → Quotation → Checked → Verification

Each quotation is looked for in the document as it is now: at its place, in the text around it, and, if its file is gone
or another, in the files that are byte for byte the one that was cited. No model is needed for that.
"""

from __future__ import annotations

import json
import os
import stat
from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from askdoc.build import read_document
from askdoc.errors import AskdocError, LoadError, UsageError
from askdoc.sources.selection import find_files
from askdoc.stores.folder import store
from askdoc.stores.folder.store import Manifest
from askdoc.types import Citation, Document, count_lines

SCHEMA = 1  # of the replies that can be read
STATES = ("intact", "moved", "changed", "gone", "unreadable")
GOOD = ("intact", "moved")
TELLING_WORDS = 4  # from so many words on, a text is evidence of its own; fewer could stand anywhere by chance


@dataclass(frozen=True, slots=True)
class Quotation:
    """A text that a reply quotes, and where it says that the text stands.

    kind: "answer", "passage", or "also" (another place of nearly the same passage, whose text the reply leaves out).
    number: of the answer, or the rank of the passage, from 1. around: longer texts that the quotation stands in, each
    with the place in it where the quotation begins; the longest first.
    """

    kind: str
    number: int
    text: str | None
    citation: Citation
    around: tuple[tuple[str, int], ...] = ()


@dataclass(frozen=True, slots=True)
class SavedReply:
    """A reply as it was saved. index: as it was typed then. tags: the asker's own, such as an id."""

    question: str
    index: str
    quotations: tuple[Quotation, ...]
    tags: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Checked:
    """What became of a quotation.

    state: "intact" (it stands at its place), "moved" (elsewhere), "changed" (its file is there, but does not say so any
    more), "gone" (its file is not there) or "unreadable". now: where it stands, if it does. remark: what else to know.
    """

    quotation: Quotation
    state: str
    now: Citation | None = None
    remark: str | None = None


@dataclass(frozen=True, slots=True)
class Verification:
    """What became of a reply. root: the folder that its document paths were looked up in; None if it quotes nothing."""

    reply: SavedReply
    root: Path | None
    checked: tuple[Checked, ...]

    @property
    def holds(self) -> bool:
        """Is all that was quoted still there to read?"""
        return all(one.state in GOOD for one in self.checked)

    def counts(self) -> dict[str, int]:
        found = Counter(one.state for one in self.checked)
        return {state: found[state] for state in STATES}


def verify(data: bytes, *, root: Path | str | None = None, index: Path | str | None = None) -> Iterator[Verification]:
    """Check saved replies: one JSON object, or one a line.

    root: the folder that document paths start from. Without it, that of the index: the one given, else the one that the
    reply names, seen from the working directory, else the nearest one. Raises `UsageError` for what is no reply, before
    the first result.
    """
    if root is not None and index is not None:
        raise UsageError("--root and --index together", hint="an index knows its root; leave one of them away")
    places: dict[str, _Place] = {}
    for reply in read_replies(data):
        if not reply.quotations:
            yield Verification(reply, None, ())
            continue
        if reply.index not in places:
            places[reply.index] = _place(reply.index, root, index)
        place = places[reply.index]
        yield Verification(reply, place.root, tuple(place.check(one) for one in reply.quotations))


# Reading what was saved -----------------------------------------------------------------------------------------------


def read_replies(data: bytes) -> list[SavedReply]:
    """The replies in a file, all of them checked before any is used; raises `UsageError`."""
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
    try:
        return json.loads(line)
    except (ValueError, RecursionError) as error:
        raise _no_reply(f"{where} is not JSON") from error


def _reply(data: Any, where: str) -> SavedReply:
    try:
        schema = data["schema"]
    except (TypeError, KeyError, IndexError) as error:
        raise _no_reply(f"{where} has no schema") from error
    if schema != SCHEMA:
        raise UsageError(
            f"{where} has schema {schema!r}, this askdoc reads {SCHEMA}", hint="use the askdoc that made the reply"
        )
    tags = {name: data[name] for name in ("id", "line") if name in data}
    if "error" in data:  # a line of a batch that could not be answered quotes nothing
        return SavedReply("", "", (), tags)
    try:
        return SavedReply(_text(data["question"]), _text(data["index"]["path"]), tuple(_quotations(data)), tags)
    except (KeyError, TypeError, ValueError, AttributeError, IndexError) as error:
        raise _no_reply(f"{where} is not what askdoc writes ({error!r})") from error


def _quotations(data: Mapping[str, Any]) -> Iterator[Quotation]:
    passages = {}
    for passage in data["passages"]:
        rank, quoted = _number(passage["rank"]), _citation(passage["citation"])
        passages[rank] = Quotation("passage", rank, _quote(passage["text"]), quoted)
    for number, answer in enumerate(data["answers"], start=1):
        quotation = Quotation("answer", number, _quote(answer["text"]), _citation(answer["citation"]))
        yield replace(quotation, around=_around(quotation, answer, passages.get(answer["passage"])))
    for passage in data["passages"]:
        main = passages[passage["rank"]]
        yield main
        for other in passage.get("also", ()):
            yield Quotation("also", main.number, None, _citation(other))


def _around(quotation: Quotation, answer: Mapping[str, Any], passage: Quotation | None) -> tuple[tuple[str, int], ...]:
    """The passage and the sentence that an answer stands in, with its place in them."""
    sentence, text = _text(answer["sentence"]), quotation.text or ""
    if passage is None or passage.text is None:
        return ()
    at = quotation.citation.char_start - passage.citation.char_start
    around = [(passage.text, at), *((sentence, at - start) for start in _occurrences(passage.text, sentence))]
    return tuple((whole, at) for whole, at in around if at >= 0 and whole[at : at + len(text)] == text)


def _citation(data: Mapping[str, Any]) -> Citation:
    label, page = data["label"], data["page"]
    return Citation(
        document=_text(data["document"]),
        label=None if label is None else _text(label),
        page=None if page is None else _number(page),
        line_start=_number(data["line_start"]),
        line_end=_number(data["line_end"]),
        char_start=_number(data["char_start"]),
        char_end=_number(data["char_end"]),
        sha256=_text(data["sha256"]),
    )


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{value!r} is no text")
    return value


def _quote(value: object) -> str:
    if not _text(value):
        raise ValueError("an empty quotation")
    return _text(value)


def _number(value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise ValueError(f"{value!r} is no number from 0 on")
    return value


# Looking it up --------------------------------------------------------------------------------------------------------


def _place(named: str, root: Path | str | None, index: Path | str | None) -> _Place:
    """Where the documents of a reply are, by what the person says, or else by what the reply says."""
    if root is not None:
        return _Place(_folder(Path(root).expanduser()))
    folder = Path(index).expanduser() if index is not None else _index_of(named)
    manifest = store.read_manifest(folder)
    return _Place((folder / manifest.root).resolve(), folder, manifest)


def _folder(path: Path) -> Path:
    if not os.path.isdir(path):  # noqa: PTH112  # never raises
        raise UsageError(f"there is no folder {path}", hint="--root is the folder that document paths start from")
    return path.resolve()


def _index_of(named: str) -> Path:
    if named and store.has_manifest(Path(named)):
        return Path(named)
    try:
        return store.find_index()
    except AskdocError as error:
        raise UsageError(
            f"the index of the reply, {named or 'which has none'}, is not there",
            hint="say where the documents are: --index DIR, or --root DIR",
        ) from error


@dataclass(slots=True)
class _Read:
    """A file as it is now: its document, or why there is none."""

    document: Document | None
    problem: str = ""


class _Place:
    """The documents below one root, each read once."""

    def __init__(self, root: Path, index: Path | None = None, manifest: Manifest | None = None) -> None:
        self.root = root
        self._index = index
        self._manifest = manifest
        self._read: dict[str, _Read | None] = {}

    def check(self, quotation: Quotation) -> Checked:
        """Look a quotation up where it was, then elsewhere in its file, then where its file may have gone."""
        read = self._now(quotation.citation.document)
        if read is not None and read.document is not None:
            found = _in_document(quotation, read.document)
            if found.state in GOOD:
                return found
        else:
            state = "gone" if read is None else "unreadable"
            found = Checked(quotation, state, remark=None if read is None else read.problem)
        return self._in_moved_file(quotation) or found

    def _in_moved_file(self, quotation: Quotation) -> Checked | None:
        path = self._by_hash.get(quotation.citation.sha256)
        read = None if path is None else self._now(path)
        if read is None or read.document is None:
            return None
        found = _in_document(quotation, read.document)
        return replace(found, state="moved") if found.state in GOOD else None

    def _now(self, path: str) -> _Read | None:
        """The document at a path as it is now; None if there is no file."""
        if path not in self._read:
            self._read[path] = _read_now(self.root / path, path)
        return self._read[path]

    @cached_property
    def _by_hash(self) -> dict[str, str]:
        """The files below the indexed paths, or below the root, by their sha256. Reads those that no index knows."""
        known = self._known()
        paths = [self.root] if self._manifest is None else store.there(self.root, self._manifest)
        found = find_files(paths, self._manifest.selection if self._manifest else None).files
        unknown = [path for path in (store.relative_to(file, self.root) for file in found) if path not in known]
        hashes = {sha256: path for path, sha256 in known.items()}
        for path in unknown:
            try:
                hashes[store.hash_file(self.root / path)] = path
            except OSError:  # what cannot be read is not found either
                continue
        return hashes

    def _known(self) -> dict[str, str]:
        """The sha256 of each document that is as it was indexed, by path."""
        if self._manifest is None or self._index is None:
            return {}
        old = {entry.id for entry in store.suspects(self._index, self._manifest)}
        return {one.source.path: one.source.sha256 for one in self._manifest.documents if one.id not in old}


def _read_now(file: Path, path: str) -> _Read | None:
    try:
        if not stat.S_ISREG(file.stat().st_mode):
            return _Read(None, "not a regular file")
        return _Read(read_document(file, path))
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (OSError, ValueError) as error:  # ValueError: a path with a NUL in it
        return _Read(None, getattr(error, "strerror", None) or str(error))
    except LoadError as error:
        return _Read(None, error.message)


# Finding it again -----------------------------------------------------------------------------------------------------


def _in_document(quotation: Quotation, document: Document) -> Checked:
    """What became of a quotation in a document that may have changed."""
    if quotation.text is None:
        return _without_text(quotation, document)
    was, text = quotation.citation, quotation.text
    here = document.text[was.char_start : was.char_end] == text
    if here and document.source.sha256 == was.sha256:
        return _stands(quotation, document, was.char_start)
    start = _in_context(quotation, document.text)
    if start is not None:
        return _stands(quotation, document, start)
    remark = "what stands around it has changed" if quotation.around else None
    if here:
        return replace(_stands(quotation, document, was.char_start), remark=remark)
    start = _nearest(document.text, text, was.char_start)
    if start is None:
        return Checked(quotation, "changed")
    if len(text.split()) >= TELLING_WORDS or not quotation.around:
        return replace(_stands(quotation, document, start), remark=remark)
    line = 1 + count_lines(document.text[:start])
    return Checked(quotation, "changed", remark=f"the same words stand on line {line}, but among others")


def _without_text(quotation: Quotation, document: Document) -> Checked:
    """A place of nearly the same passage: the reply has its hash, but not its text."""
    was = quotation.citation
    if document.source.sha256 == was.sha256:
        return _stands(quotation, document, was.char_start)
    return Checked(quotation, "changed", remark="the file has changed, and the reply does not hold this text")


def _in_context(quotation: Quotation, text: str) -> int | None:
    """Where a quotation begins in a text that still has its passage or its sentence."""
    was = quotation.citation.char_start
    for around, at in quotation.around:
        start = _nearest(text, around, was - at)
        if start is not None:
            return start + at
    return None


def _nearest(text: str, part: str, place: int) -> int | None:
    """The occurrence of a part that is nearest to a place; at a tie the first."""
    return min(_occurrences(text, part), key=lambda start: abs(start - place), default=None)


def _occurrences(text: str, part: str) -> Iterator[int]:
    start = text.find(part) if part else -1
    while start >= 0:
        yield start
        start = text.find(part, start + 1)


def _stands(quotation: Quotation, document: Document, start: int) -> Checked:
    """It stands at `start`: there or somewhere else than it did."""
    was = quotation.citation
    now = _cite(document, start, start + was.char_end - was.char_start)
    same = (now.document, now.char_start) == (was.document, was.char_start)
    return Checked(quotation, "intact" if same else "moved", now)


def _cite(document: Document, start: int, end: int) -> Citation:
    starts = [mark.start for mark in document.marks]
    headed = document.marks[bisect_left(starts, end) - 1] if bisect_left(starts, end) else None
    paged = document.marks[bisect_right(starts, start) - 1] if bisect_right(starts, start) else None
    before = count_lines(document.text[:start])
    return Citation(
        document=document.source.path,
        label=headed.label if headed else None,
        page=paged.page if paged else None,
        line_start=1 + before,
        line_end=1 + count_lines(document.text[:end]),
        char_start=start,
        char_end=end,
        sha256=document.source.sha256,
    )
