"""Outlook's own messages (.msg)."""

from __future__ import annotations

from oxmsg import Message

from askdoc.errors import LoadError
from askdoc.loaders import Loaded
from askdoc.loaders.mail.message import Attachment, Letter, from_html, parts
from askdoc.loaders.textbuilder import assemble


def load(data: bytes) -> Loaded:
    """Read one message. Raises LoadError if it is none, or damaged beyond reading."""
    remarks: list[str] = []
    try:
        letter = _letter(Message.load(data))
        if not letter.body.strip():
            remarks.append("the message has no text but its head, or keeps it as RTF alone, which is not read")
        return assemble(list(parts(letter, remarks)), remarks)
    except Exception as error:  # the library trusts the file, so that a damaged one raises nearly anything
        raise LoadError("the file is no Outlook message, or it is damaged") from error


def _letter(message: Message) -> Letter:
    recipients = [f"{one.name} <{one.email_address}>".strip() for one in message.recipients]
    headers = {name.lower(): value for name, value in message.message_headers.items()}
    return Letter(
        subject=message.subject or "",
        sender=message.sender or "",
        to=headers.get("to") or ", ".join(recipients),
        cc=headers.get("cc") or "",
        date=message.sent_date,
        body=message.body or from_html(message.html_body or ""),
        attachments=tuple(Attachment(one.file_name or "", one.file_bytes or b"") for one in message.attachments),
    )
