"""reStructuredText: the file's own text, with the path of headings above each part."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import replace

from askdoc.loaders.text import plain
from askdoc.loaders.text.headings import Heading, lines, marks
from askdoc.loaders.textbuilder import MAX_LABEL
from askdoc.types import Content

_ADORNMENT = re.compile(r"([!-/:-@\[-`{-~])\1+")
_ROLE = re.compile(r":[\w.:+-]{1,40}:(?=`)")
_TARGET = re.compile(r"\s?<[^<>`]{1,500}>(?=`)")


def load(data: bytes) -> Content:
    """Decode as plain text is; mark each title that is underlined, and perhaps overlined.

    The order in which kinds of lines are met decides the levels, as in docutils. Raises LoadError for binary data.
    """
    loaded = plain.load(data)
    return replace(loaded, marks=tuple(marks(_headings(loaded.text))))


def _headings(text: str) -> Iterator[Heading]:
    styles: list[str] = []
    before = [(0, ""), (0, "")]  # the two lines above
    for start, line in lines(text):
        (over_start, over), (title_start, title) = before
        if _ADORNMENT.fullmatch(line) and _is_title(over, title, line):
            overlined = over == line
            style = line[0] * (2 if overlined else 1)
            if style not in styles:
                styles.append(style)
            yield Heading(over_start if overlined else title_start, styles.index(style), _shown(title))
            line = ""  # an underline is no overline of what follows
        before = [before[1], (start, line)]


def _is_title(over: str, title: str, line: str) -> bool:
    """Whether `line` underlines a title: text that begins a block and is not longer than the line."""
    if not 0 < len(title.strip()) <= MAX_LABEL or _ADORNMENT.fullmatch(title):
        return False
    if over == line:
        return True
    return not over and not title[0].isspace() and (len(line) >= 4 or _width(title) <= len(line))


def _width(title: str) -> int:
    """The columns that a title takes: Chinese and Japanese characters are two wide."""
    return sum(2 if unicodedata.east_asian_width(char) in "WF" else 1 for char in title)


def _shown(title: str) -> str:
    """A title as a reader sees it: without the signs for emphasis, code, roles and targets."""
    plain_title = _TARGET.sub("", _ROLE.sub("", title)).replace("``", "").replace("`_", "").replace("`", "")
    return " ".join(plain_title.replace("**", "").replace("\\", "").split())
