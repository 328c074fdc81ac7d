"""AsciiDoc: the file's own text, with the path of headings above each part."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

from askdoc.loaders.text import plain
from askdoc.loaders.text.headings import Heading, lines, marks
from askdoc.loaders.textbuilder import MAX_LABEL
from askdoc.types import Content

_TITLE = re.compile(r"(={1,6}|#{1,6})[ \t]+(\S.*)")
_FENCE = re.compile(r"-{4,}|\.{4,}|\+{4,}|/{4,}|={4,}|\*{4,}|_{4,}|`{3,}\w*|\|===|--")


def load(data: bytes) -> Content:
    """Decode as plain text is; mark each title that is in no block. Raises LoadError for binary data."""
    loaded = plain.load(data)
    return replace(loaded, marks=tuple(marks(_headings(loaded.text))))


def _headings(text: str) -> Iterator[Heading]:
    block: str | None = None  # the line that opened the block, and will close it
    for start, line in lines(text):
        if block is not None:
            block = None if line == block else block
        elif _FENCE.fullmatch(line):
            block = "```" if line.startswith("```") else line
        elif (title := _TITLE.fullmatch(line)) and len(title[2]) <= MAX_LABEL:
            yield Heading(start, len(title[1]), title[2].removesuffix(title[1]).strip())
