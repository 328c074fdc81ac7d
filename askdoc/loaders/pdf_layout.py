"""Words on pages → paragraphs and tables, in reading order: by the geometry alone, since a PDF says no more."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from statistics import median
from typing import NamedTuple

_MARGIN = 0.13  # share of a page's height in which running heads and feet stand
_SAME_LINE = 0.35  # of the size of the letters: how much lower or higher a word of the same line may stand
_CELL_GAP = 0.95  # of the size: a wider gap parts cells or columns, not words
_SPACE = 0.2  # of the size: a wider gap is a space, whether or not one is written
_SMALL = 0.82  # of the size of the line: raised and smaller than this is a superscript
_INDENT = 0.7  # of the size: from here on the beginning of a line is indented
_PARAGRAPH_GAP = 1.25  # of the usual distance of lines: more parts paragraphs
_COLUMN_FILL = 0.6  # share of a column's width that the usual line of prose fills
_MOST_CROSSING = 0.4  # share of lines that may run across the gap between columns, such as titles
_LONG_CELL = 30  # characters of the usual cell from which on texts stand side by side, and no values
_HEADING_SIZE = 1.12  # of the usual size: larger letters are headings
_MOST_HEADINGS = 0.15  # share of the text; where more looks like headings, on slides or posters, nothing is one
_LONGEST_HEADING = 120  # characters
_ENDS = (".", "!", "?", ":", ";", "…", "。")
_CLOSING = "\"'”’»)]"

_BULLET = re.compile(r"[•‣◦▪●○■□–—*-]|\(?(?:\d{1,2}|[a-z]|[ivx]{1,4})[.)]|\d{1,2}(?:\.\d{1,2})*\.?|[A-Z]\.?")
_LIST_ITEM = re.compile(r"(?:[•‣◦▪●○■□–—*-]|\(?(?:\d{1,2}|[a-z]|[ivx]{1,4})[.)])\s")
_LEADERS = re.compile(r"(?:\.\s?){4,}\s*[\divxlc]{0,6}$")
_PAGE_NUMBER = re.compile(
    r"\W*(?:page|p\.|seite|s\.|página|pagina)?\s*(\d{1,4})(?:\s*(?:of|/|von|de|di|sur)\s*\d{1,4})?\W*", re.I
)
_ROMAN_NUMBER = re.compile(r"\W*[ivxlc]{1,7}\W*")
_NOTE_MARK = re.compile(r"(?:\d{1,3}|[*†‡§¶])(?:,(?:\d{1,3}|[*†‡§¶]))*")
_HYPHENS = ("-", "\N{HYPHEN}", "\N{SOFT HYPHEN}")
_KEEP_HYPHEN = frozenset(
    "self well non ex twenty thirty forty fifty sixty seventy eighty ninety half quasi semi cross all so".split()
)
_CAPTION = re.compile(r"(?:table|figure|fig\.|tab\.|tabelle|abbildung|abb\.|tableau|chart|plate)\s*\d", re.I)
_WORD = re.compile(r"\w+(?:[-\N{HYPHEN}]\w+)*")


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


class Part(NamedTuple):
    """What stands of a paragraph on one page. joint: what stands between the part before and this one."""

    text: str
    page: int
    joint: str = ""


@dataclass(frozen=True, slots=True)
class Block:
    """A paragraph, as its parts on one page after the other; or a table, as its rows of cells, and its page.

    heading: of which level it looks like a heading, from 1; 0 if it does not.
    """

    parts: tuple[Part, ...] = ()
    rows: tuple[tuple[str, ...], ...] = ()
    table_page: int = 0
    heading: int = 0

    @property
    def page(self) -> int:
        return self.parts[0].page if self.parts else self.table_page

    @property
    def text(self) -> str:
        return "".join(part.joint + part.text for part in self.parts)


@dataclass(frozen=True, slots=True)
class _Line:
    """Words on one base line without a wide gap between them."""

    text: str
    x0: float
    x1: float
    y: float
    size: float
    bold: bool
    page: int
    first: float  # how wide the first word is


@dataclass(slots=True)
class _Paragraph:
    """Lines that belong together, in one column; or rows of a table."""

    lines: list[_Line]
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
    def ends(self) -> bool:
        """Whether it ends with the end of a sentence."""
        return self.lines[-1].text.rstrip(_CLOSING).endswith(_ENDS)


def same_words(text: str, title: str) -> bool:
    """Whether a block is this heading, perhaps with a number before that the outline leaves out."""
    mine, other = ("".join(filter(str.isalnum, one.casefold())) for one in (text, title))
    return bool(other) and mine.endswith(other) and len(mine) - len(other) <= _NUMBER_LENGTH


_NUMBER_LENGTH = 8  # letters and digits of "Chapter 12" or "4.2.1"


def read_pages(pages: Sequence[Page]) -> list[Block]:
    """Put the words of all pages together to paragraphs and tables."""
    lines = [list(_lines(page)) for page in pages]
    kept = _without_running_lines(pages, lines)
    vocabulary = {word.casefold() for page in kept for line in page for word in _WORD.findall(line.text)[:-1]}
    paragraphs = [paragraph for page in kept for column in columns(page) for paragraph in _paragraphs(column)]
    levels = _heading_levels(paragraphs)
    return [
        replace(_block(group, vocabulary), heading=levels.get(_look(group[0]), 0) if _may_be_heading(group) else 0)
        for group in _joined(paragraphs)
    ]


# --- lines


def _lines(page: Page) -> Iterator[_Line]:
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


def _line(run: Sequence[Word], page: int) -> Iterator[_Line]:
    """One line; without marks of footnotes, which would stand in the middle of a sentence."""
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
        yield _Line(text, x0, x1, base, size, bold, page, words[0].x1 - words[0].x0)


def _may_have_note(text: str) -> bool:
    """Whether a raised number behind this text is the mark of a note, and no exponent as in "m2" or "10 6"."""
    last = text.split()[-1] if text else ""
    return not last or not last[-1].isalnum() or (len(last) > 3 and last.isalpha())


# --- running heads, running feet, page numbers


def _without_running_lines(pages: Sequence[Page], lines: Sequence[Sequence[_Line]]) -> list[list[_Line]]:
    margins = [
        [[line for line in found if line.y > (1 - _MARGIN) * page.height],
         [line for line in found if line.y < _MARGIN * page.height]]
        for page, found in zip(pages, lines, strict=True)
    ]  # fmt: skip
    body = _body_size(lines)
    seen: Counter[tuple[int, int, str]] = Counter()
    offsets: Counter[tuple[int, int, int]] = Counter()
    for page, sides in zip(pages, margins, strict=True):
        for side, found in enumerate(sides):
            seen.update({_key(side, line) for line in found if line.size <= 1.2 * body})
            offsets.update({(side, *offset) for line in found for offset in _offsets(line, page.number)})
    running = {key for key, count in seen.items() if count >= 2 and (len(pages) < 4 or count >= 0.05 * len(pages))}
    numbered = {key for key, count in offsets.items() if count >= max(2, 0.4 * len(pages))}
    dropped: set[int] = set()
    for page, sides in zip(pages, margins, strict=True):
        for side, found in enumerate(sides):
            dropped.update(
                id(line)
                for line in found
                if _key(side, line) in running
                or any((side, *offset) in numbered for offset in _offsets(line, page.number))
                or _is_lone_number(line, found, page.number)
            )
    return [[line for line in found if id(line) not in dropped] for found in lines]


def _body_size(lines: Sequence[Sequence[_Line]]) -> float:
    letters: Counter[float] = Counter()
    for line in (line for page in lines for line in page):
        letters[round(line.size, 1)] += len(line.text)
    return letters.most_common(1)[0][0] if letters else 0.0


def _key(side: int, line: _Line) -> tuple[int, int, str]:
    """What makes a line the same on the next page: where it stands, and what it says but for numbers."""
    return side, round(line.y / 4), re.sub(r"\d+", "#", line.text.casefold())


def _offsets(line: _Line, page: int) -> Iterator[tuple[int, int]]:
    """How far a number at either end of a line is from the page's: if it is a page number, the same on every page."""
    words = line.text.split()
    if len(line.text) <= 120:
        for word in {words[0], words[-1]}:
            if word.isdecimal() and len(word) <= 4:
                yield round(line.y / 4), int(word) - page


