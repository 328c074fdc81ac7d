"""Words on the pages of a PDF → paragraphs and tables, in reading order: by the geometry, since a PDF says no more.

Words make lines and columns (`pdf_lines`), these make paragraphs and tables (`pdf_paragraphs`); here paragraphs are put
together that a column or a page break has torn apart, words that a line break has, and headings are recognised.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from askdoc.loaders.pdf.lines import Line, Page, columns, page_lines, without_running_lines
from askdoc.loaders.pdf.paragraphs import Paragraph, paragraphs_of

_HEADING_SIZE = 1.12  # of the usual size: larger letters are headings
_MOST_HEADINGS = 0.15  # share of the text; where more looks like headings, on slides or posters, nothing is one
_LONGEST_HEADING = 120  # characters
_NUMBER_LENGTH = 8  # letters and digits of "Chapter 12" or "4.2.1"

_HYPHENS = ("-", "\N{HYPHEN}", "\N{SOFT HYPHEN}")
_KEEP_HYPHEN = frozenset(
    "self well non ex twenty thirty forty fifty sixty seventy eighty ninety half quasi semi cross all so".split()
)
_CAPTION = re.compile(r"(?:table|figure|fig\.|tab\.|tabelle|abbildung|abb\.|tableau|chart|plate)\s*\d", re.I)
_WORD = re.compile(r"\w+(?:[-\N{HYPHEN}]\w+)*")


class Part(NamedTuple):
    """The part of a paragraph on one page. joint: what is between the part before and this one."""

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


def same_words(text: str, title: str) -> bool:
    """Whether a block is this heading, perhaps with a number before that the outline leaves out."""
    mine, other = ("".join(filter(str.isalnum, words.casefold())) for words in (text, title))
    return bool(other) and mine.endswith(other) and len(mine) - len(other) <= _NUMBER_LENGTH


def read_pages(pages: Sequence[Page]) -> list[Block]:
    """Put the words of all pages together to paragraphs and tables."""
    lines = [list(page_lines(page)) for page in pages]
    kept = without_running_lines(pages, lines)
    vocabulary = {word.casefold() for page in kept for line in page for word in _WORD.findall(line.text)[:-1]}
    paragraphs = [paragraph for page in kept for column in columns(page) for paragraph in paragraphs_of(column)]
    levels = _heading_levels(paragraphs)
    return [
        replace(_block(group, vocabulary), heading=levels.get(_look(group[0]), 0) if _may_be_heading(group) else 0)
        for group in _joined(paragraphs)
    ]


# --- across columns and pages


def _joined(paragraphs: Sequence[Paragraph]) -> list[list[Paragraph]]:
    """Paragraphs with what continues them in the next column or on the next page.

    What is between, such as a footnote or a table, comes before or behind them, so that pages stay in order.
    """
    groups: list[list[Paragraph]] = []
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


def _before_next_page(groups: Sequence[Sequence[Paragraph]], start: int, group: Sequence[Paragraph]) -> int:
    """Where a paragraph that goes on belongs: behind the notes and tables of the page on which it breaks off."""
    page = group[-2].lines[0].page
    return next((at for at in range(start, len(groups)) if groups[at][0].lines[0].page > page), len(groups))


def _stands_apart(paragraph: Paragraph, before: Paragraph, body: float) -> bool:
    """Whether a text may go on behind this: a table, its caption, or a footnote on the same page."""
    if paragraph.rows or _CAPTION.match(paragraph.text):
        return True
    return paragraph.size < 0.95 * body and paragraph.lines[0].page == before.lines[-1].page


def _indents(paragraphs: Sequence[Paragraph]) -> bool:
    """Whether this document indents the first lines of its paragraphs, but for those below headings."""
    long = [paragraph for paragraph in paragraphs if len(paragraph.lines) > 1]
    return 5 * sum(paragraph.is_indented for paragraph in long) > len(long)


def _main_size(paragraphs: Sequence[Paragraph]) -> float:
    letters: Counter[float] = Counter()
    for paragraph in paragraphs:
        letters[round(paragraph.size, 1)] += len(paragraph.text)
    return letters.most_common(1)[0][0] if letters else 0.0


def _is_text(paragraph: Paragraph, body: float) -> bool:
    usual = abs(paragraph.size - body) <= 0.05 * body and not paragraph.lines[0].bold
    return usual and not paragraph.rows and not _CAPTION.match(paragraph.text)


def _may_go_on(paragraph: Paragraph, *, indents: bool) -> bool:
    """Whether a text may go on elsewhere: its last line is full, and is no end of a sentence or no sure one."""
    last = paragraph.lines[-1]
    full = paragraph.right - last.x1 < 0.12 * (paragraph.right - paragraph.left)
    return (full and (indents or not paragraph.ends)) or last.text.endswith(_HYPHENS)


def _continues(before: Paragraph, paragraph: Paragraph, *, indents: bool) -> bool:
    """Whether a paragraph goes on with what another one, in another column or on another page, left open."""
    last, first = before.lines[-1], paragraph.lines[0]
    moved = first.page != last.page or first.y > last.y
    alike = abs(first.size - last.size) <= 0.05 * last.size and first.bold == last.bold
    if not moved or not alike or paragraph.rows or paragraph.is_item:
        return False
    if first.text[0].islower() or last.text.endswith(_HYPHENS):
        return True
    if paragraph.is_indented:
        return False
    return not before.ends or (indents and len(paragraph.lines) > 1)


def _block(group: Sequence[Paragraph], vocabulary: set[str]) -> Block:
    if group[0].rows:
        return Block(rows=group[0].rows, table_page=group[0].lines[0].page)
    parts: list[Part] = []
    by_page: defaultdict[int, list[Line]] = defaultdict(list)
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
    """How a line and the next are joined: the line, perhaps without its hyphen, and what is between."""
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


# --- headings


def _look(paragraph: Paragraph) -> tuple[float, bool]:
    return round(paragraph.size, 1), paragraph.lines[0].bold


def _may_be_heading(group: Sequence[Paragraph]) -> bool:
    """Whether this is short, alone, and does not end like a sentence."""
    first = group[0]
    short = len(first.lines) <= 2 and len(first.text) <= _LONGEST_HEADING
    return len(group) == 1 and short and not (first.rows or first.ends or _CAPTION.match(first.text))


def _heading_levels(paragraphs: Sequence[Paragraph]) -> dict[tuple[float, bool], int]:
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
