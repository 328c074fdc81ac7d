"""Outlook's own messages (.msg)."""

from __future__ import annotations

from oxmsg import Message as OutlookMessage

from askdoc.errors import LoadError
from askdoc.loaders.mail.message import Attachment, Message, html_text, parts
from askdoc.loaders.textbuilder import assemble
from askdoc.types import Content


def load(data: bytes) -> Content:
    """Read one message. Raises LoadError if it is none, or damaged beyond reading."""
    remarks: list[str] = []
    try:
        message = _read(OutlookMessage.load(data))
        if not message.body.strip():
            remarks.append("the message has no text but its head, or keeps it as RTF alone, which is not read")
        return assemble(list(parts(message, remarks)), remarks)
    except Exception as error:  # the library trusts the file, so that a damaged one raises nearly anything
        raise LoadError("the file is no Outlook message, or it is damaged") from error


def _read(message: OutlookMessage) -> Message:
    recipients = [f"{each.name} <{each.email_address}>".strip() for each in message.recipients]
    headers = {name.lower(): value for name, value in message.message_headers.items()}
    return Message(
        subject=message.subject or "",
        sender=message.sender or "",
        to=headers.get("to") or ", ".join(recipients),
        cc=headers.get("cc") or "",
        date=message.sent_date,
        body=message.body or html_text(message.html_body or ""),
        attachments=tuple(Attachment(each.file_name or "", each.file_bytes or b"") for each in message.attachments),
    )
