"""Words on the pages of a PDF → lines in reading order, without running heads and page numbers."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from statistics import median
from typing import NamedTuple

_MARGIN = 0.13  # share of a page's height in which running heads and feet are
_SAME_LINE = 0.35  # of the size of the letters: how much lower or higher a word of the same line may be
_CELL_GAP = 0.95  # of the size: a wider gap parts cells or columns, not words
_SPACE = 0.2  # of the size: a wider gap is a space, whether or not one is written
_SMALL = 0.82  # of the size of the line: raised and smaller than this is a superscript
_COLUMN_FILL = 0.6  # share of a column's width that the usual line of prose fills
_MOST_CROSSING = 0.4  # share of lines that may run across the gap between columns, such as titles
_MOST_EDGES = 30  # left ends of lines that are looked at to find a column

_BULLET = re.compile(r"[•‣◦▪●○■□–—*-]|\(?(?:\d{1,2}|[a-z]|[ivx]{1,4})[.)]|\d{1,2}(?:\.\d{1,2})*\.?|[A-Z]\.?")
_PAGE_NUMBER = re.compile(
    r"\W*(?:page|p\.|seite|s\.|página|pagina)?\s*(\d{1,4})(?:\s*(?:of|/|von|de|di|sur)\s*\d{1,4})?\W*", re.I
)
_ROMAN_NUMBER = re.compile(r"\W*[ivxlc]{1,7}\W*")
_NOTE_MARK = re.compile(r"(?:\d{1,3}|[*†‡§¶])(?:,(?:\d{1,3}|[*†‡§¶]))*")


class Word(NamedTuple):
    """Letters without a space. x0, x1, y: left and right end and base line, in points, y upwards; size of the font.

    spaced: whether a space or a new line comes before.
    """

    text: str
    x0: float
    x1: float
    y: float
    size: float
    bold: bool
    spaced: bool


class Page(NamedTuple):
    """The words of a page in the order in which they were written. number: from 1. height: points."""

    number: int
    height: float
    words: list[Word]


@dataclass(frozen=True, slots=True)
class Line:
    """Words on one base line without a wide gap between them."""

    text: str
    x0: float
    x1: float
    y: float
    size: float
    bold: bool
    page: int
    first: float  # how wide the first word is


# --- lines


def page_lines(page: Page) -> Iterator[Line]:
    """Put words that were written one after the other on one base line together."""
    run: list[Word] = []
    for word in page.words:
        if run and not _goes_on(run, word):
            yield from _line(run, page.number)
            run = []
        run.append(word)
    yield from _line(run, page.number)


def _goes_on(run: Sequence[Word], word: Word) -> bool:
    last = run[-1]
    size = max(last.size, word.size)
    base = next((one for one in run if one.size >= _SMALL * size), last)
    tolerance = _SAME_LINE * size if min(base.size, word.size) >= _SMALL * size else 0.6 * size
    return abs(word.y - base.y) <= tolerance and -0.6 * size <= word.x0 - last.x1 <= _CELL_GAP * size


def _line(run: Sequence[Word], page: int) -> Iterator[Line]:
    """One line; without marks of footnotes, which would be in the middle of a sentence."""
    if not run:
        return
    letters: Counter[tuple[float, float]] = Counter()
    for word in run:
        letters[word.size, word.y] += len(word.text)
    size, base = letters.most_common(1)[0][0]
    words: list[Word] = []
    text = ""
    for word in run:
        raised = word.size <= _SMALL * size and word.y > base + 0.1 * size
        if raised and _NOTE_MARK.fullmatch(word.text) and _may_have_note(text):
            continue
        spaced = word.spaced or (bool(words) and word.x0 - words[-1].x1 > _SPACE * size)
        text += (" " if spaced and text else "") + word.text
        words.append(word)
    if words:
        bold = sum(len(word.text) for word in words if word.bold) > 0.8 * len(text.replace(" ", ""))
        x0, x1 = min(word.x0 for word in words), max(word.x1 for word in words)
        yield Line(text, x0, x1, base, size, bold, page, words[0].x1 - words[0].x0)


def _may_have_note(text: str) -> bool:
    """Whether a raised number behind this text is the mark of a note, and no exponent as in "m2" or "10 6"."""
    last = text.split()[-1] if text else ""
    return not last or not last[-1].isalnum() or (len(last) > 3 and last.isalpha())


# --- running heads, running feet, page numbers


def without_running_lines(pages: Sequence[Page], lines: Sequence[Sequence[Line]]) -> list[list[Line]]:
    """The lines of each page, without what repeats at the same place of other pages, and without page numbers."""
    margins = [
        [[line for line in on_page if line.y > (1 - _MARGIN) * page.height],
         [line for line in on_page if line.y < _MARGIN * page.height]]
        for page, on_page in zip(pages, lines, strict=True)
    ]  # fmt: skip
    body = _body_size(lines)
    seen: Counter[tuple[int, int, str]] = Counter()
    offsets: Counter[tuple[int, int, int]] = Counter()
    for page, sides in zip(pages, margins, strict=True):
        for side, on_page in enumerate(sides):
            seen.update({_key(side, line) for line in on_page if line.size <= 1.2 * body})
            offsets.update({(side, *offset) for line in on_page for offset in _offsets(line, page.number)})
    running = {key for key, count in seen.items() if count >= (2 if len(pages) < 4 else 3)}
    numbered = {key for key, count in offsets.items() if count >= max(2, 0.4 * len(pages))}
    dropped: set[int] = set()
    for page, sides in zip(pages, margins, strict=True):
        for side, on_page in enumerate(sides):
            for row in _by_row(on_page):
                has_number = any((side, *one) in numbered for line in row for one in _offsets(line, page.number))
                repeats = all(_key(side, line) in running for line in row) and not _is_table_header(row)
                if has_number or repeats or _is_lone_number(row, page.number):
                    dropped.update(map(id, row))
    return [[line for line in on_page if id(line) not in dropped] for on_page in lines]


def _by_row(lines: Sequence[Line]) -> list[list[Line]]:
    rows: list[list[Line]] = []
    for line in sorted(lines, key=lambda line: -line.y):
        if rows and abs(rows[-1][0].y - line.y) <= _SAME_LINE * max(line.size, rows[-1][0].size):
            rows[-1].append(line)
        else:
            rows.append([line])
    return rows


def _is_table_header(row: Sequence[Line]) -> bool:
    """Whether this may be the names of columns, which a table repeats on every page."""
    return len(row) > 2 and not any(char.isdigit() for line in row for char in line.text)


def _body_size(lines: Sequence[Sequence[Line]]) -> float:
    letters: Counter[float] = Counter()
    for line in (line for page in lines for line in page):
        letters[round(line.size, 1)] += len(line.text)
    return letters.most_common(1)[0][0] if letters else 0.0


def _key(side: int, line: Line) -> tuple[int, int, str]:
    """What makes a line the same on the next page: its position, and its text without numbers."""
    return side, round(line.y / 4), re.sub(r"\d+", "#", line.text.casefold())


def _offsets(line: Line, page: int) -> Iterator[tuple[int, int]]:
    """How far a number at either end of a line is from the page's: if it is a page number, the same on every page."""
    words = line.text.split()
    if len(line.text) <= 120:
        for word in {words[0], words[-1]}:
            if word.isdecimal() and len(word) <= 4:
                yield round(line.y / 4), int(word) - page