def _is_lone_number(line: _Line, margin: Sequence[_Line], page: int) -> bool:
    """Whether a line is nothing but the number of its page."""
    if any(other is not line and abs(other.y - line.y) < line.size for other in margin):
        return False
    found = _PAGE_NUMBER.fullmatch(line.text)
    return (found is not None and int(found[1]) == page) or _ROMAN_NUMBER.fullmatch(line.text) is not None


# --- columns


def columns(lines: Sequence[_Line]) -> Iterator[list[_Line]]:
    """The lines of a page, column by column from top to bottom; what runs across parts what is above and below."""
    gap = _gap(lines)
    if gap is None:
        yield sorted(lines, key=lambda line: (-line.y, line.x0))
        return
    band: list[_Line] = []
    for line in sorted(lines, key=lambda line: (-line.y, line.x0)):
        if line.x0 < gap < line.x1:
            yield from _sides(band, gap)
            band = []
            yield [line]
        else:
            band.append(line)
    yield from _sides(band, gap)


def _sides(band: Sequence[_Line], gap: float) -> Iterator[list[_Line]]:
    """The columns of a band; before them what only stands side by side above them, such as the names of authors."""
    left = [line for line in band if line.x1 <= gap]
    right = [line for line in band if line.x0 >= gap]
    widths = [_width(side) for side in (left, right)]
    beside = 0
    rows = _rows(band)
    while beside < len(rows) and _stands_beside(rows[beside], gap, widths):
        beside += 1
    yield from ([line for row in rows[:beside] for line in row],) if beside else ()
    above = {id(line) for row in rows[:beside] for line in row}
    for side in (left, right):
        if rest := [line for line in side if id(line) not in above]:
            yield from columns(rest)


