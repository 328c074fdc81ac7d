"""`askdoc chat`, and `askdoc` without arguments: the interactive loop."""

from __future__ import annotations

import sys

import typer

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
)
from askdoc.cli.streams import writing
from askdoc.outputs import open_output

EXAMPLE = "Example: askdoc chat --in ~/papers"


def chat(
    context: typer.Context,
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
) -> int:
    """Ask questions one after another while the model stays loaded. Questions piped in are answered line by line."""
    lines = output_format is None and not sys.stdout.isatty()
    name = chosen_format(context, output_format, as_json=as_json, lines=lines)
    from askdoc.cli.loop import Session, run

    with opened_index(index, in_path, refresh=refresh, reader=reader) as opened, writing():
        session = Session(
            index=opened,
            output=open_output(name),
            stdout=sys.stdout,
            stderr=sys.stderr,
            answers=answers,
            passages=passages,
            min_confidence=min_confidence,
            min_accuracy=min_accuracy,
        )
        return run(session, sys.stdin)
