"""Markdown: a reply to paste into notes or a ticket. Text from documents is escaped, so that it is shown as it is."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TextIO
from urllib.parse import quote

from askdoc.errors import AskdocError
from askdoc.outputs.safe_text import count, fragment, one_line, percent, place, section
from askdoc.types import Answer, Citation, Hit, Reply

_SPECIAL = re.compile(r"[\\`*_\[\]<>&~|$]")
_AT_THE_START = re.compile(r"^(\d{1,9}(?=[.)])|(?=[#+=-]))")  # would start a heading or a list


class MarkdownOutput:
    """A heading, each answer as a quotation with its source, then the passages."""

    def write(self, reply: Reply, stream: TextIO) -> None:
        _write(_reply_lines(reply), stream)

    def write_passages(self, reply: Reply, stream: TextIO) -> None:
        lines = [f"## {escape(reply.question)}", "", *(_passage_lines(reply.hits) or ["Nothing was found.", ""])]
        _write(iter(lines), stream)

    def write_error(self, error: AskdocError, stream: TextIO) -> None:
        """Nothing: a person reads the error on stderr."""


def escape(text: str) -> str:
    """One line of text that Markdown shows as it is."""
    text = _SPECIAL.sub(r"\\\g<0>", one_line(text))
    return _AT_THE_START.sub(r"\1\\", text)


def _write(lines: Iterator[str], stream: TextIO) -> None:
    stream.write("\n".join(lines).rstrip("\n") + "\n")
    stream.flush()


def _reply_lines(reply: Reply) -> Iterator[str]:
    yield from (f"## {escape(reply.question)}", "")
    if not reply.answered:
        yield from (f"Not answered: {escape(reply.unread)}." if reply.unread else "No answer was found.", "")
    for answer in reply.answers:
        yield from _answer_lines(answer)
    if reply.hits:
        yield from ("### Sources" if reply.answered else "### Nearest passages", "")
    yield from _passage_lines(reply.hits)


def _answer_lines(answer: Answer) -> Iterator[str]:
    yield f"> **{escape(answer.text)}**"
    if answer.sentence != answer.text:
        yield from (">", f"> {_marked_sentence(answer)}")
    agree = "" if answer.support == 1 else f" · {count(answer.support, 'passage')} agree"
    yield from ("", f"— {link(answer.citation)} · {percent(answer.confidence)}{agree}", "")


def _marked_sentence(answer: Answer) -> str:
    """The sentence with the answer in bold. White space inside the stars would make Markdown show them."""
    text = answer.hit.passage.text
    before, after = text[answer.sentence_start : answer.start], text[answer.end : answer.sentence_end]
    left = " " if before[-1:].isspace() else ""
    right = " " if after[:1].isspace() else ""
    return f"{escape(before)}{left}**{escape(answer.text)}**{right}{escape(after)}".strip()


def _passage_lines(hits: tuple[Hit, ...]) -> list[str]:
    lines: list[str] = []
    for hit in hits:
        ranks = ", ".join(f"{escape(name)} {rank}" for name, rank in hit.ranks.items())
        number = f"{hit.rank}. "
        lines.append(f"{number}{link(hit.passage.citation())} · {hit.score:.2f} · {ranks}")
        lines.extend(("", f"{' ' * len(number)}> {escape(hit.passage.text)}", ""))
    return lines


def link(citation: Citation) -> str:
    """A link to the line or page, relative to the indexed folder, followed by page and heading."""
    target = quote(citation.document, safe="/", errors="surrogateescape") + fragment(citation, line="L")
    where = section(citation)
    return f"[{escape(place(citation))}]({target})" + (f" ({escape(where)})" if where else "")