def _width(lines: Sequence[_Line]) -> float:
    return max(line.x1 for line in lines) - min(line.x0 for line in lines) if lines else 0.0


def _stands_beside(row: Sequence[_Line], gap: float, widths: Sequence[float]) -> bool:
    """Whether a row says something short on both sides, which is to be read across."""
    sides = [int(line.x0 >= gap) for line in row]
    return len(set(sides)) > 1 and all(
        line.x1 - line.x0 < _COLUMN_FILL * widths[side] for line, side in zip(row, sides, strict=True)
    )


def _gap(lines: Sequence[_Line]) -> float | None:
    """Where the gap between two columns of prose is; None if there is one column only, or a table."""
    if len(lines) < 8:
        return None
    left, right = min(line.x0 for line in lines), max(line.x1 for line in lines)
    edges = sorted({round(line.x0, 1) for line in lines if left + 0.15 * (right - left) < line.x0 < right})
    best: tuple[int, float] | None = None
    for edge in edges:
        at = edge - 1
        crossing = sum(line.x0 < at < line.x1 for line in lines)
        if crossing <= _MOST_CROSSING * len(lines) and _are_columns(lines, at) and (best is None or crossing < best[0]):
            best = (crossing, at)
    return best[1] if best else None


def _are_columns(lines: Sequence[_Line], at: float) -> bool:
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


# --- paragraphs


