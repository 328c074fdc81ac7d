"""Rows of a table → one sentence each, in which every value stands with the name of its column.

A reader trained on prose finds a value where its name stands beside it, and no other row does: of 14 questions about
cells it answered 9 to 11 from such rows, 4 where the rows of a table share a passage, 3 from rows of bare values.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

_MAX_NAME = 60  # characters of a column's name; longer ones are contents
_LONG_CELL = 400  # characters of a cell; more is a text of its own
_NUMBER = re.compile(r"[^\w]*\d[\d.,'’\s]*[^\w]*\w{0,3}[^\w]*")

_YEAR = re.compile(r"(?:19|20)\d\d")


def table_rows(grid: Sequence[Sequence[str]], *, headed: bool | None = None) -> Iterator[tuple[int, str]]:
    """Each row that says something, as its number (from 1) and a sentence.

    grid: one line of text or "" for each cell. headed: whether the first row names the columns,
    None to judge by its looks.
    """
    first = next((at for at, row in enumerate(grid) if any(row)), len(grid))
    body = grid[first:]
    if headed is None:
        headed = is_header(body)
    names = body[0] if headed and len(body) > 1 else []
    for at, row in enumerate(body):
        if any(row) and not (names and at == 0):
            yield first + at + 1, row_sentence(row, names)


def is_layout(rows: Sequence[Sequence[str]]) -> bool:
    """Whether this is no table of values: it has one column or one row, or whole paragraphs in its cells."""
    filled = [[cell for cell in row if cell] for row in rows if any(row)]
    wide = sum(len(set(row)) > 1 for row in filled)
    return wide == 0 or len(filled) == 1 or max(len(cell) for row in filled for cell in row) > _LONG_CELL


def is_header(rows: Sequence[Sequence[str]]) -> bool:
    """Whether the first of these rows names the columns: distinct words, above values of which some are not words."""
    if len(rows) < 2:
        return False
    names = [cell for cell in rows[0] if cell]
    width = max(sum(map(bool, row)) for row in rows[1:])
    if len(names) < 2 or len(names) < width - 1 or len(set(names)) < len(names):
        return False
    if any(_NUMBER.fullmatch(name) or len(name) > _MAX_NAME for name in names if not _YEAR.fullmatch(name)):
        return False
    if any(map(_YEAR.fullmatch, names)) and any(_NUMBER.fullmatch(row[0]) for row in rows if row):
        return False  # a row of values, one of which is a year
    if len(names) > 2:
        return True
    values = [cell for row in rows[1:] for cell in row[1:] if cell]  # two columns may also be names and values
    return 2 * sum(_is_value(cell) for cell in values) > len(values)


def row_sentence(row: Sequence[str], names: Sequence[str]) -> str:
    """The values of a row, each after the name of its column; without names, the first one names the others."""
    filled = [(names[at] if at < len(names) else "", cell) for at, cell in enumerate(row) if cell]
    if names:
        parts = [f"{name.rstrip(':')}: {cell}" if name and name != cell else cell for name, cell in filled]
    elif len(filled) == 2 and all(row[:2]):
        parts = [f"{filled[0][1].rstrip(':')}: {filled[1][1]}"]
    else:
        parts = [cell for _, cell in filled]
    text = "; ".join(dict.fromkeys(parts))  # a merged cell stands in several columns
    return text if text.endswith((".", "!", "?", ":", "。")) else text + "."


def _is_value(cell: str) -> bool:
    return any(char.isdigit() for char in cell)
