"""Org: the file's own text, with the path of headings above each part."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

from askdoc.loaders.text import plain
from askdoc.loaders.text.headings import Heading, lines, marks
from askdoc.loaders.textbuilder import MAX_LABEL
from askdoc.types import Content

_HEADING = re.compile(r"(\*+)[ \t]+(?:(?:TODO|DONE|NEXT|WAITING|CANCELLED)[ \t]+)?(?:\[#[A-Z]\][ \t]+)?(\S.*)")
_TAGS = re.compile(r"[ \t]+:(?:[\w@#%]+:)+\Z")
_TITLE = re.compile(r"#\+TITLE:[ \t]*(\S.*)", re.IGNORECASE)


def load(data: bytes) -> Content:
    """Decode as plain text is; mark the title and each heading. Raises LoadError for binary data."""
    loaded = plain.load(data)
    return replace(loaded, marks=tuple(marks(_headings(loaded.text))))


def _headings(text: str) -> Iterator[Heading]:
    for start, line in lines(text):
        title, heading = _TITLE.fullmatch(line), _HEADING.fullmatch(line)
        if title and len(title[1]) <= MAX_LABEL:
            yield Heading(start, 0, title[1])
        elif heading and len(heading[2]) <= MAX_LABEL:
            yield Heading(start, len(heading[1]), _TAGS.sub("", heading[2]))
