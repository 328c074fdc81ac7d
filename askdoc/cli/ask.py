"""`askdoc ask`, and `askdoc "a question"`: one question, or a batch of them."""

from __future__ import annotations

import sys
from contextlib import AbstractContextManager
from difflib import get_close_matches
from functools import partial
from typing import TYPE_CHECKING, Annotated

import typer

from askdoc.cli.exit_status import ANSWERED, FAILED, NOT_ANSWERED
from askdoc.cli.options import (
    AccuracyOption,
    AnswersOption,
    ConfidenceOption,
    FormatOption,
    IndexOption,
    InOption,
    JsonOption,
    PassagesOption,
    ReaderOption,
    RefreshOption,
    chosen_format,
    opened_index,
    text_of,
)
from askdoc.cli.streams import opened_input, say, writing
from askdoc.errors import UsageError
from askdoc.outputs import open_output
from askdoc.outputs.messages import reply_lines

if TYPE_CHECKING:
    from collections.abc import Callable

    from askdoc.ask import Index
    from askdoc.types import Reply

EXAMPLE = 'Example: askdoc ask "who signed the treaty?" --in treaty.txt -n 1'


def ask(
    context: typer.Context,
    words: Annotated[
        list[str] | None, typer.Argument(metavar="QUESTION", help="One or more words.", show_default=False)
    ] = None,
    index: IndexOption = None,
    in_path: InOption = None,
    answers: AnswersOption = 3,
    passages: PassagesOption = None,
    min_confidence: ConfidenceOption = None,
    min_accuracy: AccuracyOption = None,
    output_format: FormatOption = None,
    as_json: JsonOption = False,
    refresh: RefreshOption = "auto",
    reader: ReaderOption = None,
    batch: Annotated[
        str | None,
        typer.Option(metavar="FILE|-", help='One question a line, or {"id", "question"}; replies are JSON lines.'),
    ] = None,
) -> int:
    """Answer a question with quotes from your documents. Exit status 1 if no answer was found.

    With --batch, blank lines are skipped, and a line that fails gets an error object as its reply (exit status 2).
    """
    name = chosen_format(context, output_format, as_json=as_json, lines=batch is not None)
    if batch is not None and words:
        raise UsageError("a question and --batch exclude each other", hint="put the question into the batch")
    question = "" if batch is not None else text_of(words)

    def answer(index: Index, question: str) -> Reply:
        return index.ask(
            question, answers=answers, passages=passages, min_confidence=min_confidence, min_accuracy=min_accuracy
        )

    opening = opened_index(index, in_path, refresh=refresh, reader=reader)
    if batch is not None:
        return _answer_batch(batch, opening, answer)
    with opening as opened:
        reply = answer(opened, question)
    say(reply_lines(reply))
    with writing():
        open_output(name).write(reply, sys.stdout)
    if reply.answered:
        return ANSWERED
    say(_meant_command(context, question))
    return NOT_ANSWERED


def _answer_batch(file: str, opening: AbstractContextManager[Index], answer: Callable[[Index, str], Reply]) -> int:
    from askdoc.cli.batch import answer_batch

    with opened_input(file, usage="askdoc ask --batch FILE, or --batch -") as lines, opening as index, writing():
        failed = answer_batch(lines, sys.stdout, answer=partial(answer, index))
    return FAILED if failed else ANSWERED


def _meant_command(context: typer.Context, question: str) -> list[str]:
    """A question that found no answer and is nearly a command's name was probably meant as the command."""
    group = context.parent.command if context.parent else None
    near = get_close_matches(question, getattr(group, "commands", ()), n=1, cutoff=0.75)
    return [f"hint: for the command, type: askdoc {near[0]}"] if near else []
