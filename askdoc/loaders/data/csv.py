"""Tables (CSV, TSV): each row as a sentence in which every value follows the name of its column."""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from itertools import islice

from askdoc.loaders.rows import SAMPLE_ROWS, Row, row_sentences
from askdoc.loaders.text import plain
from askdoc.loaders.textbuilder import Part, assemble
from askdoc.types import Content

DELIMITERS = ",;\t|"
MAX_FIELD = 1_000_000  # characters of one value; a quotation mark that is never closed makes a longer one
_SAMPLE_CHARACTERS = 100_000
_REGULAR = 0.75  # share of rows with the same number of values from which on a text is a table


def load(data: bytes) -> Content:
    """Read a table. Rows are labelled with the numbers that a spreadsheet shows.

    What is no table is its own text, and a remark says so. Raises LoadError for binary data.
    """
    loaded = plain.load(data)
    text, delimiter = _declared(loaded.text)
    delimiter = delimiter or _delimiter(text)
    if delimiter is not None:
        csv.field_size_limit(MAX_FIELD)
        try:
            sentences = row_sentences(_rows(text, delimiter), may_be_pairs=False)
            return assemble((Part(f"row {number}", sentence) for number, sentence in sentences), loaded.remarks)
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
    rows = [values for _, values in islice(_rows(sample, delimiter), SAMPLE_ROWS)]
    if len(sample) < len(text) and len(rows) > 1 and len(rows) < SAMPLE_ROWS:
        rows.pop()  # it is cut
    [(width, count)] = Counter(map(len, rows)).most_common(1) or [(0, 0)]
    return (count / len(rows), width) if width > 1 else (0.0, 0)


def _rows(text: str, delimiter: str) -> Iterator[Row]:
    """The rows that hold anything, with the white space in their values made single spaces."""
    for number, values in enumerate(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter), 1):
        row = [" ".join(value.split()) for value in values]
        if any(row):
            yield number, row
