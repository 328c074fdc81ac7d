"""What became of the quotations of a saved reply, for a person and for programs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, TextIO

from askdoc.outputs.json import to_text, verification_to_dict
from askdoc.outputs.safe_text import count, one_line, place

if TYPE_CHECKING:
    from askdoc.verify import Checked, Verification

SHOWN = 60  # characters of a quotation


def write_verification(verification: Verification, stream: TextIO) -> None:
    """Write a line for each quotation, and the sum."""
    stream.write("\n".join(_lines(verification)) + "\n")
    stream.flush()


def write_verification_as_json(verification: Verification, stream: TextIO, *, indent: int | None) -> None:
    """Write one JSON object, on one line if it is not indented."""
    stream.write(to_text(verification_to_dict(verification), indent=indent) + "\n")
    stream.flush()


def _lines(verification: Verification) -> Iterator[str]:
    yield one_line(verification.reply.question) or "(no reply, but an error)"
    rows = [(one.state, _name(one), _where(one)) for one in verification.checked]
    widths = [max((len(row[column]) for row in rows), default=0) for column in range(3)]
    for row, one in zip(rows, verification.checked, strict=True):
        cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        yield "  ".join(["", *cells, _quoted(one)]).rstrip()
        if one.remark:
            yield f"  {'':{widths[0]}}  {one_line(one.remark)}"
    counts = ", ".join(f"{number:,} {state}" for state, number in verification.counts().items() if number)
    yield f"  {count(len(rows), 'quotation')}" + (f": {counts}" if counts else "")


def _name(one: Checked) -> str:
    kind, number = one.quotation.kind, one.quotation.number
    return f"also {number}" if kind == "also" else f"{kind} {number}"


def _where(one: Checked) -> str:
    was, now = one.quotation.citation, one.now
    if now is None or place(now) == place(was):
        return place(was)
    return f"{place(was)} → {now.line_start if now.document == was.document else place(now)}"


def _quoted(one: Checked) -> str:
    text = one_line(one.quotation.text or "")
    return text if len(text) <= SHOWN else text[: SHOWN - 1].rstrip() + "…"
