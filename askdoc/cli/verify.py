"""`askdoc verify`: are the quotes of a saved reply still in the documents?"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from askdoc.cli.exit_status import ANSWERED, NOT_ANSWERED
from askdoc.cli.options import JsonOrTableOption
from askdoc.cli.streams import opened_input, writing

EXAMPLE = "Example: askdoc verify reply.json"


def verify(
    file: Annotated[
        str,
        typer.Argument(metavar="FILE", help="A JSON reply, or JSON lines; - reads a pipe.", show_default=False),
    ],
    index: Annotated[
        Path | None, typer.Option("--index", metavar="DIR", help="The index [default: the one named in the reply].")
    ] = None,
    root: Annotated[
        Path | None, typer.Option(metavar="DIR", help="The folder document paths are relative to.", show_default=False)
    ] = None,
    as_json: JsonOrTableOption = None,
) -> int:
    """Check that the quotes of a saved reply are still in the documents. Exit status 1 if some are not.

    intact: the quote is still at its place. moved: it is elsewhere in its file, or its file was renamed; the new place
    is shown. changed: the file no longer contains it. gone: the file is missing. unreadable: the file exists but cannot
    be read.
    """
    from askdoc.outputs.verification import write_verification, write_verification_as_json
    from askdoc.verify import verify as verifications

    with opened_input(file, usage="askdoc verify FILE, or askdoc verify -") as lines:
        data = lines.read()
    for_programs = not sys.stdout.isatty() if as_json is None else as_json
    indent = None if data.strip().count(b"\n{") else 2  # several replies are written one a line, as they came
    holds = True
    with writing():
        for verification in verifications(data, root=root, index=index):
            holds = holds and verification.holds
            if for_programs:
                write_verification_as_json(verification, sys.stdout, indent=indent)
            else:
                write_verification(verification, sys.stdout)
    return ANSWERED if holds else NOT_ANSWERED
