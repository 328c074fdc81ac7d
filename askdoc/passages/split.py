"""Documents → passages: exact offsets, nothing lost, nothing twice.

A passage is a paragraph where possible, because a paragraph makes sense on its own. A paragraph that is too long is cut
into windows at sentence ends. A short one is joined to its neighbour: a heading or a dateline to the paragraph below, a
short remark ("he added.") to the paragraph above. A passage never spans two sections.
"""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from askdoc.passages.sections import TITLE, Section, sections
from askdoc.passages.sentences import PARAGRAPH_BREAK, Range, sentences, stripped
from askdoc.types import Document, Mark, Passage, count_lines

LIMIT = 1000  # characters in a passage: about 220 word pieces of English; the embedder reads 256
SHORT = 80  # characters; a shorter paragraph makes no sense on its own
SPLITTER = f"paragraphs 3, {LIMIT} characters"  # for the index's recipe: another splitter makes other passages

_LONG_LINE = 120  # characters; a longer line was not wrapped by hand, and is a paragraph of its own
_LONG_LEAD = 200  # characters; longer headings may be separated from a paragraph that must be cut
_BETWEEN_PARAGRAPHS = re.compile(PARAGRAPH_BREAK)
_LINE = re.compile(r"[^\r\n]+")
_BULLET = re.compile(r"[-*+•‣◦]\s")
_CLOSING = "\"'”’»)]*_"
_CLAUSE_END = re.compile(r"[，、；：､﹐﹑﹔،؛;,]")
_JOINER = "\u200d"  # holds the parts of one emoji together
_FOLLOWERS = frozenset(  # characters that belong to the one before them
    [
        "\u200c",  # joiners
        _JOINER,
        "ﾞ",  # voicing marks of half width
        "ﾟ",
        "\u0e33",  # Thai and Lao am: drawn partly above the letter before it
        "\u0eb3",
        *map(chr, range(0x1160, 0x1200)),  # the later letters of a decomposed Korean syllable
        *map(chr, range(0xD7B0, 0xD7FC)),
        *map(chr, range(0x1F3FB, 0x1F400)),  # skin colours
        *map(chr, range(0xE0020, 0xE0080)),  # tags: the flags of England, Scotland and Wales
        *map(chr, range(0xDC00, 0xE000)),  # low surrogates
    ]
)
_FLAG_LETTERS = range(0x1F1E6, 0x1F200)
_VIRAMA = 9  # its combining class; a virama ties the letter before it to the one after it


class _Unit(NamedTuple):
    """Text that belongs together: `text[start:end]`."""

    start: int
    body: int  # start of the paragraph below its headings; no cut at or before it
    end: int
    leads: bool  # the next unit belongs to it, too

    @property
    def size(self) -> int:
        return self.end - self.start


def split(document: Document) -> list[Passage]:
    """Split a document into passages, in the order of the text, in time linear in its length.

    A passage is 1 to `LIMIT` characters long, neither starts nor ends with white space, and lies in one section. Every
    character is in exactly one, except for white space and skipped ranges. A passage has the pages it is on and the
    heading of its section; if the section starts with several headings, one below the other, the last of them.
    """
    starts = [mark.start for mark in document.content.marks]
    passages = []
    line, counted = 1, 0
    for section in sections(document):
        for start, end in _ranges(document.text, section):
            line += count_lines(document.text[counted:start])
            counted = start
            shown = None if document.content.extracted else line
            first, last = bisect_right(starts, start), bisect_left(starts, end)
            page = document.content.marks[first - 1].page if first else None
            turns = () if page is None else tuple(_turns(document.content.marks[first:last], start, page))
            text = document.text[start:end]
            passages.append(Passage(document.source, text, start, shown, section.label, page, turns))
    return passages


def _turns(marks: Iterable[Mark], start: int, page: int) -> Iterator[Range]:
    """The offsets, relative to `start`, where another page begins, each with its page."""
    for mark in marks:
        if mark.page is not None and mark.page != page:
            page = mark.page
            yield mark.start - start, page


def _ranges(text: str, section: Section) -> Iterator[Range]:
    for unit in _joined(_paragraphs(text, section)):
        yield from _windows(text, unit)


# --- paragraphs


def _paragraphs(text: str, section: Section) -> Iterator[_Unit]:
    headed = section.headed
    for start, end in _blocks(text, section.start, section.end):
        block = text[start:end]
        leads = _leads(block) or (headed and TITLE.fullmatch(block) is not None)
        yield _Unit(start, start, end, leads)
        headed = False


def _blocks(text: str, start: int, end: int) -> Iterator[Range]:
    """The paragraphs of `text[start:end]`: blocks between blank lines, or single lines if these are long."""
    breaks = [match.span() for match in _BETWEEN_PARAGRAPHS.finditer(text, start, end)]
    for block in _between(text, breaks, start, end):
        if block[1] - block[0] > LIMIT and _has_long_lines(text[slice(*block)]):
            lines = [match.span() for match in _LINE.finditer(text, *block)]
            yield from filter(None, (stripped(text, *line) for line in lines))
        else:
            yield block


def _between(text: str, breaks: Iterable[Range], start: int, end: int) -> Iterator[Range]:
    """The text between breaks, without white space around it."""
    for break_start, break_end in (*breaks, (end, end)):
        block = stripped(text, start, break_start)
        if block:
            yield block
        start = break_end


def _has_long_lines(block: str) -> bool:
    """Is most of a block in lines longer than `_LONG_LINE`?"""
    return 2 * sum(len(line) for line in _LINE.findall(block) if len(line) > _LONG_LINE) > len(block)