def _paragraphs(column: Sequence[_Line]) -> Iterator[_Paragraph]:
    """The paragraphs and tables of a column."""
    if not column:
        return
    rows = _rows(column)
    single = [row[0] for row in rows if len(row) == 1] or [line for row in rows for line in row]
    left, right = min(line.x0 for line in single), max(line.x1 for line in single)
    leading = _leading(single)
    open_lines: list[_Line] = []
    at = 0
    while at < len(rows):
        table = _table_end(rows, at)
        if table > at:
            if open_lines:
                yield _Paragraph(open_lines, left, right)
                open_lines = []
            yield from _table_or_texts(rows[at:table], left, right)
            at = table
            continue
        line = _one_line(rows[at])
        following = _one_line(rows[at + 1]) if at + 1 < len(rows) else None
        at += 1
        if _LEADERS.search(line.text):
            continue  # a list of contents only repeats the headings
        if open_lines and _begins(open_lines, line, following, right, leading):
            yield _Paragraph(open_lines, left, right)
            open_lines = []
        open_lines.append(line)
    if open_lines:
        yield _Paragraph(open_lines, left, right)


def _rows(column: Sequence[_Line]) -> list[list[_Line]]:
    """Lines that stand beside one another, from left to right."""
    rows: list[list[_Line]] = []
    for line in column:
        if rows and abs(rows[-1][0].y - line.y) <= _SAME_LINE * max(line.size, rows[-1][0].size):
            rows[-1].append(line)
        else:
            rows.append([line])
    return [_with_bullets(sorted(row, key=lambda line: line.x0)) for row in rows]


def _with_bullets(row: list[_Line]) -> list[_Line]:
    """Join a bullet or a number with the text behind it."""
    if len(row) == 2 and _BULLET.fullmatch(row[0].text):
        return [_one_line(row)]
    return row


def _one_line(row: Sequence[_Line]) -> _Line:
    if len(row) == 1:
        return row[0]
    longest = max(row, key=lambda line: len(line.text))
    text = " ".join(line.text for line in row)
    return replace(longest, text=text, x0=row[0].x0, x1=max(line.x1 for line in row), first=row[0].first)


def _leading(lines: Sequence[_Line]) -> float:
    """The usual distance of two lines, in sizes of the letters."""
    gaps = [(above.y - below.y) / below.size for above, below in pairwise(lines) if below.size > 0]
    close = [gap for gap in gaps if 0.8 < gap < 2.2]
    return median(close) if close else 1.2


def _begins(before: Sequence[_Line], line: _Line, following: _Line | None, right: float, leading: float) -> bool:
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


def _table_end(rows: Sequence[Sequence[_Line]], start: int) -> int:
    """Where the table that begins at a row ends; `start` if none begins there."""
    end = start
    while end < len(rows) and (len(rows[end]) > 1 or (end > start and _continues_cell(rows, end))):
        end += 1
    wide = sum(len(row) > 1 for row in rows[start:end])
    return end if wide >= 2 else start


def _continues_cell(rows: Sequence[Sequence[_Line]], at: int) -> bool:
    """Whether a single line goes on in a cell of the row above: it begins below one that is not the first."""
    line, above = rows[at][0], rows[at - 1]
    if len(above) < 2 or above[0].y - line.y > 1.6 * line.size:
        return False
    return any(abs(cell.x0 - line.x0) < line.size for cell in above[1:])


def _table_or_texts(rows: Sequence[Sequence[_Line]], left: float, right: float) -> Iterator[_Paragraph]:
    """A table; or texts that stand side by side, such as one in a box beside a paragraph."""
    lines = [line for row in rows for line in row]
    if median(len(line.text) for line in lines) < _LONG_CELL:
        yield _Paragraph(lines, left, right, _table(rows))
        return
    spans = _spans(rows)
    for at in range(len(spans)):
        yield from _paragraphs([line for line in lines if _column(line, spans) == at])


def _table(rows: Sequence[Sequence[_Line]]) -> tuple[tuple[str, ...], ...]:
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


