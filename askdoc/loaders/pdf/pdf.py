"""PDF: paragraphs and tables as a reader sees them, though a PDF holds only letters and their positions."""

from __future__ import annotations

import ctypes
import math
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import pypdfium2 as pdfium
import pypdfium2.raw as raw

from askdoc.errors import LoadError
from askdoc.loaders.guard import guarded
from askdoc.loaders.pdf.layout import Block, read_pages, same_words
from askdoc.loaders.pdf.lines import Page, Word
from askdoc.loaders.textbuilder import TextBuilder
from askdoc.types import Content

MAX_PAGES = 20_000
_PASSWORD_ERROR = 4  # FPDF_ERR_PASSWORD
_HYPHEN = "\x02"  # what PDFium makes of a hyphen at the end of a line
_UNKNOWN = 0.3  # share of characters without a meaning from which on a text is no text
_LIGATURES = str.maketrans({"ﬀ": "ff", "ﬁ": "fi", "ﬂ": "fl", "ﬃ": "ffi", "ﬄ": "ffl", "ﬅ": "ft", "ﬆ": "st"})
_SEARCHABLE = "make it searchable first, for example with: ocrmypdf"
_MAX_NESTING = 5  # of pictures in the content of a page


@guarded("PDF")
def load(data: bytes) -> Content:
    """Read a PDF: each paragraph with its page, running heads and page numbers left out, headings from the outline.

    Raises LoadError for a PDF that needs a password, and for one that is pictures of text.
    """
    document = _opened(data)
    try:
        return _load(document)
    finally:
        document.close()


def _opened(data: bytes) -> Any:
    try:
        return pdfium.PdfDocument(data)
    except pdfium.PdfiumError as error:
        if getattr(error, "err_code", None) == _PASSWORD_ERROR:
            raise LoadError("it is encrypted with a password: save it without one to have it read") from error
        raise


def _load(document: Any) -> Content:
    if len(document) > MAX_PAGES:
        raise LoadError(f"it has more than {MAX_PAGES:,} pages", hint="split it")
    pages: list[Page] = []
    pictures: list[int] = []
    for number in range(1, len(document) + 1):
        page = document[number - 1]
        words = list(_words(page))
        pages.append(Page(number, page.get_height(), words))
        if not words and _has_pictures(page):
            pictures.append(number)
        page.close()
    _check_text(pages, pictures)
    builder = TextBuilder()
    if pictures:
        builder.remark(f"without text, since they are pictures: {_page_list(pictures)} ({_SEARCHABLE})")
    _fill(builder, read_pages(pages), _outline(document))
    return builder.content()


def _check_text(pages: Sequence[Page], pictures: Sequence[int]) -> None:
    letters = Counter(_is_unknown(char) for page in pages for word in page.words for char in word.text)
    if not letters:
        what = "a scan without text" if pictures else "without text"
        raise LoadError(f"it is {what}: {_SEARCHABLE} IN.pdf OUT.pdf")
    if letters[True] > _UNKNOWN * letters.total():
        raise LoadError(f"its fonts do not say which letters they show: {_SEARCHABLE} --force-ocr IN.pdf OUT.pdf")


def _is_unknown(char: str) -> bool:
    return char in "\0\ufffd\ufffe" or "\ue000" <= char <= "\uf8ff"


def _has_pictures(page: Any) -> bool:
    kinds = (raw.FPDF_PAGEOBJ_IMAGE, raw.FPDF_PAGEOBJ_PATH)
    return any(True for _ in page.get_objects(filter=kinds, max_depth=_MAX_NESTING))


def _page_list(numbers: Sequence[int]) -> str:
    """As people write it: "page 3", "pages 3–5, 9"."""
    ranges: list[list[int]] = []
    for number in numbers:
        if ranges and number == ranges[-1][1] + 1:
            ranges[-1][1] = number
        else:
            ranges.append([number, number])
    listed = ", ".join(str(first) if first == last else f"{first}–{last}" for first, last in ranges)
    return f"{'page' if len(numbers) == 1 else 'pages'} {listed}"


# --- words