def _is_lone_number(row: Sequence[Line], page: int) -> bool:
    """Whether a row is nothing but the number of its page."""
    if len(row) > 1:
        return False
    found = _PAGE_NUMBER.fullmatch(row[0].text)
    return (found is not None and int(found[1]) == page) or _ROMAN_NUMBER.fullmatch(row[0].text) is not None


# --- columns


def columns(lines: Sequence[Line]) -> Iterator[list[Line]]:
    """The lines of a page, column by column from top to bottom; what runs across parts what is above and below."""
    gap = _gap(lines)
    if gap is None:
        yield sorted(lines, key=lambda line: (-line.y, line.x0))
        return
    band: list[Line] = []
    for line in sorted(lines, key=lambda line: (-line.y, line.x0)):
        if line.x0 < gap < line.x1:
            yield from _sides(band, gap)
            band = []
            yield [line]
        else:
            band.append(line)
    yield from _sides(band, gap)


def _sides(band: Sequence[Line], gap: float) -> Iterator[list[Line]]:
    """The columns of a band; before them what is only side by side above them, such as the names of authors."""
    left = [line for line in band if line.x1 <= gap]
    right = [line for line in band if line.x0 >= gap]
    widths = [_width(side) for side in (left, right)]
    beside = 0
    rows = rows_of(band)
    while beside < len(rows) and _stands_beside(rows[beside], gap, widths):
        beside += 1
    yield from ([line for row in rows[:beside] for line in row],) if beside else ()
    above = {id(line) for row in rows[:beside] for line in row}
    for side in (left, right):
        if rest := [line for line in side if id(line) not in above]:
            yield from columns(rest)