def _spans(rows: Sequence[Sequence[_Line]]) -> list[tuple[float, float]]:
    """From where to where each column goes."""
    widest = max(rows, key=len)
    spans = [(line.x0, line.x1) for line in widest]
    for row in rows:
        if len(row) == len(widest):
            spans = [(min(x0, line.x0), max(x1, line.x1)) for (x0, x1), line in zip(spans, row, strict=True)]
    return spans


def _column(line: _Line, spans: Sequence[tuple[float, float]]) -> int:
    def fit(at: int) -> float:
        x0, x1 = spans[at]
        return min(line.x1, x1) - max(line.x0, x0)  # negative: how far away

    return max(range(len(spans)), key=fit)


# --- across columns and pages


def _joined(paragraphs: Sequence[_Paragraph]) -> list[list[_Paragraph]]:
    """Paragraphs with what continues them in the next column or on the next page.

    What stands between, such as a footnote or a table, comes before or behind them, so that pages stay in order.
    """
    groups: list[list[_Paragraph]] = []
    body = _main_size(paragraphs)
    indents = _indents([paragraph for paragraph in paragraphs if _is_text(paragraph, body)])
    unfinished: int | None = None  # the group that may go on
    for paragraph in paragraphs:
        if unfinished is not None and _continues(groups[unfinished][-1], paragraph, indents=indents):
            group = [*groups.pop(unfinished), paragraph]
            at = _before_next_page(groups, unfinished, group)
        else:
            group, at = [paragraph], len(groups)
        groups.insert(at, group)
        if _is_text(paragraph, body) and _may_go_on(paragraph, indents=indents):
            unfinished = at
        elif unfinished is not None and not _stands_apart(paragraph, groups[unfinished][-1], body):
            unfinished = None
    return groups


def _before_next_page(groups: Sequence[Sequence[_Paragraph]], start: int, group: Sequence[_Paragraph]) -> int:
    """Where a paragraph that goes on belongs: behind the notes and tables of the page on which it breaks off."""
    page = group[-2].lines[0].page
    return next((at for at in range(start, len(groups)) if groups[at][0].lines[0].page > page), len(groups))


def _stands_apart(paragraph: _Paragraph, before: _Paragraph, body: float) -> bool:
    """Whether a text may go on behind this: a table, its caption, or a footnote on the same page."""
    if paragraph.rows or _CAPTION.match(paragraph.text):
        return True
    return paragraph.size < 0.95 * body and paragraph.lines[0].page == before.lines[-1].page


def _indents(paragraphs: Sequence[_Paragraph]) -> bool:
    """Whether this document indents the first lines of its paragraphs, but for those below headings."""
    long = [paragraph for paragraph in paragraphs if len(paragraph.lines) > 1]
    return 5 * sum(_is_indented(paragraph) for paragraph in long) > len(long)


def _is_indented(paragraph: _Paragraph) -> bool:
    first, second = paragraph.lines[:2]
    return first.x0 - second.x0 > _INDENT * first.size


def _main_size(paragraphs: Sequence[_Paragraph]) -> float:
    letters: Counter[float] = Counter()
    for paragraph in paragraphs:
        letters[round(paragraph.size, 1)] += len(paragraph.text)
    return letters.most_common(1)[0][0] if letters else 0.0


# --- headings


def _look(paragraph: _Paragraph) -> tuple[float, bool]:
    return round(paragraph.size, 1), paragraph.lines[0].bold


def _may_be_heading(group: Sequence[_Paragraph]) -> bool:
    """Whether this is short, stands alone, and does not end like a sentence."""
    first = group[0]
    short = len(first.lines) <= 2 and len(first.text) <= _LONGEST_HEADING
    return len(group) == 1 and short and not (first.rows or first.ends or _CAPTION.match(first.text))


