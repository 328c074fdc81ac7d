"""`askdoc eval DATA`: how right the answers are, as a table, JSON, a plot, and gates for a build server.

Figures go to stdout, progress and failed gates to stderr.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from askdoc.cli.exit_status import ANSWERED, NOT_ANSWERED
from askdoc.cli.options import EmbedderOption, JsonOrTableOption, above_zero, at_least_one, share
from askdoc.errors import UsageError
from askdoc.outputs.messages import progress_on

if TYPE_CHECKING:  # `askdoc --help` must not pay for numpy
    from askdoc.evaluation.report import Report
    from askdoc.evaluation.run import Run


EXAMPLE = "Example: askdoc eval questions.json --sample 500 --plot curve.png --min-f1 0.7"


def eval_command(
    data: Annotated[
        Path,
        typer.Argument(
            metavar="DATA", help="A file in SQuAD format (.json, .json.gz) or a BEIR folder.", show_default=False
        ),
    ],
    sample: Annotated[
        int | None,
        typer.Option(
            metavar="N",
            help="Ask a random sample of N questions; every paragraph is still indexed.",
            show_default=False,
            callback=at_least_one,
        ),
    ] = None,
    seed: Annotated[int, typer.Option(metavar="N", help="Which random sample.")] = 0,
    off_topic: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Also ask these: a file in SQuAD format on other topics.")
    ] = None,
    embedder: EmbedderOption = None,
    reader: Annotated[
        str | None, typer.Option(metavar="NAME|DIR", help="The model that reads the passages.", show_default=False)
    ] = None,
    right_f1: Annotated[
        float,
        typer.Option(metavar="0-1", help="An answer with at least this F1 counts as right.", callback=above_zero),
    ] = 0.5,
    as_json: JsonOrTableOption = None,
    plot: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Draw the risk-coverage and calibration curves (.png or .svg).")
    ] = None,
    predictions: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write every answer, one JSON object a line.")
    ] = None,
    min_f1: Annotated[float | None, share("Fail if end-to-end F1 is lower.")] = None,
    min_em: Annotated[float | None, share("Fail if end-to-end exact match is lower.")] = None,
    min_hit5: Annotated[float | None, share("Fail if retrieval hit@5 is lower.")] = None,
    min_coverage: Annotated[float | None, share("Fail if coverage at 80 % accuracy is lower.")] = None,
    max_ece: Annotated[float | None, share("Fail if the calibration error is higher.")] = None,
) -> int:
    """Measure how often answers are right.

    DATA holds questions with known answers. Exit status 1 if a limit (--min-f1, …) is not met.
    """
    from askdoc.evaluation.run import Plan, evaluate

    limits = {
        "--min-f1": min_f1,
        "--min-em": min_em,
        "--min-hit5": min_hit5,
        "--min-coverage": min_coverage,
        "--max-ece": max_ece,
    }
    gates = {option: limit for option, limit in limits.items() if limit is not None}
    _check(data, plot, predictions, gates)
    plan = Plan(sample=sample, seed=seed, off_topic=off_topic, embedder=embedder, reader=reader, right_f1=right_f1)
    with progress_on(sys.stderr) as progress:
        run = evaluate(data, plan, progress=progress)
    _write(run, plot=plot, predictions=predictions)
    _show(run.report, as_json=not sys.stdout.isatty() if as_json is None else as_json)
    return ANSWERED if _kept(run.report, gates) else NOT_ANSWERED


def _check(data: Path, plot: Path | None, predictions: Path | None, gates: Mapping[str, float]) -> None:
    """Find mistakes now that would otherwise stop the command after minutes of measuring."""
    from askdoc.evaluation.beir import is_beir
    from askdoc.evaluation.gates import check_gates
    from askdoc.evaluation.plot import check_plot

    check_gates(gates, has_answers=not is_beir(data))
    if predictions is not None and not predictions.absolute().parent.is_dir():
        raise UsageError(f"there is no folder {predictions.parent}", hint=f"mkdir -p {predictions.parent}")
    if plot is not None:
        check_plot(plot)
        if is_beir(data):
            raise UsageError("--plot needs questions with answers, and a BEIR folder has none", hint="drop --plot")


def _write(run: Run, *, plot: Path | None, predictions: Path | None) -> None:
    from askdoc.evaluation.outcomes import write_predictions
    from askdoc.evaluation.plot import draw
    from askdoc.evaluation.report import AnswerReport

    if predictions is not None:
        write_predictions(run.outcomes, predictions)
    if plot is not None and isinstance(run.report, AnswerReport):
        draw(run.report, plot)


def _show(report: Report, *, as_json: bool) -> None:
    from askdoc.evaluation.report import as_json as report_as_json

    if as_json:
        typer.echo(json.dumps(report_as_json(report), indent=1, ensure_ascii=False, allow_nan=False))
    else:
        _print_table(report)


def _print_table(report: Report) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    from askdoc.evaluation.table import rows, title

    console, table = Console(), Table(box=None, show_header=False, pad_edge=False)
    for _ in range(3):
        table.add_column(overflow="fold")
    for group, figure, value in rows(report):
        table.add_row(Text(group, style="bold"), Text(figure), Text(value))
    console.print(Text(title(report)), table, sep="\n\n")


def _kept(report: Report, gates: Mapping[str, float]) -> bool:
    """Whether the report meets every limit; a line on stderr for each that it does not meet."""
    from askdoc.evaluation.gates import failures

    failed = list(failures(report, gates))
    for line in failed:
        typer.echo(line, err=True)
    return not failed
