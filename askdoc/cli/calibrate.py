"""`askdoc calibrate`: fit the confidence to a reader and an embedder."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from askdoc.cli.exit_status import ANSWERED
from askdoc.cli.options import EmbedderOption, JsonOrTableOption, at_least_one
from askdoc.cli.streams import writing
from askdoc.errors import UsageError, WriteError
from askdoc.outputs.messages import progress_on

EXAMPLE = "Example: askdoc calibrate questions.json --reader ~/models/xlm-r-squad"


def calibrate(
    data: Annotated[
        Path,
        typer.Argument(
            metavar="DATA", help="Questions with known answers: a file in SQuAD format.", show_default=False
        ),
    ],
    reader: Annotated[
        str | None,
        typer.Option(metavar="DIR", help="The reader to fit; the result is kept in its folder.", show_default=False),
    ] = None,
    embedder: EmbedderOption = None,
    unanswerable: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Unanswerable questions on the same paragraphs [default: those of DATA]."),
    ] = None,
    off_topic: Annotated[
        list[Path] | None,
        typer.Option(metavar="FILE", help="Questions on other topics; repeatable.", show_default=False),
    ] = None,
    check: Annotated[
        list[Path] | None,
        typer.Option(metavar="FILE", help="Also report on these questions; repeatable.", show_default=False),
    ] = None,
    sample: Annotated[
        int, typer.Option(metavar="N", help="Number of answerable questions to ask.", callback=at_least_one)
    ] = 1500,
    seed: Annotated[int, typer.Option(metavar="N", help="Which random sample.")] = 1,
    out: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Write the result here [default: fitted.json in the reader's folder]."),
    ] = None,
    as_json: JsonOrTableOption = None,
) -> int:
    """Fit the confidence to other models than the bundled ones.

    askdoc asks the questions, half of them to choose settings and half to measure the result, and writes fitted.json,
    which it uses whenever these models answer. This can take half an hour.
    """
    from askdoc.evaluation.calibrate import Sources
    from askdoc.evaluation.calibrate import calibrate as fit
    from askdoc.evaluation.run import Plan
    from askdoc.models.bundle import FITTED
    from askdoc.readers import folder_of

    folder = folder_of(reader or "")
    target = out or (folder and folder / FITTED)
    if target is None:
        raise UsageError("nothing says where to write the result", hint="add --reader DIR or --out FILE")
    sources = Sources(data, unanswerable, tuple(off_topic or ()), tuple(check or ()), sample, seed)
    with progress_on(sys.stderr) as progress:
        fitted, figures = fit(sources, Plan(embedder=embedder, reader=reader), progress)
    try:
        target.write_text(json.dumps(fitted, indent=1) + "\n", encoding="utf-8")
    except OSError as error:
        raise WriteError(f"{target} cannot be written: {error.strerror}", hint="add --out FILE") from error
    with writing():
        if not sys.stdout.isatty() if as_json is None else as_json:
            typer.echo(json.dumps({"fitted": fitted, "figures": figures}, indent=1))
        else:
            typer.echo("\n".join([*_lines(figures["checked on"]), f"written to {target}"]))
    return ANSWERED


def _lines(measured: dict[str, Any]) -> list[str]:
    return [
        f"{measured['questions']:,} questions that were not used for fitting:",
        f"  F1 of the best answers      {measured['f1']:.1f}",
        f"  calibration error           {100 * measured['ece']:.1f} %",
        f"  answerable ones answered    {100 * measured['answered_answerable']:.1f} %",
    ]
