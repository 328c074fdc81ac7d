"""The state of an index: what is in it, what has changed since, and what to do about it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, TextIO

from askdoc import embedders, readers
from askdoc.outputs.json import status_to_dict, to_text
from askdoc.outputs.messages import left_out_lines
from askdoc.outputs.safe_text import count, folder_name, one_line
from askdoc.sources.selection import size_in_words
from askdoc.types import LeftOut

if TYPE_CHECKING:
    from askdoc.status import Status

LISTED = 50  # documents that are listed, and skipped files; the rest is only counted


def write_status(status: Status, stream: TextIO) -> None:
    """Write the state as text."""
    stream.write("\n".join(_lines(status)) + "\n")
    stream.flush()


def write_status_as_json(status: Status, stream: TextIO) -> None:
    """Write the state as one indented JSON object."""
    stream.write(to_text(status_to_dict(status), indent=2) + "\n")
    stream.flush()


def _lines(status: Status) -> Iterator[str]:
    passages = sum(number for _, number, _ in status.documents)
    documents = (
        f"{count(len(status.documents), 'document')}, {count(passages, 'passage')}, {size_in_words(status.bytes)}"
    )
    yield f"{folder_name(status.folder)}: {documents}"
    facts = {
        "documents in": folder_name(status.root),
        "written": f"{status.created}, generation {status.generation}, format {status.format}",
        **{key: str(value) for key, value in status.recipe.items()},
        "reader": status.reader,
        "confidence": "calibrated" if status.calibrated else "not calibrated for these models",
        **_selection(status),
    }
    for kind, bundled in (("embedder", embedders.DEFAULT), ("reader", readers.DEFAULT)):
        facts[kind] += " (English only)" if facts.get(kind) == bundled else ""
    width = max(map(len, facts))
    yield from (f"  {key:<{width}}  {one_line(value)}" for key, value in facts.items())
    yield from _documents(status)
    yield from _section("not indexed yet:", [one_line(path) for path in status.new])
    yield from _section("skipped:", list(_left_out(status)))
    yield from _section("damaged:", [one_line(problem) for problem in status.damaged])
    yield from ("", _advice(status))


def _selection(status: Status) -> dict[str, str]:
    """The choice of files, if there is one."""
    wanted = status.selection
    asked = {"include": " ".join(wanted.include), "exclude": " ".join(wanted.exclude)}
    return {key: patterns for key, patterns in asked.items() if patterns} | {
        "size limit": size_in_words(wanted.max_bytes)
    }


def _documents(status: Status) -> Iterator[str]:
    """Each document with its number of passages; if they are too many to list, changed ones first."""
    if not status.documents:
        return
    listed = status.documents
    if len(listed) > LISTED:
        listed = tuple(sorted(listed, key=lambda document: document[2] == "fresh"))[:LISTED]
    width = max(len(f"{passages:,}") for _, passages, _ in listed)
    yield from ("", "passages of each document:")
    for path, passages, state in listed:
        yield f"  {passages:>{width},}  {one_line(path)}" + ("" if state == "fresh" else f"  ({state})")
    rest = status.documents[LISTED:]
    if rest:
        yield f"  and {len(rest):,} more: askdoc status --json"


def _left_out(status: Status) -> Iterator[str]:
    """A line per skipped file or, if there are many, per reason."""
    if sum(status.left_out.values()) <= LISTED and len(status.skipped) == sum(status.left_out.values()):
        yield from (f"{one_line(left.path)}: {one_line(left.reason)}" for left in status.skipped)
        return
    examples: dict[str, list[str]] = {reason: [] for reason in status.left_out}
    for left in status.skipped:
        examples[left.reason].append(left.path)
    yield from left_out_lines([LeftOut(why, status.left_out[why], tuple(paths)) for why, paths in examples.items()])


def _section(title: str, lines: list[str]) -> Iterator[str]:
    if lines:
        yield from ("", title, *(f"  {line}" for line in lines))


def _advice(status: Status) -> str:
    if status.damaged:
        return "The index is damaged. To rebuild it: askdoc index --rebuild PATH…"
    if status.unread:
        return f"Indexing was interrupted: {count(status.unread, 'document')} still to be read. To resume: askdoc index"
    if status.new or any(state != "fresh" for _, _, state in status.documents):
        return "Documents have changed. To update the index: askdoc index"
    return "Everything is up to date."
