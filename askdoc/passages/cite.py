"""Citations: where in a document a quotation is. Asking and verifying both make them here."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence

from askdoc.passages.sections import headings
from askdoc.types import Citation, Document, Mark, Passage, count_lines


def cite(cited: Document | Passage, start: int = 0, end: int | None = None) -> Citation:
    """Cite `cited.text[start:end]`, by default all of it. Label and page are those of the first character.

    A quotation has the same citation in its document and in the passage that contains it.
    """
    end = len(cited.text) if end is None else end
    if isinstance(cited, Document):
        origin, line = 0, None if cited.content.extracted else 1
        label, page = _mark_at(headings(cited), start).label, _mark_at(cited.content.marks, start).page
    else:
        origin, line, label = cited.start, cited.line, cited.label
        page = next((page for turn, page in reversed(cited.turns) if turn <= start), cited.page)
    return Citation(
        document=cited.source.path,
        label=label,
        page=page,
        line_start=None if line is None else line + count_lines(cited.text[:start]),
        line_end=None if line is None else line + count_lines(cited.text[:end]),
        char_start=origin + start,
        char_end=origin + end,
        sha256=cited.source.sha256,
    )


def _mark_at(marks: Sequence[Mark], start: int) -> Mark:
    """The last mark at or before `start`."""
    count = bisect_right([mark.start for mark in marks], start)
    return marks[count - 1] if count else Mark(0, None, None)
