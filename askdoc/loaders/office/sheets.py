"""A sheet of a workbook → passages: each row a sentence, cited by sheet and row."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from askdoc.loaders.tables import is_header, row_sentence
from askdoc.loaders.textbuilder import TextBuilder

_UNNAMED = re.compile(r"(?:sheet|table|tabelle|blatt|feuil|feuille|hoja|foglio|planilha|blad|ark|list)\s*\d*", re.I)

Row = tuple[int, list[str]]


def add_sheet(builder: TextBuilder, name: str, rows: Iterable[Row]) -> None:
    """Add the rows that hold something. rows: their numbers, from 1, ascending, and what their cells show.

    Blocks of rows without an empty row between them are tables of their own, each with its own names of columns.
    """
    builder.move_to(name)
    prefix = "" if _UNNAMED.fullmatch(name) else f"{name}. "
    for block in _blocks(rows):
        _add_block(builder, block, prefix)


def _blocks(rows: Iterable[Row]) -> Iterator[list[Row]]:
    """Rows that follow one another without an empty one between."""
    block: list[Row] = []
    for number, cells in rows:
        if block and number > block[-1][0] + 1:
            yield block
            block = []
        block.append((number, [" ".join(cell.split()) for cell in cells]))
    if block:
        yield block


def _add_block(builder: TextBuilder, block: list[Row], prefix: str) -> None:
    """Add the lines above a table as they are, and its rows with the names of the columns."""
    titles = 0
    while titles < len(block) and sum(map(bool, block[titles][1])) < 2:
        titles += 1
    table = block[titles:]
    names = table[0][1] if is_header([cells for _, cells in table]) else []
    for number, cells in block[:titles]:
        builder.row(number, " ".join(filter(None, cells)))
    for number, cells in table[1 if names else 0 :]:
        builder.row(number, prefix + row_sentence(cells, names))