def _leads(block: str) -> bool:
    """Does a block introduce the next one: ends with a colon, or is a short line without a full stop, like a title?"""
    end = block.rstrip(_CLOSING)[-1:]
    if end in (":", "："):
        return True
    if len(block) > SHORT or "\n" in block or "\r" in block or _BULLET.match(block):
        return False
    return end in ("—", "–") or unicodedata.category(end or ".")[0] in "LNM"


def _joined(units: Iterable[_Unit]) -> list[_Unit]:
    joined: list[_Unit] = []
    for unit in units:
        if joined and _belongs(joined[-1], unit):
            joined[-1] = _join(joined[-1], unit)
        else:
            joined.append(unit)
    if len(joined) > 1 and joined[-1].size < SHORT and _fit(joined[-2], joined[-1]):  # a signature, "THE END"
        joined[-2:] = [_join(joined[-2], joined[-1])]
    return joined


def _belongs(before: _Unit, unit: _Unit) -> bool:
    if before.leads:
        return before.size <= _LONG_LEAD or _fit(before, unit)
    remark = unit.size < SHORT and not unit.leads
    return (remark or before.size < SHORT) and _fit(before, unit)


def _fit(before: _Unit, unit: _Unit) -> bool:
    return unit.end - before.start <= LIMIT


def _join(before: _Unit, unit: _Unit) -> _Unit:
    return _Unit(before.start, unit.body if before.leads else before.body, unit.end, unit.leads)


# --- windows


def _windows(text: str, unit: _Unit) -> list[Range]:
    """Cut a unit at sentence ends into windows of at most `LIMIT` characters, as few and as even as possible."""
    if unit.size <= LIMIT:
        return [(unit.start, unit.end)]
    return _evenly(_coarse(_pieces(text, unit)))


def _pieces(text: str, unit: _Unit) -> Iterator[Range]:
    """The sentences of a unit, the first with the headings before it; sentences over `LIMIT` are cut."""
    start = end = unit.start
    for sentence_start, sentence_end in sentences(text[unit.start : unit.end]):
        if unit.start + sentence_start > unit.body:
            yield from _cut(text, start, end)
            start = unit.start + sentence_start
        end = unit.start + sentence_end
    yield from _cut(text, start, end)


def _cut(text: str, start: int, end: int) -> Iterator[Range]:
    """Cut `text[start:end]` at line ends or between words or, in an endless word, between characters."""
    while end - start > LIMIT:
        count = -(-(end - start) // LIMIT)
        stop = _cut_before(text, start, start + -(-(end - start) // count))
        yield start, stop
        start = stop
        while text[start].isspace():
            start += 1
    if end > start:
        yield start, end


def _cut_before(text: str, start: int, target: int) -> int:
    """The best end for a piece that starts at `start`: at `target` or a little before it."""
    piece = text[start:target]
    line_end = max(piece.rfind("\n"), piece.rfind("\r"))
    if 2 * line_end > len(piece):
        return start + len(piece[:line_end].rstrip())
    words = piece.rsplit(None, 1)
    if len(words) == 2 and len(words[0]) >= SHORT and not text[target].isspace():
        return start + len(words[0])  # a shorter one may be the heading of a text without spaces
    clause_ends = [match.end() for match in _CLAUSE_END.finditer(piece)]
    if clause_ends and 2 * clause_ends[-1] > len(piece) and not _continues(text, start + clause_ends[-1]):
        return start + clause_ends[-1]
    end = next((offset for offset in range(target, start, -1) if not _continues(text, offset)), target)
    return start + len(text[start:end].rstrip())


def _continues(text: str, offset: int) -> bool:
    """Does the character at `offset` belong to the one before it: an accent, half of a pair, a part of an emoji?"""
    before, char = text[offset - 1], text[offset]
    if char in _FOLLOWERS or unicodedata.category(char)[0] == "M" or before == _JOINER:
        return True
    if ord(char) in _FLAG_LETTERS:  # every two make a flag
        first = offset
        while first and ord(text[first - 1]) in _FLAG_LETTERS:
            first -= 1
        return (offset - first) % 2 == 1
    return unicodedata.combining(before) == _VIRAMA and char.isalpha()


def _coarse(pieces: Iterable[Range]) -> list[Range]:
    """Join very small pieces, so that `_evenly` has fewer ways to compare."""
    coarse: list[Range] = []
    for start, end in pieces:
        if coarse and coarse[-1][1] - coarse[-1][0] < SHORT and end - coarse[-1][0] <= LIMIT:
            coarse[-1] = (coarse[-1][0], end)
        else:
            coarse.append((start, end))
    return coarse


def _evenly(pieces: Sequence[Range]) -> list[Range]:
    """Join neighbours into windows with the least sum of squared unused room: few windows of about the same size."""
    costs, origins = [0], [0]  # by n: cost of the best way to join the first n pieces, and where its last window begins
    for stop, (_, end) in enumerate(pieces, 1):
        best = (costs[-1] + (LIMIT - end + pieces[stop - 1][0]) ** 2, stop - 1)
        for first in range(stop - 2, -1, -1):
            room = LIMIT - end + pieces[first][0]
            if room < 0:
                break
            best = min(best, (costs[first] + room**2, first))
        costs.append(best[0])
        origins.append(best[1])
    windows = []
    stop = len(pieces)
    while stop:
        windows.append((pieces[origins[stop]][0], pieces[stop - 1][1]))
        stop = origins[stop]
    return windows[::-1]
