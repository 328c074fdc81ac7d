"""Only `LoadError` leaves a loader, and it says what the file seems to be instead."""

from __future__ import annotations

import functools
from collections.abc import Callable

from askdoc.errors import LoadError
from askdoc.types import Content

# How a file begins, and what it then is
_BEGINNINGS = (
    (b"%PDF-", "a PDF"),
    (b"{\\rtf", "an RTF document"),
    (b"PK\x03\x04", "a zip archive or another kind of office document"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "a document of an old office program"),
    (b"\x89PNG", "a picture"),
    (b"\xff\xd8\xff", "a picture"),
    (b"GIF8", "a picture"),
    (b"<!doctype html", "a web page"),
    (b"<html", "a web page"),
)


def guarded(kind: str) -> Callable[[Callable[[bytes], Content]], Callable[[bytes], Content]]:
    """Make a loader raise only `LoadError`. kind: what the file should be, such as "Word document".

    Libraries that read formats raise whatever a damaged file makes happen in them, so everything is caught here.
    """

    def guard(load: Callable[[bytes], Content]) -> Callable[[bytes], Content]:
        @functools.wraps(load)
        def guarded_load(data: bytes) -> Content:
            if not data:
                raise LoadError("the file is empty")
            try:
                return load(data)
            except (LoadError, MemoryError):  # what to do about too little memory is the caller's to know
                raise
            except Exception as error:
                raise LoadError(_why_not(kind, data)) from error

        return guarded_load

    return guard


def _why_not(kind: str, data: bytes) -> str:
    head = data[:1024].lstrip().lower()
    seems = next((what for beginning, what in _BEGINNINGS if head.startswith(beginning.lower())), None)
    if seems is None or seems.removeprefix("a ") == kind or seems.removeprefix("an ") == kind:
        return f"it is damaged, or no {kind}"
    return f"it is damaged, or no {kind} but {seems}: then give it the ending that fits"
