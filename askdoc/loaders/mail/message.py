"""What mail of every format becomes: a head that says who wrote what to whom and when, the body, what is attached."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise

from askdoc.errors import LoadError
from askdoc.loaders import Loaded, open_loader
from askdoc.loaders.text.subtitles import unescape
from askdoc.loaders.textbuilder import HEADING_SEPARATOR, MAX_LABEL, Part, storable

MAIL = (".eml", ".mbox", ".msg")  # an attached one is named, not read: it may hold another one, and so on
_NAMED = 20  # attachments that a remark names

_GREETING = re.compile(r"\A([^\n]{1,60}[,!:])[ \t]*\n\s*\n")
_ADDRESS = re.compile(r"(?<=[^\s,])\s{0,9}<[^<>]{1,300}>")

# English whatever the locale of the machine is, so that the same file has the same text everywhere.
_DAYS = "Monday Tuesday Wednesday Thursday Friday Saturday Sunday".split()
_MONTHS = "January February March April May June July August September October November December".split()


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file in a letter."""

    name: str
    data: bytes


@dataclass(frozen=True, slots=True)
class Letter:
    """A mail. Names and addresses as a person reads them; `date` in the time zone in which it was sent."""

    subject: str
    sender: str
    to: str
    cc: str
    date: datetime | None
    body: str
    attachments: tuple[Attachment, ...] = ()


def parts(letter: Letter, remarks: list[str]) -> Iterator[Part]:
    """The parts of a letter, labelled with its date and subject. Attached texts are read, the others told in `remarks`.

    remarks: is extended.
    """
    date = letter.date.strftime("%Y-%m-%d") if letter.date and letter.date.year >= 1000 else ""
    label = ", ".join(filter(None, (date, _line(letter.subject)[:MAX_LABEL]))) or None
    yield Part(label, text(letter))
    yield Part(label, _addresses(letter))
    unread = []
    for attachment in letter.attachments:
        loaded = _read(attachment)
        if loaded is None:
            unread.append(_line(attachment.name) or "without a name")
        else:
            yield from _attached(loaded, HEADING_SEPARATOR.join(filter(None, (label, _line(attachment.name)))))
    if unread:
        more = [f"and {len(unread) - _NAMED} more"] if len(unread) > _NAMED else []
        remarks.append(f"attachments that were not read: {', '.join([*unread[:_NAMED], *more])}")


def _line(text: str) -> str:
    return " ".join(storable(text).split())


def text(letter: Letter) -> str:
    """The head and right below it the body, so that who wrote stands beside what is written.

    The date stands between sender and receivers, and names stand without addresses, which follow on their own: so the
    bundled reader answered 18 of 21 questions about mails, with the usual order and addresses 13.
    """
    head = {
        "Subject": letter.subject,
        "From": _names(letter.sender),
        "Sent": _date(letter.date),
        "To": _names(letter.to),
        "Cc": _names(letter.cc),
    }
    lines = [f"{name}: {_line(value)}" for name, value in head.items() if _line(value)]
    body = _GREETING.sub(r"\1\n", storable(letter.body.replace("\r\n", "\n")).strip())
    return "\n".join([*lines, body])


def _names(people: str) -> str:
    """People without their addresses, where they have names."""
    return _ADDRESS.sub("", people.replace('"', ""))


def _addresses(letter: Letter) -> str:
    named = [people for people in map(_line, (letter.sender, letter.to, letter.cc)) if _ADDRESS.search(people)]
    return f"Addresses: {', '.join(named)}" if named else ""


def _date(date: datetime | None) -> str:
    if date is None:
        return ""
    return f"{_DAYS[date.weekday()]}, {date.day} {_MONTHS[date.month - 1]} {date.year}, {date:%H:%M}"


def _read(attachment: Attachment) -> Loaded | None:
    """The text of an attachment, if there is a loader for its name that can read it."""
    loader = None if attachment.name.lower().endswith(MAIL) else open_loader(attachment.name)
    try:
        return None if loader is None else loader(attachment.data)
    except LoadError:
        return None


def _attached(loaded: Loaded, label: str) -> Iterator[Part]:
    """The text of an attached file, cut at its marks; what it says is not to be read is left out."""
    starts = [0, *(mark.start for mark in loaded.marks), len(loaded.text)]
    labels = [None, *(mark.label for mark in loaded.marks)]
    for (start, end), inner in zip(pairwise(starts), labels, strict=True):
        place = HEADING_SEPARATOR.join(filter(None, (label, inner)))
        yield from (Part(place, loaded.text[slice(*piece)]) for piece in _outside(loaded.skip, start, end))


def _outside(skip: Sequence[tuple[int, int]], start: int, end: int) -> Iterator[tuple[int, int]]:
    for skip_start, skip_end in skip:
        if start < skip_start < end:
            yield start, skip_start
        if skip_start < end:
            start = max(start, skip_end)
    if start < end:
        yield start, end


_BLOCK = re.compile(r"</?(?:p|div|h[1-6]|ul|ol|table|blockquote|pre|hr|section|article)\b[^<>]*+>", re.IGNORECASE)
_LINE_BREAK = re.compile(r"<(?:br|/tr|/li)\b[^<>]*+>", re.IGNORECASE)
_ITEM = re.compile(r"<li\b[^<>]*+>", re.IGNORECASE)
_CELL = re.compile(r"</t[dh]>", re.IGNORECASE)
_TAG = re.compile(r"</?[a-zA-Z!?][^<>]*+>")
_HIDDEN = re.compile(r"<!--|<(?P<name>script|style|head|title)\b", re.IGNORECASE)


def from_html(html: str) -> str:
    """What a mail in HTML says. Time linear in its length, which the standard library's parser does not promise."""
    text = " ".join(_without_hidden(html).split())
    text = _CELL.sub(" | ", _ITEM.sub("\n- ", _LINE_BREAK.sub("\n", _BLOCK.sub("\n\n", text))))
    lines = (line.strip(" |") for line in unescape(_TAG.sub("", text)).replace("\xa0", " ").split("\n"))
    return re.sub(r"\n{3,}+", "\n\n", "\n".join(lines)).strip()


def _without_hidden(html: str) -> str:
    """Without comments, scripts, styles and the head."""
    lower = html.lower()
    lower = lower if len(lower) == len(html) else html  # a few capitals are longer in lower case
    kept: list[str] = []
    at = 0
    while found := _HIDDEN.search(html, at):
        kept.append(html[at : found.start()])
        closing = f"</{found['name'].lower()}" if found["name"] else "-->"
        end = lower.find(closing, found.end())
        if end < 0:  # never closed: only its beginning is taken for what it seems to be
            return "".join(kept) + html[found.end() :]
        at = end + (3 if closing == "-->" else 0)
    return "".join([*kept, html[at:]])
