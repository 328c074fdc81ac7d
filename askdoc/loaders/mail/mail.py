"""Mail as it is sent and stored: one message (.eml), or many in one file (.mbox)."""

from __future__ import annotations

import codecs
import re
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import EmailPolicy
from typing import Any, cast

from askdoc.errors import LoadError
from askdoc.loaders.mail.message import Attachment, Message, html_text, parts, text
from askdoc.loaders.text import plain
from askdoc.loaders.textbuilder import Part, assemble
from askdoc.types import Content

MAX_HEADER = 10_000  # characters of one header: the standard library needs time that grows with their square

_HEADER = re.compile(rb"[\x21-\x39\x3b-\x7e]{1,200}:[ \t\r\n]")
_BETWEEN = re.compile(rb"(?:\A|(?<=\n\n)|(?<=\r\n\r\n))From [^\r\n]{1,500}\d\d:\d\d[^\r\n]{0,200}\r?\n")
_QUOTED_FROM = re.compile(rb"^>(?=>*From )", re.MULTILINE)


_SHOWN = ("subject", "from", "sender", "to", "cc")
_NO_CHARSETS = ("idna", "punycode")  # Python knows them as encodings, and they take time that grows with the square


class _Policy(EmailPolicy):
    """Reads headers as far as is reasonable."""

    def header_fetch_parse(self, name: str, value: Any) -> Any:
        return super().header_fetch_parse(name, value if hasattr(value, "name") else value[:MAX_HEADER])


_POLICY = _Policy()


def load(data: bytes) -> Content:
    """Read one message. Raises LoadError if it does not begin with headers, or is damaged beyond reading."""
    start = _BETWEEN.match(data)  # some programs write a single message as a mailbox with one
    data = data[start.end() :] if start else data.lstrip()
    if not _HEADER.match(data.removeprefix(b"\xef\xbb\xbf")):
        raise LoadError("the file does not begin like a mail")
    remarks: list[str] = []
    return assemble(list(_parts(data.removeprefix(b"\xef\xbb\xbf"), remarks)), remarks)


def load_mailbox(data: bytes) -> Content:
    """Read all messages; `remarks` names those too damaged to read. Raises LoadError if none can be read."""
    starts = list(_BETWEEN.finditer(data))
    if not starts:
        raise LoadError("the file does not begin like a mailbox")
    ends = [*(found.start() for found in starts[1:]), len(data)]
    remarks: list[str] = []
    found: list[Part] = []
    for number, (start, end) in enumerate(zip(starts, ends, strict=True), 1):
        try:
            found += _parts(_QUOTED_FROM.sub(b"", data[start.end() : end]), remarks)
        except LoadError:
            remarks.append(f"message {number} cannot be read")
    if not found:
        raise LoadError("none of its messages can be read")
    return assemble(found, list(dict.fromkeys(remarks)))


def _parts(data: bytes, remarks: list[str]) -> list[Part]:
    try:
        message = cast(EmailMessage, message_from_bytes(data, policy=_POLICY))  # of this policy's own class
        if any(name.lower() in _SHOWN and len(value) > MAX_HEADER for name, value in message.raw_items()):
            remarks.append(f"a header longer than {MAX_HEADER} characters is cut short")
        return list(parts(_read(message), remarks))
    except LoadError:
        raise
    except Exception as error:  # on damaged mail the standard library raises nearly anything: KeyError, AttributeError
        raise LoadError("the mail is damaged") from error


def _read(message: EmailMessage) -> Message:
    texts: list[str] = []
    attachments: list[Attachment] = []
    _collect(message, texts, attachments)
    return Message(
        subject=str(message["subject"] or ""),
        sender=str(message["from"] or message["sender"] or ""),
        to=str(message["to"] or ""),
        cc=str(message["cc"] or ""),
        date=getattr(message["date"], "datetime", None),
        body="\n\n".join(texts),
        attachments=tuple(attachments),
    )


def _collect(part: EmailMessage, texts: list[str], attachments: list[Attachment]) -> None:
    """Sort a part, and the parts in it, into what is read as the body and what is attached."""
    if part.get_content_type() == "message/rfc822" and part.is_multipart():
        inner = _read(_children(part)[0])
        texts.append(text(inner))
        attachments += inner.attachments
    elif part.get_content_type() == "multipart/alternative" and (children := _children(part)):
        _collect(_plainest(children), texts, attachments)
    elif part.is_multipart():
        for child in _children(part):
            _collect(child, texts, attachments)
    else:
        body = None if part.is_attachment() or part.get_filename() else _text(part)
        if body is None:
            attachments.append(Attachment(part.get_filename() or part.get_content_type(), _bytes(part)))
        else:
            texts.append(body)


def _children(part: EmailMessage) -> list[EmailMessage]:
    return [child for child in part.iter_parts() if isinstance(child, EmailMessage)]


def _plainest(alternatives: list[EmailMessage]) -> EmailMessage:
    """Of the same text in several formats the plain one, if it says anything; else the last, as the standard says."""
    for alternative in alternatives:
        if alternative.get_content_type() == "text/plain" and _bytes(alternative).strip():
            return alternative
    return alternatives[-1]


def _text(part: EmailMessage) -> str | None:
    """The text of a part; None if it is no text that people read."""
    kind = part.get_content_type()
    if kind not in ("text/plain", "text/html") and not kind.startswith("multipart/"):  # that lacks its parts: text
        return None
    try:
        content = _decoded(_bytes(part), part.get_content_charset())
    except LoadError:
        return None
    return html_text(content) if kind == "text/html" else content


def _bytes(part: EmailMessage) -> bytes:
    data = part.get_payload(decode=True)
    return data if isinstance(data, bytes) else b""


def _decoded(data: bytes, charset: str | None) -> str:
    try:
        encoding = codecs.lookup(charset or "ascii").name
        if encoding not in _NO_CHARSETS:
            return data.decode(encoding)
    except (LookupError, ValueError):  # it is not what it says, or says nothing
        pass
    return plain.load(data).text
