"""Many questions in one run: one question per line in, one JSON object per line out, in order, as soon as it is known.

A line is the question itself or, if it begins with `{`, JSON with "question" and an optional "id", which is returned
with the reply. Blank lines are skipped. A bad line affects no other: its reply is an error object with its number.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import NoReturn, TextIO

from askdoc.errors import AskdocError, UsageError
from askdoc.outputs.json import Data, error_to_dict, reply_to_dict, to_text
from askdoc.types import Reply

_EXAMPLE = 'a question, or {"id": 1, "question": "…"}'


@dataclass(frozen=True, slots=True)
class BatchQuestion:
    """A line of a batch. number: from 1, blank lines counted. tags: fields to return with the reply."""

    number: int
    question: str
    tags: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class BadLine:
    """A line of a batch that is not a question."""

    number: int
    error: AskdocError
    tags: Mapping[str, object] = field(default_factory=dict)


def answer_batch(lines: Iterable[bytes], stream: TextIO, *, answer: Callable[[str], Reply]) -> int:
    """Write the answer to each line and return how many lines could not be answered because of an error."""
    bad = 0
    for asked in parse(lines):
        failed, data = _result(asked, answer=answer)
        stream.write(to_text(data) + "\n")
        stream.flush()
        bad += failed
    return bad


def parse(lines: Iterable[bytes]) -> Iterator[BatchQuestion | BadLine]:
    """The questions in the lines, in order; lines are read only as they are needed."""
    for number, raw in enumerate(lines, start=1):
        try:
            text = raw.decode("utf-8-sig" if number == 1 else "utf-8").strip()
        except UnicodeDecodeError:
            yield BadLine(number, UsageError("the line is not UTF-8", hint="save the questions as UTF-8"))
            continue
        if text:
            yield _parse_json(number, text) if text.startswith("{") else BatchQuestion(number, text)


def _result(asked: BatchQuestion | BadLine, *, answer: Callable[[str], Reply]) -> tuple[bool, Data]:
    """Whether the line failed, and its reply."""
    if isinstance(asked, BadLine):
        return True, error_to_dict(asked.error, tags={**asked.tags, "line": asked.number})
    try:
        return False, reply_to_dict(answer(asked.question), tags=asked.tags)
    except AskdocError as error:
        return True, error_to_dict(error, tags={**asked.tags, "line": asked.number})


def _parse_json(number: int, text: str) -> BatchQuestion | BadLine:
    try:
        data = json.loads(text, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as problem:
        reason = "too deeply nested" if isinstance(problem, RecursionError) else str(problem)
        return BadLine(number, UsageError(f"the line is not JSON: {reason}", hint=f"expected {_EXAMPLE}"))
    tags = {"id": data["id"]} if "id" in data else {}
    question = data.get("question")
    if not isinstance(question, str) or not question.strip():
        return BadLine(number, UsageError('the line has no "question"', hint=f"expected {_EXAMPLE}"), tags)
    return BatchQuestion(number, question.strip(), tags)


def _refuse_constant(name: str) -> NoReturn:
    """Python reads NaN and Infinity, which are not JSON and could not be returned."""
    raise ValueError(f"{name} is not JSON")