class _Letters:
    """The letters of a page, as PDFium tells them one at a time."""

    def __init__(self, textpage: Any) -> None:
        self.page = textpage.raw
        self.count = raw.FPDFText_CountChars(self.page)
        self._x, self._y = ctypes.c_double(), ctypes.c_double()
        self._rect, self._matrix = raw.FS_RECTF(), raw.FS_MATRIX()

    def char(self, at: int) -> str:
        code = raw.FPDFText_GetUnicode(self.page, at)
        return chr(code) if code < 0x110000 else "\ufffd"

    def place(self, at: int) -> tuple[float, float]:
        """Where the letter begins on its line."""
        raw.FPDFText_GetCharOrigin(self.page, at, self._x, self._y)
        return self._x.value, self._y.value

    def box(self, at: int) -> tuple[float, float, float, float]:
        """Left, bottom, right and top of the room that the letter takes."""
        raw.FPDFText_GetLooseCharBox(self.page, at, self._rect)
        return self._rect.left, self._rect.bottom, self._rect.right, self._rect.top

    def size(self, at: int) -> float:
        """The size of its font, in points."""
        raw.FPDFText_GetMatrix(self.page, at, self._matrix)
        return float(raw.FPDFText_GetFontSize(self.page, at)) * math.hypot(self._matrix.c, self._matrix.d)

    def style(self, at: int) -> tuple[float, int]:
        return raw.FPDFText_GetFontSize(self.page, at), raw.FPDFText_GetFontWeight(self.page, at)

    def quarter(self, at: int) -> int:
        """How many quarter turns the letter is turned, against the clock."""
        angle: float = raw.FPDFText_GetCharAngle(self.page, at)
        return round(angle / (math.pi / 2)) % 4


def _words(page: Any) -> Iterator[Word]:
    """The words of a page, in the order in which they were written; those across the others are left out."""
    textpage = page.get_textpage()
    try:
        letters = _Letters(textpage)
        runs = list(_runs(letters))
        turns = Counter(letters.quarter(first) for first, *_ in runs)
        usual = turns.most_common(1)[0][0] if turns else 0
        for first, text, spaced in runs:
            if letters.quarter(first) == usual:
                yield _word(letters, first, text, usual, spaced=spaced)
    finally:
        textpage.close()


def _runs(letters: _Letters) -> Iterator[tuple[int, str, bool]]:
    """Letters of one style without a space between: where they begin, what they say, whether a space comes before."""
    first, text, spaced, style = 0, "", True, (0.0, 0)
    for at in range(letters.count):
        char = letters.char(at)
        here = style if char.isspace() else letters.style(at)
        if text and (char.isspace() or here != style or text.endswith(_HYPHEN)):
            yield first, text, spaced
            text, spaced = "", text.endswith(_HYPHEN)
        if char.isspace():
            spaced = True
        else:
            first, style = (at, here) if not text else (first, style)
            text += char
    if text:
        yield first, text, spaced


def _word(letters: _Letters, first: int, text: str, turns: int, *, spaced: bool) -> Word:
    left, bottom, right, top = letters.box(first)
    last = letters.box(first + len(text) - 1)
    left, bottom, right, top = min(left, last[0]), min(bottom, last[1]), max(right, last[2]), max(top, last[3])
    x, y = letters.place(first)
    x0, x1, base = ((left, right, y), (bottom, top, -x), (-right, -left, -y), (-top, -bottom, x))[turns]
    shown = text.translate(_LIGATURES).replace(_HYPHEN, "-")
    return Word(shown, x0, x1, base, letters.size(first), letters.style(first)[1] >= 600, spaced)


# --- headings


def _outline(document: Any) -> list[tuple[int, str, int]]:
    """The outline that viewers show beside the pages: level, title, page from 1."""
    outline = []
    for entry in document.get_toc(max_depth=8):
        target = entry.get_dest()
        index = None if target is None else target.get_index()
        title = " ".join(entry.get_title().split())
        if index is not None and title:
            outline.append((entry.level + 1, title, index + 1))
    return outline


def _fill(builder: TextBuilder, blocks: Iterable[Block], outline: Sequence[tuple[int, str, int]]) -> None:
    """Add blocks, with the outline's headings in their positions; without an outline, with what looks like headings."""
    blocks = list(blocks)
    waiting = list(outline)
    look_counts = not waiting
    for at, block in enumerate(blocks):
        count = _heading_at(blocks, at, waiting)
        if count:
            for level, title, _ in waiting[: count - 1]:
                builder.enter(level, title)
            builder.heading(waiting[count - 1][0], block.text, page=block.page)
            del waiting[:count]
        elif block.heading and look_counts:
            builder.heading(block.heading, block.text, page=block.page)
        else:
            _add(builder, block)


def _heading_at(blocks: Sequence[Block], at: int, waiting: Sequence[tuple[int, str, int]]) -> int:
    """How many of the waiting headings begin here, the last of them being the block itself; 0 if none."""
    block = blocks[at]
    for count, (_, title, page) in enumerate(waiting, 1):
        if page > block.page:
            return 0
        if page == block.page and not block.rows and same_words(block.text, title):
            return count
    return 0


def _add(builder: TextBuilder, block: Block) -> None:
    if block.rows:
        builder.table(block.rows, page=block.page)
        return
    first, *rest = block.parts
    builder.paragraph(first.text, page=first.page)
    for part in rest:
        builder.continue_paragraph(part.text, joint=part.joint, page=part.page)
