"""Markdown: the file's own text, with the path of headings above each part."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import pairwise

from markdown_it import MarkdownIt
from markdown_it.token import Token

from askdoc.loaders.text import plain
from askdoc.loaders.text.headings import Heading, marks
from askdoc.loaders.textbuilder import MAX_LABEL
from askdoc.types import Content

MAX_CHARACTERS = 4_000_000  # parsing takes 1 s and 200 MB a million characters; longer texts stay without headings

_LINE_BREAK = re.compile(r"\r\n?|\n")
_FRONT_MATTER = re.compile(
    r"---[ \t]*+(?:\r\n?|\n)(?P<yaml>(?:(?!(?:---|\.\.\.)[ \t]*+[\r\n])[^\r\n]*+(?:\r\n?|\n))*+)"
    r"(?:---|\.\.\.)[ \t]*+(?=[\r\n]|\Z)"
)
_YAML_LINE = re.compile(r"[^\s:][^:\r\n]*:(?:\s|$)|[-#\]}\s]|$")


def load(data: bytes) -> Content:
    """Decode as plain text is; mark each heading that is not inside a code block, a list or a quotation.

    YAML front matter is in the text, and in `skip`. Raises LoadError for binary data.
    """
    loaded = plain.load(data)
    body = _front_matter_end(loaded.text)
    loaded = replace(loaded, skip=((0, body),) if body else ())
    if len(loaded.text) > MAX_CHARACTERS:
        return replace(loaded, remarks=(*loaded.remarks, "too long for its headings to be read"))
    return replace(loaded, marks=tuple(marks(headings(loaded.text, body))))


def _front_matter_end(text: str) -> int:
    """Where the YAML block at the very start ends; 0 if there is none. Prose between two rules is not YAML."""
    match = _FRONT_MATTER.match(text)
    if match is None:
        return 0
    lines = _LINE_BREAK.split(match["yaml"])
    return match.end() if any(":" in line for line in lines) and all(map(_YAML_LINE.match, lines)) else 0


def headings(text: str, body: int = 0) -> Iterator[Heading]:
    """The headings of a Markdown text, levels 1 to 6, from the offset `body` on."""
    starts = [body, *(match.end() for match in _LINE_BREAK.finditer(text, body))]
    parser = MarkdownIt("commonmark")
    parser.core.ruler.enableOnly(["normalize", "block"])
    for opening, inline in pairwise(parser.parse(text[body:])):
        if opening.type == "heading_open" and opening.level == 0 and opening.map:
            title = _title(parser, inline.content)
            if 0 < len(title) <= MAX_LABEL:
                yield Heading(starts[opening.map[0]], int(opening.tag[1:]), title)


def _title(parser: MarkdownIt, markup: str) -> str:
    """What a reader sees of a heading: without the signs for emphasis, code and links."""
    if len(markup) > 4 * MAX_LABEL:
        return ""
    children: list[Token] = []
    parser.inline.parse(markup, parser, {}, children)
    return " ".join(_shown(children).split())


def _shown(tokens: Sequence[Token]) -> str:
    return "".join(
        " " if token.type.endswith("break") else token.content for token in tokens if token.type != "html_inline"
    )
