"""`askdoc index`: build an index, or update it."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from askdoc.cli.exit_status import ANSWERED
from askdoc.cli.options import EmbedderOption
from askdoc.cli.streams import say
from askdoc.outputs.messages import progress_on, report_lines

EXAMPLE = "Example: askdoc index ~/papers notes.md"


def index(
    paths: Annotated[
        list[Path] | None,
        typer.Argument(metavar="PATH", help="Files and folders to index.", show_default=False),
    ] = None,
    folder: Annotated[
        Path | None,
        typer.Option("--index", metavar="DIR", help="Where the index is kept [default: ASKDOC_INDEX, else ./index]."),
    ] = None,
    embedder: EmbedderOption = None,
    reader: Annotated[
        str | None,
        typer.Option(metavar="NAME|DIR", help="The model that will read the passages.", show_default=False),
    ] = None,
    include: Annotated[
        list[str] | None,
        typer.Option(metavar="GLOB", help="In folders, index only these files; repeatable.", show_default=False),
    ] = None,
    exclude: Annotated[
        list[str] | None,
        typer.Option(metavar="GLOB", help="In folders, skip these files and folders; repeatable.", show_default=False),
    ] = None,
    max_size: Annotated[
        str | None, typer.Option(metavar="SIZE", help="Skip larger files [default: 256MB].", show_default=False)
    ] = None,
    rebuild: Annotated[bool, typer.Option("--rebuild", help="Rebuild the index from scratch.")] = False,
) -> int:
    """Index files and folders, or update the index if they have changed.

    Without PATH, everything that was indexed before is updated. Folders are searched for every supported file, except
    hidden files and what .gitignore or .askdocignore excludes. GLOB is written as in those files (*.md, drafts/,
    /top.txt) and remembered for the next update; '' clears it.
    """
    from askdoc.build import index as build
    from askdoc.sources.selection import parse_size

    max_bytes = None if max_size is None else parse_size(max_size)
    with progress_on(sys.stderr) as progress:
        report = build(
            paths or [], folder, embedder=embedder, reader=reader, include=include or None, exclude=exclude or None,
            max_bytes=max_bytes, rebuild=rebuild, progress=progress,
        )  # fmt: skip
    say(report_lines(report))
    return ANSWERED
