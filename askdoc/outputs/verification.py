"""The result of verifying a saved reply, for people and for programs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, TextIO

from askdoc.outputs.json import to_text, verification_to_dict
from askdoc.outputs.safe_text import count, one_line, place

if TYPE_CHECKING:
    from askdoc.verify import Checked, Verification

SHOWN = 60  # characters of a quotation


def write_verification(verification: Verification, stream: TextIO) -> None:
    """Write a line per quotation, and the totals."""
    stream.write("\n".join(_lines(verification)) + "\n")
    stream.flush()


def write_verification_as_json(verification: Verification, stream: TextIO, *, indent: int | None) -> None:
    """Write one JSON object, on one line unless indented."""
    stream.write(to_text(verification_to_dict(verification), indent=indent) + "\n")
    stream.flush()


def _lines(verification: Verification) -> Iterator[str]:
    yield one_line(verification.reply.question) or "(an error, not a reply)"
    rows = [(checked.state, _name(checked), _where(checked)) for checked in verification.checked]
    widths = [max((len(row[column]) for row in rows), default=0) for column in range(3)]
    for row, checked in zip(rows, verification.checked, strict=True):
        cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        yield "  ".join(["", *cells, _quoted(checked)]).rstrip()
        if checked.remark:
            yield f"  {'':{widths[0]}}  {one_line(checked.remark)}"
    counts = ", ".join(f"{number:,} {state}" for state, number in verification.counts().items() if number)
    yield f"  {count(len(rows), 'quotation')}" + (f": {counts}" if counts else "")


def _name(checked: Checked) -> str:
    kind, number = checked.quotation.kind, checked.quotation.number
    return f"also {number}" if kind == "also" else f"{kind} {number}"


def _where(checked: Checked) -> str:
    was, now = checked.quotation.citation, checked.now
    if now is None or place(now) == place(was):
        return place(was)
    return f"{place(was)} → {now.line_start if now.document == was.document else place(now)}"


def _quoted(checked: Checked) -> str:
    text = one_line(checked.quotation.text or "")
    return text if len(text) <= SHOWN else text[: SHOWN - 1].rstrip() + "…"
