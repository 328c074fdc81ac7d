"""Lines of a PDF's column → paragraphs and tables, by the distance, the indentation and the length of lines."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import median

from askdoc.loaders.pdf.lines import Line, one_line, rows_of

_INDENT = 0.7  # of the size: from here on the beginning of a line is indented
_PARAGRAPH_GAP = 1.25  # of the usual distance of lines: more parts paragraphs
_MOST_CELLS = 50  # in a row of a table; more is a drawing
_LONG_CELL = 30  # characters of the usual cell from which on they are texts side by side, not values
_ENDS = (".", "!", "?", ":", ";", "…", "。")
_CLOSING = "\"'”’»)]"

_LIST_ITEM = re.compile(r"(?:[•‣◦▪●○■□–—*-]|\(?(?:\d{1,2}|[a-z]|[ivx]{1,4})[.)])\s")
_LEADERS = re.compile(r"(?:\.\s?){4,}\s*[\divxlc]{0,6}$")


@dataclass(slots=True)
class Paragraph:
    """Lines that belong together, in one column; or rows of a table."""

    lines: list[Line]
    left: float  # the column's
    right: float
    rows: tuple[tuple[str, ...], ...] = ()

    @property
    def size(self) -> float:
        return median(line.size for line in self.lines)

    @property
    def text(self) -> str:
        return " ".join(line.text for line in self.lines)

    @property
    def is_item(self) -> bool:
        """Whether it begins with a bullet or a number."""
        return _LIST_ITEM.match(self.lines[0].text) is not None

    @property
    def is_indented(self) -> bool:
        """Whether it has several lines and the first one is indented."""
        return len(self.lines) > 1 and self.lines[0].x0 - self.lines[1].x0 > _INDENT * self.lines[0].size

    @property
    def ends(self) -> bool:
        """Whether it ends with the end of a sentence."""
        return self.lines[-1].text.rstrip(_CLOSING).endswith(_ENDS)


def paragraphs_of(column: Sequence[Line]) -> Iterator[Paragraph]:
    """The paragraphs and tables of a column."""
    if not column:
        return
    rows = rows_of(column)
    single = [row[0] for row in rows if len(row) == 1] or [line for row in rows for line in row]
    left, right = min(line.x0 for line in single), max(line.x1 for line in single)
    leading = _leading(single)
    open_lines: list[Line] = []
    at = 0
    while at < len(rows):
        table = _table_end(rows, at)
        if table > at:
            if open_lines:
                yield Paragraph(open_lines, left, right)
                open_lines = []
            yield from _table_or_texts(rows[at:table], left, right)
            at = table
            continue
        line = one_line(rows[at])
        following = one_line(rows[at + 1]) if at + 1 < len(rows) else None
        at += 1
        if _LEADERS.search(line.text):
            continue  # a list of contents only repeats the headings
        if open_lines and _begins(open_lines, line, following, right, leading):
            yield Paragraph(open_lines, left, right)
            open_lines = []
        open_lines.append(line)
    if open_lines:
        yield Paragraph(open_lines, left, right)


def _leading(lines: Sequence[Line]) -> float:
    """The usual distance of two lines, in sizes of the letters."""
    gaps = [(above.y - below.y) / below.size for above, below in pairwise(lines) if below.size > 0]
    close = [gap for gap in gaps if 0.8 < gap < 2.2]
    return median(close) if close else 1.2


def _begins(before: Sequence[Line], line: Line, following: Line | None, right: float, leading: float) -> bool:
    """Whether a line begins a new paragraph."""
    last = before[-1]
    if abs(line.size - last.size) > 0.08 * max(line.size, last.size) or line.bold != last.bold:
        return True
    if last.y - line.y > _PARAGRAPH_GAP * leading * line.size or _LIST_ITEM.match(line.text):
        return True
    ends = last.text.rstrip(_CLOSING).endswith(_ENDS)
    room = right - last.x1 > line.first + 0.5 * line.size  # its first word would have fitted in
    indented = line.x0 - last.x0 > _INDENT * line.size
    if indented and not _LIST_ITEM.match(before[0].text):
        returns = following is not None and line.x0 - following.x0 > _INDENT * line.size
        return ends or room or (returns and len(before) > 1)
    if len(before) > 1 and last.x0 - line.x0 > _INDENT * line.size:
        return ends or room
    return ends and room and not line.text[0].islower()


# --- tables


def _table_end(rows: Sequence[Sequence[Line]], start: int) -> int:
    """Where the table that begins at a row ends; `start` if none begins there."""
    end = start
    while end < len(rows) and (len(rows[end]) > 1 or (end > start and _continues_cell(rows, end))):
        end += 1
    wide = sum(len(row) > 1 for row in rows[start:end])
    return end if wide >= 2 else start


def _continues_cell(rows: Sequence[Sequence[Line]], at: int) -> bool:
    """Whether a single line goes on in a cell of the row above: it begins below one that is not the first."""
    line, above = rows[at][0], rows[at - 1]
    if len(above) < 2 or above[0].y - line.y > 1.6 * line.size:
        return False
    return any(abs(cell.x0 - line.x0) < line.size for cell in above[1:])


def _table_or_texts(rows: Sequence[Sequence[Line]], left: float, right: float) -> Iterator[Paragraph]:
    """A table; or texts side by side, such as one in a box beside a paragraph."""
    lines = [line for row in rows for line in row]
    if max(map(len, rows)) > _MOST_CELLS:
        yield Paragraph([one_line(row) for row in rows], left, right)
        return
    if median(len(line.text) for line in lines) < _LONG_CELL:
        yield Paragraph(lines, left, right, _table(rows))
        return
    spans = _spans(rows)
    for at in range(len(spans)):
        yield from paragraphs_of([line for line in lines if _column(line, spans) == at])


def _table(rows: Sequence[Sequence[Line]]) -> tuple[tuple[str, ...], ...]:
    """The texts of a table's cells: each in the column that it overlaps most, or is next to."""
    spans = _spans(rows)
    table: list[list[str]] = []
    for row in rows:
        goes_on = len(row) == 1 and bool(table) and _column(row[0], spans) > 0
        cells = table[-1] if goes_on else [""] * len(spans)
        for line in row:
            at = _column(line, spans)
            cells[at] = f"{cells[at]} {line.text}".strip()
        if not goes_on:
            table.append(cells)
    return tuple(tuple(row) for row in table)


def _spans(rows: Sequence[Sequence[Line]]) -> list[tuple[float, float]]:
    """From where to where each column goes."""
    widest = max(rows, key=len)
    spans = [(line.x0, line.x1) for line in widest]
    for row in rows:
        if len(row) == len(widest):
            spans = [(min(x0, line.x0), max(x1, line.x1)) for (x0, x1), line in zip(spans, row, strict=True)]
    return spans


def _column(line: Line, spans: Sequence[tuple[float, float]]) -> int:
    def fit(at: int) -> float:
        x0, x1 = spans[at]
        return min(line.x1, x1) - max(line.x0, x0)  # negative: how far away

    return max(range(len(spans)), key=fit)
