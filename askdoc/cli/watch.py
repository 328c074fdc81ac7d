"""`askdoc watch`: keep an index up to date."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from askdoc.cli.exit_status import ANSWERED
from askdoc.cli.streams import say
from askdoc.outputs.messages import progress_on, report_lines, watch_lines

EXAMPLE = "Example: askdoc watch ~/papers"


def watch(
    paths: Annotated[
        list[Path] | None,
        typer.Argument(metavar="PATH", help="Files and folders to index and watch.", show_default=False),
    ] = None,
    folder: Annotated[
        Path | None,
        typer.Option(
            "--index", metavar="DIR", help="The index [default: as for askdoc index with PATH, else as for ask]."
        ),
    ] = None,
) -> int:
    """Update the index whenever documents change, until Ctrl-C.

    Without PATH, everything that was indexed before is watched. Each update is reported on stderr; failed updates are
    retried. Ctrl-C ends with exit status 130.
    """
    from askdoc.build import index as build
    from askdoc.stores import find_index
    from askdoc.watch import watch as updates

    address = folder or (None if paths else find_index())
    with progress_on(sys.stderr) as progress:
        report = build(paths or [], address, progress=progress)
    say([*report_lines(report), "watching for changes; Ctrl-C ends"])
    for event in updates(report.folder):
        say(watch_lines(event))
    return ANSWERED
