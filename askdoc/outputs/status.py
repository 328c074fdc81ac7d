"""The state of an index, for a person: what is in it, what changed since, and what to type."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, TextIO

from askdoc import embedders, readers
from askdoc.outputs.json import status_to_dict, to_text
from askdoc.outputs.printable import count, folder_name, one_line

if TYPE_CHECKING:
    from askdoc.ask import Status


def write_status(status: Status, stream: TextIO) -> None:
    """Write the state as text."""
    stream.write("\n".join(_lines(status)) + "\n")
    stream.flush()


def write_status_as_json(status: Status, stream: TextIO) -> None:
    """Write the state as one indented JSON object."""
    stream.write(to_text(status_to_dict(status), indent=2) + "\n")
    stream.flush()


def size(number: float) -> str:
    """Bytes in the largest unit that leaves at least one before the point."""
    value, unit = float(number), "B"
    for larger in ("kB", "MB", "GB", "TB"):
        if value < 1000:
            break
        value, unit = value / 1000, larger
    return f"{value:.0f} {unit}" if unit == "B" else f"{value:.1f} {unit}"


def _lines(status: Status) -> Iterator[str]:
    passages = sum(number for _, number, _ in status.documents)
    documents = f"{count(len(status.documents), 'document')}, {count(passages, 'passage')}, {size(status.bytes)}"
    yield f"{folder_name(status.folder)}: {documents}"
    facts = {
        "documents from": folder_name(status.root),
        "written": f"{status.created}, generation {status.generation}, format {status.format}",
        **{key: str(value) for key, value in status.recipe.items()},
        "reader": status.reader,
        "confidence": "calibrated" if status.calibrated else "not calibrated for these models",
    }
    for kind, bundled in (("embedder", embedders.DEFAULT), ("reader", readers.DEFAULT)):
        facts[kind] += " (knows only English)" if facts.get(kind) == bundled else ""
    width = max(map(len, facts))
    yield from (f"  {key:<{width}}  {one_line(value)}" for key, value in facts.items())
    yield from _documents(status)
    yield from _section("not indexed yet:", [one_line(path) for path in status.new])
    yield from _section("left out:", [f"{one_line(left.path)}: {one_line(left.reason)}" for left in status.skipped])
    yield from _section("damaged:", [one_line(problem) for problem in status.damaged])
    yield from ("", _advice(status))


def _documents(status: Status) -> Iterator[str]:
    if not status.documents:
        return
    width = max(len(f"{passages:,}") for _, passages, _ in status.documents)
    yield from ("", "passages of each document:")
    for path, passages, state in status.documents:
        yield f"  {passages:>{width},}  {one_line(path)}" + ("" if state == "fresh" else f"  ({state})")


def _section(title: str, lines: list[str]) -> Iterator[str]:
    if lines:
        yield from ("", title, *(f"  {line}" for line in lines))


def _advice(status: Status) -> str:
    if status.damaged:
        return "The index is damaged. Build it again: askdoc index PATH…"
    if status.unread:
        return f"Indexing was interrupted, {count(status.unread, 'document')} still to be read. Go on: askdoc index"
    if status.new or any(state != "fresh" for _, _, state in status.documents):
        return "Documents have changed. Take the changes in: askdoc index"
    return "Everything is up to date."
