"""Mail of every format as text: a head that says who wrote what to whom and when, the body, the attachments."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise

from askdoc.errors import LoadError
from askdoc.loaders import open_loader
from askdoc.loaders.textbuilder import HEADING_SEPARATOR, MAX_LABEL, Part, storable
from askdoc.types import Content

MAIL = (".eml", ".mbox", ".msg")  # attached mail is named, not read: it may hold more mail, and so on
_NAMED = 20  # attachments that a remark names

_GREETING = re.compile(r"\A([^\n]{1,60}[,!:])[ \t]*\n\s*\n")
_ADDRESS = re.compile(r"(?<=[^\s,])\s{0,9}<[^<>]{1,300}>")

# English whatever the locale of the machine is, so that the same file has the same text everywhere.
_DAYS = "Monday Tuesday Wednesday Thursday Friday Saturday Sunday".split()
_MONTHS = "January February March April May June July August September October November December".split()


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file that comes with a message."""

    name: str
    data: bytes


@dataclass(frozen=True, slots=True)
class Message:
    """A mail. Names and addresses as a person reads them; `date` in the time zone in which it was sent."""

    subject: str
    sender: str
    to: str
    cc: str
    date: datetime | None
    body: str
    attachments: tuple[Attachment, ...] = ()


def parts(message: Message, remarks: list[str]) -> Iterator[Part]:
    """The parts of a message, labelled with its date and subject, and those of attached texts.

    remarks: gets the names of the attachments that are not read.
    """
    date = message.date.strftime("%Y-%m-%d") if message.date and message.date.year >= 1000 else ""
    label = ", ".join(filter(None, (date, _line(message.subject)[:MAX_LABEL]))) or None
    yield Part(label, text(message))
    yield Part(label, _addresses(message))
    unread = []
    for attachment in message.attachments:
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


def text(message: Message) -> str:
    """The head and right below it the body, so that the sender's name is next to what was written.

    The date is between sender and receivers, and names are without addresses, which follow on their own: so the
    bundled reader answered 18 of 21 questions about mails, with the usual order and addresses 13.
    """
    head = {
        "Subject": message.subject,
        "From": _names(message.sender),
        "Sent": _date(message.date),
        "To": _names(message.to),
        "Cc": _names(message.cc),
    }
    lines = [f"{name}: {_line(value)}" for name, value in head.items() if _line(value)]
    body = _GREETING.sub(r"\1\n", storable(message.body.replace("\r\n", "\n")).strip())
    return "\n".join([*lines, body])


def _names(people: str) -> str:
    """People without their addresses, where they have names."""
    return _ADDRESS.sub("", people.replace('"', ""))


def _addresses(message: Message) -> str:
    named = [people for people in map(_line, (message.sender, message.to, message.cc)) if _ADDRESS.search(people)]
    return f"Addresses: {', '.join(named)}" if named else ""


def _date(date: datetime | None) -> str:
    if date is None:
        return ""
    return f"{_DAYS[date.weekday()]}, {date.day} {_MONTHS[date.month - 1]} {date.year}, {date:%H:%M}"


def _read(attachment: Attachment) -> Content | None:
    """The text of an attachment, if there is a loader for its name that can read it."""
    loader = None if attachment.name.lower().endswith(MAIL) else open_loader(attachment.name)
    try:
        return None if loader is None else loader(attachment.data)
    except LoadError:
        return None


def _attached(loaded: Content, label: str) -> Iterator[Part]:
    """The text of an attached file, cut at its marks; what it says is not to be read is left out."""
    starts = [0, *(mark.start for mark in loaded.marks), len(loaded.text)]
    labels = [None, *(mark.label for mark in loaded.marks)]
    for (start, end), inner in zip(pairwise(starts), labels, strict=True):
        path = HEADING_SEPARATOR.join(filter(None, (label, inner)))
        yield from (Part(path, loaded.text[slice(*piece)]) for piece in _outside(loaded.skip, start, end))


def _outside(skip: Sequence[tuple[int, int]], start: int, end: int) -> Iterator[tuple[int, int]]:
    for skip_start, skip_end in skip:
        if start < skip_start < end:
            yield start, skip_start
        if skip_start < end:
            start = max(start, skip_end)
    if start < end:
        yield start, end


def html_text(markup: str) -> str:
    """What a mail in HTML says."""
    from askdoc.loaders.web.html import page_text  # lxml is imported only for mail in HTML

    return page_text(markup)
