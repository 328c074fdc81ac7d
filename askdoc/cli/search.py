"""`askdoc search`: matching passages, without answers."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from askdoc.cli.exit_status import ANSWERED, NOT_ANSWERED
from askdoc.cli.options import (
    FormatOption,
    IndexOption,
    InOption,
    JsonOption,
    RefreshOption,
    at_least_one,
    chosen_format,
    opened_index,
    text_of,
)
from askdoc.cli.streams import say, writing
from askdoc.outputs import open_output
from askdoc.outputs.messages import reply_lines

EXAMPLE = "Example: askdoc search lifted sanctions -k 5"


def search(
    context: typer.Context,
    words: Annotated[
        list[str] | None, typer.Argument(metavar="WORDS", help="What to look for.", show_default=False)
    ] = None,
    index: IndexOption = None,
    in_path: InOption = None,
    passages: Annotated[
        int,
        typer.Option("-k", "--passages", metavar="N", help="Maximum number of passages.", callback=at_least_one),
    ] = 10,
    output_format: FormatOption = None,
    as_json: JsonOption = False,
    refresh: RefreshOption = "auto",
) -> int:
    """List matching passages without extracting an answer. Exit status 1 if nothing was found."""
    output = open_output(chosen_format(context, output_format, as_json=as_json))
    query = text_of(words)
    with opened_index(index, in_path, refresh=refresh) as opened:
        reply = opened.search(query, passages=passages)
    say(reply_lines(reply))
    with writing():
        output.write_passages(reply, sys.stdout)
    return ANSWERED if reply.hits else NOT_ANSWERED