def _heading_levels(paragraphs: Sequence[_Paragraph]) -> dict[tuple[float, bool], int]:
    """The looks of headings, larger than the text or bold in its size, and their levels, the largest being 1."""
    body = _main_size(paragraphs)
    looks = {_look(paragraph) for paragraph in paragraphs if _may_be_heading([paragraph])}
    larger = {(size, bold) for size, bold in looks if size >= _HEADING_SIZE * body or (bold and size >= 0.98 * body)}
    texts = Counter(_look(paragraph) for paragraph in paragraphs if len(paragraph.text) > _LONGEST_HEADING)
    ranked = sorted(look for look in larger if texts[look] == 0)
    letters = sum(len(paragraph.text) for paragraph in paragraphs if _look(paragraph) in ranked)
    if letters > _MOST_HEADINGS * sum(len(paragraph.text) for paragraph in paragraphs):
        return {}
    return {look: level for level, look in enumerate(reversed(ranked), 1)}


def _is_text(paragraph: _Paragraph, body: float) -> bool:
    usual = abs(paragraph.size - body) <= 0.05 * body and not paragraph.lines[0].bold
    return usual and not paragraph.rows and not _CAPTION.match(paragraph.text)


def _may_go_on(paragraph: _Paragraph, *, indents: bool) -> bool:
    """Whether a text may go on elsewhere: its last line is full, and is no end of a sentence or no sure one."""
    last = paragraph.lines[-1]
    full = paragraph.right - last.x1 < 0.12 * (paragraph.right - paragraph.left)
    return (full and (indents or not paragraph.ends)) or last.text.endswith(_HYPHENS)


def _continues(before: _Paragraph, paragraph: _Paragraph, *, indents: bool) -> bool:
    """Whether a paragraph goes on with what another one, in another column or on another page, left open."""
    last, first = before.lines[-1], paragraph.lines[0]
    moved = first.page != last.page or first.y > last.y
    alike = abs(first.size - last.size) <= 0.05 * last.size and first.bold == last.bold
    if not moved or not alike or paragraph.rows or _LIST_ITEM.match(first.text):
        return False
    if first.text[0].islower() or last.text.endswith(_HYPHENS):
        return True
    if len(paragraph.lines) > 1 and _is_indented(paragraph):
        return False
    return not before.ends or (indents and len(paragraph.lines) > 1)


def _block(group: Sequence[_Paragraph], vocabulary: set[str]) -> Block:
    if group[0].rows:
        return Block(rows=group[0].rows, table_page=group[0].lines[0].page)
    parts: list[Part] = []
    by_page: defaultdict[int, list[_Line]] = defaultdict(list)
    for line in (line for paragraph in group for line in paragraph.lines):
        by_page[line.page].append(line)
    for page, lines in by_page.items():
        text = lines[0].text
        for line in lines[1:]:
            text, joint = _seam(text, line.text, vocabulary)
            text += joint + line.text
        if parts:
            before, joint = _seam(parts[-1].text, text, vocabulary)
            parts[-1] = parts[-1]._replace(text=before)
            parts.append(Part(text, page, joint))
        else:
            parts.append(Part(text, page))
    return Block(tuple(parts))


def _seam(before: str, after: str, vocabulary: Iterable[str]) -> tuple[str, str]:
    """How a line and the next are joined: the line, perhaps without its hyphen, and what stands between."""
    if not before.endswith(_HYPHENS) or before[-2:-1].isspace() or len(before) < 2:
        return before, " "
    left = _WORD.findall(before[:-1])
    right = _WORD.match(after)
    if not left or right is None or not before[-2].isalnum():
        return before, " "
    whole = f"{left[-1]}-{right[0]}".casefold()
    compound = left[-1].rpartition("-")[2].casefold() in _KEEP_HYPHEN or whole in vocabulary
    if compound or not right[0][0].islower() or before[-2].isdigit():
        return (before[:-1] + "-" if right[0][0].isalnum() else before), ""
    return before[:-1], ""
