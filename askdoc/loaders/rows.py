"""Rows of a table → one sentence each, in which every value follows the name of its column.

A reader trained on prose finds a value where its name is next to it, and in no other row: of 14 questions about cells
it answered 9 to 11 from such rows, 4 where the rows of a table share a passage, 3 from rows of bare values. Of 392
questions about CSV files it answered 308 from `Region: North; …` and 266 from `Region is North; …`; the right row was
the first passage for 370 and 372 of them (tests/benchmarks/tables.py).
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, groupby, islice
from typing import TypeAlias

NAMED = "{name}: {value}"  # how a value follows the name of its column, in every format
MAX_NAME = 100  # characters of a column's name; longer ones are contents
LONG_CELL = 400  # characters of a cell; more is a text of its own
SAMPLE_ROWS = 200  # in which the header is looked for

_NUMBER = re.compile(
    r"[^\w]*\d[\d.,:'’\s]*[^\w]*[^\W\d]{0,3}[^\w]*"  # -4.2 | €5 | 12 km | 9:30 | 3%
    r"|\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4}(?:[T ][\d:.]+Z?)?"  # 2024-03-05 | 5.3.2024 | 2024-03-05T14:00:00Z
)
_YEAR = re.compile(r"(?:1[5-9]|2[01])\d\d")
_ENDS = (".", "!", "?", ":", "。")

Row: TypeAlias = tuple[int, Sequence[str]]  # its number, from 1, and its cells: each one line of text, or ""


def row_sentences(
    rows: Iterable[Row], *, headed: bool | None = None, may_be_pairs: bool = True
) -> Iterator[tuple[int, str]]:
    """Each row that holds something, by its number. The names of the columns are in every sentence below them.

    headed: whether the first row names the columns, None to judge by its looks. may_be_pairs: whether two columns of
    words may be names with their values, as in documents; files of rows name their columns.
    """
    filled = (row for row in rows if any(row[1]))
    head = list(islice(filled, SAMPLE_ROWS))
    first = _header(head, may_be_pairs=may_be_pairs) if headed is None else 0 if headed and len(head) > 1 else None
    above, names, below = ([], (), head) if first is None else (head[:first], head[first][1], head[first + 1 :])
    for number, cells in above:
        yield number, " ".join(filter(None, cells))
    for number, cells in chain(below, filled):
        yield number, row_sentence(cells, names)


def row_sentence(cells: Sequence[str], names: Sequence[str]) -> str:
    """The values of a row, each after the name of its column; without names, the first of two names the other."""
    if not names and len(cells) > 1 and all(cells[:2]) and not any(cells[2:]) and not _NUMBER.fullmatch(cells[0]):
        return _ended(_named(*cells[:2]))
    named = [(names[column] if column < len(names) else "", cell) for column, cell in enumerate(cells) if cell]
    if not names and len(named) == 1:
        return named[0][1]
    parts = [_named(name, cell) for name, cell in named]
    return _ended("; ".join(chain.from_iterable(_unmerged(part, list(equal)) for part, equal in groupby(parts))))


def is_layout(grid: Sequence[Sequence[str]]) -> bool:
    """Whether this is no table of values: it has one column or one row, or whole paragraphs in its cells."""
    filled = [[cell for cell in row if cell] for row in grid if any(row)]
    wide = sum(len(set(row)) > 1 for row in filled)
    return wide == 0 or len(filled) == 1 or max(len(cell) for row in filled for cell in row) > LONG_CELL


def _named(name: str, value: str) -> str:
    name = name.rstrip(": ")
    return NAMED.format(name=name, value=value) if name and name != value else value


def _ended(text: str) -> str:
    return text if text.endswith(_ENDS) else f"{text}."


def _unmerged(part: str, equal: list[str]) -> list[str]:
    """A merged cell is in several columns, but equal numbers side by side are different values."""
    return equal if _NUMBER.fullmatch(part) else equal[:1]


# --- the header


def _header(rows: Sequence[Row], *, may_be_pairs: bool) -> int | None:
    """Which row names the columns: the first as wide as most, if it looks like names; titles may be above it."""
    cells = [row for _, row in rows]
    widths = [sum(map(bool, row)) for row in cells]
    usual = max(Counter(widths).items(), key=lambda item: item[1], default=(0, 0))[0]
    first = next((at for at, width in enumerate(widths) if width >= max(2, usual - 1)), len(cells))
    below = cells[first + 1 :]
    if not below or not _are_names(cells[first], below):
        return None
    if may_be_pairs and widths[first] == 2 and not _are_values([cell for row in below for cell in row[1:] if cell]):
        return None
    return first


def _are_names(names: Sequence[str], below: Sequence[Sequence[str]]) -> bool:
    """Names are distinct and short, and not values themselves."""
    filled = [name for name in names if name]
    if len(set(filled)) < len(filled) or max(map(len, filled)) > MAX_NAME:
        return False
    columns = ([row[column] for row in below if column < len(row)] for column in range(len(names)))
    return all(_is_name(name, column) for name, column in zip(names, columns, strict=True))


def _is_name(name: str, column: Iterable[str]) -> bool:
    """A number is a name only if it is a year, or has a unit, and no value in its column is of that kind."""
    if not _NUMBER.fullmatch(name):
        return True
    kind = _kind(name)
    return kind != "" and kind not in map(_kind, column)


def _kind(value: str) -> str:
    return "year" if _YEAR.fullmatch(value) else "".join(filter(str.isalpha, value))


def _are_values(cells: Sequence[str]) -> bool:
    """Whether most of these are not just words."""
    return 2 * sum(any(map(str.isdigit, cell)) for cell in cells) > len(cells)