def _width(lines: Sequence[Line]) -> float:
    return max(line.x1 for line in lines) - min(line.x0 for line in lines) if lines else 0.0


def _stands_beside(row: Sequence[Line], gap: float, widths: Sequence[float]) -> bool:
    """Whether a row says something short on both sides, which is to be read across."""
    sides = [int(line.x0 >= gap) for line in row]
    return len(set(sides)) > 1 and all(
        line.x1 - line.x0 < _COLUMN_FILL * widths[side] for line, side in zip(row, sides, strict=True)
    )


def _gap(lines: Sequence[Line]) -> float | None:
    """Where the gap between two columns of prose is; None if there is one column only, or a table."""
    if len(lines) < 8:
        return None
    left, right = min(line.x0 for line in lines), max(line.x1 for line in lines)
    starts = Counter(round(line.x0) for line in lines if left + 0.15 * (right - left) < line.x0 < right)
    edges = sorted(edge for edge, _ in starts.most_common(_MOST_EDGES))
    best: tuple[int, float] | None = None
    for edge in edges:
        at = edge - 1.5
        crossing = sum(line.x0 < at < line.x1 for line in lines)
        if crossing <= _MOST_CROSSING * len(lines) and _are_columns(lines, at) and (best is None or crossing < best[0]):
            best = (crossing, at)
    return best[1] if best else None


def _are_columns(lines: Sequence[Line], at: float) -> bool:
    """Whether there is prose on both sides: lines that mostly fill their column, not cells."""
    for side in ([line for line in lines if line.x1 <= at], [line for line in lines if line.x0 >= at]):
        if len(side) < 4:
            return False
        width = max(line.x1 for line in side) - min(line.x0 for line in side)
        if (
            median(line.x1 - line.x0 for line in side) < _COLUMN_FILL * width
            or median(len(line.text) for line in side) < 15
        ):
            return False
    return True


# --- rows


def rows_of(column: Sequence[Line]) -> list[list[Line]]:
    """Lines side by side, from left to right; bullets are joined with the text that follows them."""
    return [_with_bullets(sorted(row, key=lambda line: line.x0)) for row in _by_row(column)]


def _with_bullets(row: list[Line]) -> list[Line]:
    """Join a bullet or a number with the text behind it."""
    if len(row) == 2 and _BULLET.fullmatch(row[0].text):
        return [one_line(row)]
    return row


def one_line(row: Sequence[Line]) -> Line:
    """The lines of a row as one; its style is that of the longest."""
    if len(row) == 1:
        return row[0]
    longest = max(row, key=lambda line: len(line.text))
    text = " ".join(line.text for line in row)
    return replace(longest, text=text, x0=row[0].x0, x1=max(line.x1 for line in row), first=row[0].first)
