"""Documents into passages, and texts into sentences: exact offsets, nothing lost, nothing twice.

A passage is a paragraph, if it can be: what a writer put together is what a reader can judge on its own. Too long a
paragraph is cut into windows at sentence ends; what cannot stand alone is joined to a neighbour: a heading or a
dateline to what follows, a short remark ("he added.") to what it remarks on. Sections are never mixed.
"""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple, TypeAlias

from askdoc.passages.sections import TITLE, Section, sections
from askdoc.types import Document, Mark, Passage, count_lines

LIMIT = 1000  # characters in a passage: about 220 word pieces of English; the embedder reads 256
SHORT = 80  # characters under which a paragraph cannot stand alone
SPLITTER = f"paragraphs 3, {LIMIT} characters"  # for the index's recipe: another splitter makes other passages

_LONG_LINE = 120  # characters of a line that no one wrapped by hand: a paragraph of its own
_LONG_LEAD = 200  # characters of headings that stay even with a paragraph that must be cut

Range: TypeAlias = tuple[int, int]


class _Unit(NamedTuple):
    """Text that belongs together: `text[start:end]`, not to be cut at or before `body`.

    leads: what comes next belongs to it, too.
    """

    start: int
    body: int
    end: int
    leads: bool

    @property
    def size(self) -> int:
        return self.end - self.start


