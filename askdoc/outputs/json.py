"""JSON, schema 1: the only place that turns a reply into data. JSON lines and the JSON output both write it.

Each field is written by name, so that renaming an attribute never renames a field. New fields may be added to schema 1;
removing a field or changing its meaning makes it schema 2.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, TextIO, TypeAlias

from askdoc.errors import AskdocError
from askdoc.types import Answer, Citation, Hit, IndexInfo, Reply

if TYPE_CHECKING:
    from askdoc.status import Status
    from askdoc.verify import Checked, Verification

SCHEMA = 1

Data: TypeAlias = dict[str, object]

# json.dumps does not escape these: control characters, line separators, and what UTF-8 cannot encode.
# They occur only inside strings, where an escape means the same.
_UNSAFE = re.compile("[\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")


def reply_to_dict(reply: Reply, *, tags: Mapping[str, object] | None = None) -> Data:
    """A reply as schema 1. tags: the caller's own fields, such as the id of a question in a batch."""
    return {
        "schema": SCHEMA,
        **(tags or {}),
        "question": reply.question,
        "answered": reply.answered,
        "min_confidence": round(reply.min_confidence, 4),
        "calibrated": reply.calibrated,
        "answers": [_answer(answer) for answer in reply.answers],
        "passages": [_passage(hit) for hit in reply.hits],
        "index": _index(reply.index),
        "remarks": list(reply.remarks),
        "timing_ms": {stage: round(time, 1) for stage, time in reply.timing_ms.items()},
    }


def error_to_dict(error: AskdocError, *, tags: Mapping[str, object] | None = None) -> Data:
    """An error as schema 1, in place of a reply. tags: such as the number of the bad line in a batch."""
    return {"schema": SCHEMA, **(tags or {}), "error": {"message": error.message, "hint": error.hint}}


def status_to_dict(status: Status) -> Data:
    """What `askdoc status` shows about an index."""
    return {
        "schema": SCHEMA,
        "index": str(status.folder),
        "root": str(status.root),
        "format": status.format,
        "generation": status.generation,
        "created": status.created,
        "bytes": status.bytes,
        "recipe": dict(status.recipe),
        "reader": status.reader,
        "calibrated": status.calibrated,
        "documents": [
            {"document": path, "passages": passages, "state": state} for path, passages, state in status.documents
        ],
        "new": list(status.new),
        "unread": status.unread,
        "include": list(status.selection.include),
        "exclude": list(status.selection.exclude),
        "max_bytes": status.selection.max_bytes,
        "skipped": [{"document": skipped.path, "reason": skipped.reason} for skipped in status.skipped],
        "left_out": dict(status.left_out),
        "damaged": list(status.damaged),
    }


def verification_to_dict(verification: Verification) -> Data:
    """What `askdoc verify` finds out about a saved reply: the number of quotations in each state, and each of them."""
    reply = verification.reply
    return {
        "schema": SCHEMA,
        **reply.tags,
        "question": reply.question,
        "root": None if verification.root is None else str(verification.root),
        "holds": verification.holds,
        **verification.counts(),
        "citations": [_checked(checked) for checked in verification.checked],
    }


def to_text(data: Data, *, indent: int | None = None) -> str:
    """JSON that any stream can carry: no control characters, and one line unless indented."""
    text = json.dumps(data, ensure_ascii=False, indent=indent)
    return _UNSAFE.sub(lambda match: f"\\u{ord(match[0]):04x}", text)


class JsonOutput:
    """One indented object per reply."""

    indent: int | None = 2

    def write(self, reply: Reply, stream: TextIO) -> None:
        self.write_data(reply_to_dict(reply), stream)

    def write_passages(self, reply: Reply, stream: TextIO) -> None:
        self.write(reply, stream)

    def write_error(self, error: AskdocError, stream: TextIO) -> None:
        self.write_data(error_to_dict(error), stream)

    def write_data(self, data: Data, stream: TextIO) -> None:
        """Write an object in one piece, so that an interrupted run leaves no part of one."""
        stream.write(to_text(data, indent=self.indent) + "\n")
        stream.flush()


def _answer(answer: Answer) -> Data:
    return {
        "text": answer.text,
        "confidence": round(answer.confidence, 4),
        "sentence": answer.sentence,
        "support": answer.support,
        "passage": answer.hit.rank,
        "citation": _citation(answer.citation),
    }


def _passage(hit: Hit) -> Data:
    return {
        "rank": hit.rank,
        "text": hit.passage.text,
        "score": round(hit.score, 4),
        "ranks": dict(hit.ranks),
        "citation": _citation(hit.passage.citation()),
        "also": [_citation(passage.citation()) for passage in hit.also],
    }


def _checked(checked: Checked) -> Data:
    return {
        "kind": checked.quotation.kind,
        "number": checked.quotation.number,
        "state": checked.state,
        "text": checked.quotation.text,
        "was": _citation(checked.quotation.citation),
        "now": None if checked.now is None else _citation(checked.now),
        "remark": checked.remark,
    }


def _citation(citation: Citation) -> Data:
    return {  # line numbers are null if the text was extracted from the file
        "document": citation.document,
        "label": citation.label,
        "page": citation.page,
        "line_start": citation.line_start,
        "line_end": citation.line_end,
        "char_start": citation.char_start,
        "char_end": citation.char_end,
        "sha256": citation.sha256,
    }


def _index(index: IndexInfo) -> Data:
    return {
        "path": index.path,
        "documents": index.documents,
        "passages": index.passages,
        "stale": index.stale,
    }
