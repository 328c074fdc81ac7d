"""Citations: where in a document a quotation is. This is the one place that makes them, in asking and in verifying."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence

from askdoc.passages.sections import headings
from askdoc.types import Citation, Document, Mark, Passage, count_lines


def cite(cited: Document | Passage, start: int = 0, end: int | None = None) -> Citation:
    """Cite `cited.text[start:end]`, all of it by default; label and page are those of its first character.

    A quotation has the same citation whether it is cited in its document or in the passage that holds it.
    """
    end = len(cited.text) if end is None else end
    if isinstance(cited, Document):
        origin, line = 0, None if cited.content.extracted else 1
        label, page = _place(headings(cited), start).label, _place(cited.content.marks, start).page
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


def _place(marks: Sequence[Mark], start: int) -> Mark:
    """The mark that `start` is under."""
    count = bisect_right([mark.start for mark in marks], start)
    return marks[count - 1] if count else Mark(0, None, None)