def split(document: Document) -> list[Passage]:
    """Split a document into passages, in the order of the text, in time linear in its length.

    Each is 1 to `LIMIT` characters long, neither starts nor ends with white space, and holds the text of one section
    only. Every character but white space and what is to be skipped is in exactly one. A passage has the pages it is on,
    and the heading of its section; if that starts with headings one below the other, the last of them.
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
    """Where another page begins, from `start` on, and which."""
    for mark in marks:
        if mark.page is not None and mark.page != page:
            page = mark.page
            yield mark.start - start, page


def _ranges(text: str, section: Section) -> Iterator[Range]:
    for unit in _joined(_paragraphs(text, section)):
        yield from _windows(text, unit)


# --- paragraphs


_LINE_BREAK = r"(?>\r\n?|\n)"
_PARAGRAPH_BREAK = rf"{_LINE_BREAK}[^\S\r\n]*+{_LINE_BREAK}\s*+|[\f\u2029]\s*+"
_BETWEEN_PARAGRAPHS = re.compile(_PARAGRAPH_BREAK)
_LINE = re.compile(r"[^\r\n]+")
_BULLET = re.compile(r"[-*+•‣◦]\s")
_CLOSING = "\"'”’»)]*_"


def _paragraphs(text: str, section: Section) -> Iterator[_Unit]:
    headed = section.headed
    for start, end in _blocks(text, section.start, section.end):
        block = text[start:end]
        leads = _leads(block) or (headed and TITLE.fullmatch(block) is not None)
        yield _Unit(start, start, end, leads)
        headed = False


def _blocks(text: str, start: int, end: int) -> Iterator[Range]:
    """The paragraphs of `text[start:end]`: what blank lines separate, or the lines of a text that has long lines."""
    for block in _between(text, [found.span() for found in _BETWEEN_PARAGRAPHS.finditer(text, start, end)], start, end):
        if block[1] - block[0] > LIMIT and _has_long_lines(text[slice(*block)]):
            breaks = [found.span() for found in _LINE.finditer(text, *block)]
            yield from filter(None, (_stripped(text, *line) for line in breaks))
        else:
            yield block


def _between(text: str, breaks: Iterable[Range], start: int, end: int) -> Iterator[Range]:
    for break_start, break_end in (*breaks, (end, end)):
        block = _stripped(text, start, break_start)
        if block:
            yield block
        start = break_end


def _stripped(text: str, start: int, end: int) -> Range | None:
    """`text[start:end]` without white space around it, or None if nothing is left."""
    part = text[start:end]
    left = len(part) - len(part.lstrip())
    return (start + left, start + len(part.rstrip())) if left < len(part) else None


def _has_long_lines(block: str) -> bool:
    """Whether most of it stands in lines longer than anyone wraps by hand."""
    return 2 * sum(len(line) for line in _LINE.findall(block) if len(line) > _LONG_LINE) > len(block)


def _leads(block: str) -> bool:
    """Whether it announces what follows: it ends with a colon, or is a short line without a full stop, like a title."""
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


_JOINER = "\u200d"  # holds the parts of one emoji together
_FOLLOWERS = frozenset(
    [
        *("\u200c", _JOINER, "ﾞ", "ﾟ"),  # joiners, voicing marks of half width
        *("\u0e33", "\u0eb3"),  # Thai and Lao am: half of it stands above the letter before it
        *map(chr, range(0x1160, 0x1200)),  # the later letters of a Korean syllable in pieces
        *map(chr, range(0xD7B0, 0xD7FC)),
        *map(chr, range(0x1F3FB, 0x1F400)),  # skin colours
        *map(chr, range(0xE0020, 0xE0080)),  # tags: the flags of England, Scotland and Wales
        *map(chr, range(0xDC00, 0xE000)),  # low surrogates
    ]
)
_FLAG_LETTERS = range(0x1F1E6, 0x1F200)
_VIRAMA = 9  # as a combining class: it ties the letter before it to the one after it
_CLAUSE_END = re.compile(r"[，、；：､﹐﹑﹔،؛;,]")


def _windows(text: str, unit: _Unit) -> list[Range]:
    """Cut into as few and as even parts of at most `LIMIT` characters as sentence ends allow."""
    if unit.size <= LIMIT:
        return [(unit.start, unit.end)]
    return _evenly(_coarse(_pieces(text, unit)))


def _pieces(text: str, unit: _Unit) -> Iterator[Range]:
    """Sentences, the first with the headings before it; those that are too long, in parts."""
    start = end = unit.start
    for sentence_start, sentence_end in sentences(text[unit.start : unit.end]):
        if unit.start + sentence_start > unit.body:
            yield from _cut(text, start, end)
            start = unit.start + sentence_start
        end = unit.start + sentence_end
    yield from _cut(text, start, end)


def _cut(text: str, start: int, end: int) -> Iterator[Range]:
    """Cut at line ends or between words or, in one endless word, between characters."""
    while end - start > LIMIT:
        parts = -(-(end - start) // LIMIT)
        stop = _cut_before(text, start, start + -(-(end - start) // parts))
        yield start, stop
        start = stop
        while text[start].isspace():
            start += 1
    if end > start:
        yield start, end


def _cut_before(text: str, start: int, target: int) -> int:
    """The best end for a part of about `text[start:target]` that is not longer."""
    part = text[start:target]
    line_end = max(part.rfind("\n"), part.rfind("\r"))
    if 2 * line_end > len(part):
        return start + len(part[:line_end].rstrip())
    words = part.rsplit(None, 1)
    if len(words) == 2 and len(words[0]) >= SHORT and not text[target].isspace():
        return start + len(words[0])  # less than `SHORT` may be the heading of a text without spaces
    clauses = [found.end() for found in _CLAUSE_END.finditer(part)]
    if clauses and 2 * clauses[-1] > len(part) and not _continues(text, start + clauses[-1]):
        return start + clauses[-1]
    end = next((at for at in range(target, start, -1) if not _continues(text, at)), target)
    return start + len(text[start:end].rstrip())


def _continues(text: str, at: int) -> bool:
    """Whether the character at `at` belongs to the one before it: an accent, half of a pair, part of an emoji."""
    before, char = text[at - 1], text[at]
    if char in _FOLLOWERS or unicodedata.category(char)[0] == "M" or before == _JOINER:
        return True
    if ord(char) in _FLAG_LETTERS:  # two and two make a flag
        first = at
        while first and ord(text[first - 1]) in _FLAG_LETTERS:
            first -= 1
        return (at - first) % 2 == 1
    return unicodedata.combining(before) == _VIRAMA and char.isalpha()


def _coarse(pieces: Iterable[Range]) -> list[Range]:
    """Join pieces too small to matter, so that `_evenly` has few ways to compare."""
    coarse: list[Range] = []
    for start, end in pieces:
        if coarse and coarse[-1][1] - coarse[-1][0] < SHORT and end - coarse[-1][0] <= LIMIT:
            coarse[-1] = (coarse[-1][0], end)
        else:
            coarse.append((start, end))
    return coarse


def _evenly(pieces: Sequence[Range]) -> list[Range]:
    """Join neighbours into windows with the least sum of squared unused room: few windows of much the same size."""
    costs, origins = [0], [0]  # of the best way to join the first n pieces; where its last window begins
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


# --- sentences


_LIST_ITEM = r"(?:[-*+•‣◦][ \t]|\(?\d{1,3}[.)][ \t]|\||\#{1,6}[ \t]|```|~~~)"
_SENTENCE_BREAK = re.compile(
    rf"""
    (?P<sure> {_PARAGRAPH_BREAK}
            | {_LINE_BREAK}[^\S\r\n]*+(?={_LIST_ITEM})
            | (?<![^\r\n])\#{{1,6}}[ \t][^\r\n]*+               # a Markdown heading
            | (?<=[\r\n])(?:={{3,}}+|-{{3,}}+)[ \t]*+(?=[\r\n])  # the line under one
            | [。！？｡।॥။។៕።፧]++[」』”’）】》〉»"')]*+            # no space need follow
            | ．++(?!\d)
            | (?<=[\u0370-\u03ff])[;\u037e](?=\s)               # the Greek question mark
            | (?<=[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3041-\u30ff\u3400-\u9fff\uac00-\ud7a3])
              [.!?]++(?=[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3041-\u30ff\u3400-\u9fff]) )
    | (?<![.!?…؟۔։།])[.!?…؟۔։།]++["'”’»)\]*_]*+(?:\[\d{{1,4}}\])*+(?=\s)
    """,
    re.VERBOSE,
)
_NEXT_WORD = re.compile(r"\s*+[\"'“”„‘«»(\[¿¡*_]*+(?P<word>[^\W_]{0,20}+)(?P<dot>\.?)(?P<char>.?)", re.DOTALL)
_LAST_WORD = re.compile(r"[^\s(\[\"'“„‘’«—–/][^\s(\[\"“„«—–/]*\Z")
_ENUMERATOR = re.compile(r"\(?(?:\d{1,3}|[A-Za-z]|[ivxlc]{1,5})\)?")
_ACRONYM = re.compile(r"[^\W\d_](?:\.?[^\W\d_]{1,2})*?(?:\.[^\W\d_]{1,3})+|[^\W\d_]")  # "U.S", "a.m", "Ph.D", "J"
_ROMAN = re.compile(r"[IVXLC]+")

# Abbreviations, lower case, without their last full stop: these never end a sentence before a capital,
_NEVER_LAST = frozenset(
    "mr mrs ms mx dr drs prof sen rep gov gen col sgt lt capt cmdr adm maj rev hon st mt ft fr pres supt messrs mme "
    "mlle sra hr vs viz cf ca approx esp incl e.g i.e z.b d.h".split()
)
# these not before a number,
_BEFORE_NUMBER = frozenset(
    "no nos nr fig figs vol vols p pp art sec ch chap eq jan feb mar apr jun jul aug sep sept oct nov dec".split()
)
# and these, like initials and acronyms, only before a word that often starts a sentence.
_SELDOM_LAST = frozenset("inc ltd co corp jr sr bros etc al dept ave blvd rd est univ assn bzw usw".split())
_STARTERS = frozenset(
    "The A An And But Or So If In On At By As For From With He She It We They You His Her Its Their Our My This That "
    "These Those There Here When While Where What Who Why How After Before Since During Although Though Because "
    "However Moreover Meanwhile Then Thus Also Some Many Most All Both Each Every Another Other One Two Despite "
    "According Once Until Now Today".split()
)


def sentences(text: str) -> list[Range]:
    """The sentences of a text as offsets (start, end), ascending, disjoint, without white space around them.

    All characters but white space are in one. Headings, list items and table rows count as sentences.
    """
    ranges: list[Range] = []
    start = 0
    for found in _SENTENCE_BREAK.finditer(text):
        if found["sure"] is not None or _ends_sentence(text, start, found):
            sentence = _stripped(text, start, found.end())
            ranges.extend([sentence] if sentence else [])
            start = found.end()
    rest = _stripped(text, start, len(text))
    return [*ranges, rest] if rest else ranges


def _ends_sentence(text: str, start: int, stop: re.Match[str]) -> bool:
    """Whether the full stop (or "?", "...") ends the sentence that began at `start` or so."""
    following = _NEXT_WORD.match(text, stop.end())
    if following is None or not following["word"]:
        return following is None or (following["dot"] or following["char"]) not in {*".,;:!?…)"}
    if following["word"][0].islower():
        return False
    if not stop[0].startswith(".") or stop[0].startswith(".."):
        return True
    return not _is_abbreviation(text, start, stop.start(), following)


def _is_abbreviation(text: str, start: int, stop: int, following: re.Match[str]) -> bool:
    found = _LAST_WORD.search(text[max(start, stop - 24) : stop])
    if found is None:
        return False
    token, word = found[0].lower(), following["word"]
    if _ENUMERATOR.fullmatch(found[0]) and not text[start : stop - len(token)].strip():
        return True
    if token in _NEVER_LAST:
        return True
    if token in _BEFORE_NUMBER and (word[0].isdigit() or _ROMAN.fullmatch(word)):
        return True
    starts = word in _STARTERS and not (len(word) == 1 and following["dot"])  # in "J. A. Smith" the A is an initial
    return (token in _SELDOM_LAST or _ACRONYM.fullmatch(found[0]) is not None) and not starts
