"""Tables (CSV, TSV): each row as a line in which each value stands with the title of its column."""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import chain, islice
from typing import TypeAlias

from askdoc.loaders import Loaded
from askdoc.loaders.text import plain
from askdoc.loaders.textbuilder import Part, assemble

DELIMITERS = ",;\t|"
MAX_FIELD = 1_000_000  # characters of one value; a quotation mark that is never closed makes a longer one
MAX_TITLE = 100  # characters of a column's title
_SAMPLE_ROWS = 200
_SAMPLE_CHARACTERS = 100_000
_REGULAR = 0.75  # share of rows with the same number of values from which on a text is a table

_NUMBER = re.compile(r"[-+(]?[^\w\s]?\s?\d[\d.,'\s]*+%?\)?|\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4}(?:[T ][\d:.]+Z?)?")
_YEAR = re.compile(r"(?:1[5-9]|2[01])\d\d")

Row: TypeAlias = tuple[int, list[str]]  # its number in the file, as spreadsheets count from 1, and its values


def load(data: bytes) -> Loaded:
    """Read a table. Rows are labelled with the numbers that a spreadsheet shows.

    What is no table is its own text, and a remark says so. Raises LoadError for binary data.
    """
    loaded = plain.load(data)
    text, delimiter = _declared(loaded.text)
    delimiter = delimiter or _delimiter(text)
    if delimiter is not None:
        csv.field_size_limit(MAX_FIELD)
        try:
            return assemble(_parts(_rows(text, delimiter)), loaded.remarks)
        except csv.Error:
            pass
    return replace(loaded, remarks=(*loaded.remarks, "no regular table; read as plain text"))


def _declared(text: str) -> tuple[str, str | None]:
    """The text and its delimiter, if the first line says it, as Excel writes it: `sep=;`."""
    first, line_break, _ = text.partition("\n")
    if first[:4].lower() == "sep=" and len(first.rstrip()) == 5:
        return line_break + text[len(first) + 1 :], first[4]  # the empty line keeps the numbers of the rows
    return text, None


def _delimiter(text: str) -> str | None:
    """The delimiter by which most rows have the same number of values, at least two; None if there is no such."""
    best = max(DELIMITERS, key=lambda delimiter: _regularity(text, delimiter))
    return best if _regularity(text, best) >= (_REGULAR, 2) else None


def _regularity(text: str, delimiter: str) -> tuple[float, int]:
    """The share of rows with the most frequent number of values, and that number."""
    sample = text[:_SAMPLE_CHARACTERS]
    csv.field_size_limit(MAX_FIELD)
    rows = [values for _, values in islice(_rows(sample, delimiter), _SAMPLE_ROWS)]
    if len(sample) < len(text) and len(rows) > 1 and len(rows) < _SAMPLE_ROWS:
        rows.pop()  # it is cut
    [(width, count)] = Counter(map(len, rows)).most_common(1) or [(0, 0)]
    return (count / len(rows), width) if width > 1 else (0.0, 0)


def _rows(text: str, delimiter: str) -> Iterator[Row]:
    """The rows that hold anything, with the white space in their values made single spaces."""
    for number, values in enumerate(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter), 1):
        row = [" ".join(value.split()) for value in values]
        if any(row):
            yield number, row


def _parts(rows: Iterator[Row]) -> Iterator[Part]:
    return (Part(f"row {number}", text) for number, text in sentences(rows))


def sentences(rows: Iterator[Row]) -> Iterator[tuple[int, str]]:
    """The rows of a table as text, with their numbers; the header, if there is one, stands in each of them.

    Rows that hold nothing must have been left out.
    """
    head = list(islice(rows, _SAMPLE_ROWS))
    if not head:
        return
    above, titles, below = _header(head)
    for number, row in above:
        yield number, " ".join(filter(None, row))
    for number, row in chain(below, rows):
        yield number, _sentence(titles, row)


def _header(head: Sequence[Row]) -> tuple[Sequence[Row], Sequence[str], Sequence[Row]]:
    """The rows above the header (a title, a date), the titles of the columns, and the rows with data."""
    width = Counter(len(row) - _empty_at_end(row) for _, row in head).most_common(1)[0][0]
    first = next(at for at, (_, row) in enumerate(head) if len(row) - _empty_at_end(row) >= width)
    titles = head[first][1]
    below = [row for _, row in head[first + 1 :]]
    if below and _are_titles(titles, below):
        return head[:first], titles, head[first + 1 :]
    return head[:first], (), head[first:]


def _empty_at_end(row: Sequence[str]) -> int:
    return next((at for at, value in enumerate(reversed(row)) if value), len(row))


def _are_titles(titles: Sequence[str], below: Sequence[Sequence[str]]) -> bool:
    """Titles are short, all different, and not values: a number is a title only if it is a year above other numbers."""
    named = [title for title in titles if title]
    if len(named) < len(titles) - 1 or len(set(named)) < len(named) or any(len(title) > MAX_TITLE for title in named):
        return False
    return all(not _NUMBER.fullmatch(title) or _is_year_above(at, title, below) for at, title in enumerate(titles))


def _is_year_above(column: int, title: str, below: Iterable[Sequence[str]]) -> bool:
    values = [row[column] for row in below if column < len(row)]
    return _YEAR.fullmatch(title) is not None and not any(map(_YEAR.fullmatch, values))


def _sentence(titles: Sequence[str], row: Sequence[str]) -> str:
    """`Region is North; Revenue is 4.2 million.`, without what is empty.

    Of 38 questions about tables the bundled reader answered 36 from such sentences, 29 from `Region: North; …`, and 8
    from the lines of the file.
    """
    named = [*titles, *[""] * (len(row) - len(titles))]
    values = (f"{title} is {value}" if title else value for title, value in zip(named, row, strict=False) if value)
    return "; ".join(values) + "."
