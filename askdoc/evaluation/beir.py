"""Retrieval sets in the BEIR layout (Thakur et al. 2021, https://github.com/beir-cellar/beir).

A folder holds `corpus.jsonl` (`_id`, `title`, `text`), `queries.jsonl` (`_id`, `text`) and the judgements, a table with
tabs and a header (query, document, grade) in `qrels/test.tsv`, `qrels_test.tsv`, `qrels.tsv` or, if there is only one,
any other `qrels*.tsv`. Each file may be packed (`.gz`).
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

_PREFERRED = ("qrels/test.tsv", "qrels_test.tsv", "qrels.tsv")


@dataclass(frozen=True, slots=True)
class Text:
    """A document of the corpus."""

    id: str
    title: str  # may be empty
    text: str

    @property
    def content(self) -> str:
        """Title and text, indexed together as in BEIR; with one line break, so that they stay one paragraph."""
        return f"{self.title}\n{self.text}".strip()


@dataclass(frozen=True, slots=True)
class JudgedQuery:
    """A query and its judged documents."""

    id: str
    text: str
    grades: Mapping[str, int]  # document id → relevance; 0 for judged irrelevant, at least one is above 0


@dataclass(frozen=True, slots=True)
class RetrievalSet:
    """A corpus with judged queries."""

    name: str  # of the folder
    documents: tuple[Text, ...]  # in the order of the file
    queries: tuple[JudgedQuery, ...]  # those with a relevant document, in the order of the file


def is_beir(path: Path) -> bool:
    """Is `path` a folder with a BEIR corpus?"""
    return path.is_dir() and _packed(path, "corpus.jsonl") is not None


def load_beir(folder: Path) -> RetrievalSet:
    """Read a folder in the BEIR layout. Queries without a relevant document are left out: no ranking would be right.

    Raises `ValueError`, naming file and line, if a file is missing or does not fit the layout, or if judged documents
    are not in the corpus. Raises `OSError` if a file cannot be read.
    """
    documents = tuple(
        Text(id=_text(row, "_id", where), title=str(row.get("title") or ""), text=_text(row, "text", where))
        for where, row in _rows(_needed(folder, "corpus.jsonl"))
    )
    judgements = _judgements(_qrels(folder))
    _check_judged(judgements, {document.id for document in documents}, folder)
    queries = tuple(
        JudgedQuery(id=identity, text=_text(row, "text", where), grades=grades)
        for where, row in _rows(_needed(folder, "queries.jsonl"))
        if any((grades := judgements.get(identity := _text(row, "_id", where), {})).values())
    )
    if not queries:
        raise ValueError(f"{folder}: no query has a relevant document")
    return RetrievalSet(name=folder.resolve().name, documents=documents, queries=queries)


def _packed(folder: Path, name: str) -> Path | None:
    """The file `name` in the folder, plain or packed."""
    return next((path for path in (folder / name, folder / f"{name}.gz") if path.is_file()), None)


def _needed(folder: Path, name: str) -> Path:
    path = _packed(folder, name)
    if path is None:
        raise ValueError(f"{folder}: not a BEIR folder, {name} is missing")
    return path


def _qrels(folder: Path) -> Path:
    """The file of judgements: that of the test split if there are several."""
    preferred = [path for name in _PREFERRED if (path := _packed(folder, name))]
    others = sorted(path for pattern in ("qrels*.tsv*", "qrels/*.tsv*") for path in folder.glob(pattern))
    if preferred:
        return preferred[0]
    if len(others) != 1:
        names = ", ".join(path.relative_to(folder).as_posix() for path in others) or "none"
        raise ValueError(f"{folder}: expected qrels/test.tsv or one other table of judgements, found {names}")
    return others[0]


def _lines(path: Path) -> Iterator[tuple[str, str]]:
    """The lines that are not blank, each with its file and number for a message."""
    try:
        raw = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
        text = raw.decode("utf-8-sig")
    except (EOFError, gzip.BadGzipFile, UnicodeDecodeError) as error:
        raise ValueError(f"{path}: cannot be decoded, {error}") from error
    # not splitlines(): JSON strings may contain U+2028 and similar characters unescaped
    for number, line in enumerate(text.split("\n"), start=1):
        if line.strip():
            yield f"{path}: line {number}", line.rstrip("\r")


def _rows(path: Path) -> Iterator[tuple[str, dict[str, object]]]:
    for where, line in _lines(path):
        try:
            row = json.loads(line)
        except json.JSONDecodeError as error:
            raise ValueError(f"{where}: not JSON, {error}") from error
        if not isinstance(row, dict):
            raise ValueError(f"{where}: not a JSON object")
        yield where, row


def _text(row: Mapping[str, object], field: str, where: str) -> str:
    value = row.get(field)
    if not isinstance(value, (str, int)):
        raise ValueError(f"{where}: the field {field!r} is missing or is no text")
    return str(value)


def _judgements(path: Path) -> dict[str, dict[str, int]]:
    """Query id → document id → grade. The first line is skipped if it is a header: its grade is not a number."""
    judgements: dict[str, dict[str, int]] = {}
    for number, (where, line) in enumerate(_lines(path)):
        fields = line.split("\t")
        if len(fields) != 3:
            raise ValueError(f"{where}: expected three fields with tabs between, found {len(fields)}")
        query, document, grade = fields
        if _is_number(grade):
            judgements.setdefault(query, {})[document] = int(grade)
        elif number:
            raise ValueError(f"{where}: the grade {grade!r} is not a whole number")
    return judgements


def _is_number(grade: str) -> bool:
    return grade.strip().lstrip("-").isdecimal()


def _check_judged(judgements: Mapping[str, Mapping[str, int]], known: set[str], folder: Path) -> None:
    """Raise `ValueError` if relevant documents are not in the corpus: then the files do not belong together."""
    relevant = {document for grades in judgements.values() for document, grade in grades.items() if grade > 0}
    missing = sorted(relevant - known)
    if missing:
        raise ValueError(f"{folder}: {len(missing)} judged documents are not in the corpus, such as {missing[0]!r}")
