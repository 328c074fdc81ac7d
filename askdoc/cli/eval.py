"""`askdoc eval DATA`: how right the answers are, as a table, JSON, a plot, and gates for a build server.

Figures go to stdout, progress and failed gates to stderr. Exit status: 0 measured and every gate kept; 1 a gate
failed; an AskdocError (2, by the command line's one handler) if nothing could be measured.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from askdoc.errors import UsageError
from askdoc.outputs.messages import progress_on

if TYPE_CHECKING:  # `askdoc --help` must not pay for numpy
    from askdoc.evaluation.report import Report
    from askdoc.evaluation.run import Run


EXAMPLE = "Example: askdoc eval questions.json --sample 500 --plot curve.png --min-f1 0.7"


def _limit(text: str) -> Any:
    return typer.Option(min=0.0, max=1.0, metavar="X", help=f"Exit status 1 if {text}.", show_default=False)


def eval_command(
    data: Annotated[
        Path,
        typer.Argument(
            metavar="DATA", help="A SQuAD-format file (.json, .json.gz) or a BEIR folder.", show_default=False
        ),
    ],
    sample: Annotated[
        int | None,
        typer.Option(min=1, metavar="N", help="Ask so many questions, of all paragraphs.", show_default=False),
    ] = None,
    seed: Annotated[int, typer.Option(metavar="N", help="Which sample to draw.")] = 0,
    off_topic: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Ask these as well: a SQuAD-format file on other topics.")
    ] = None,
    embedder: Annotated[str | None, typer.Option(metavar="NAME", help="The model that embeds the passages.")] = None,
    reader: Annotated[str | None, typer.Option(metavar="NAME", help="The model that reads them.")] = None,
    right_f1: Annotated[
        float, typer.Option(min=0.01, max=1.0, metavar="X", help="An answer counts as right from this F1 on.")
    ] = 0.5,
    as_json: Annotated[
        bool | None,
        typer.Option("--json/--table", help="[default: a table on a terminal, else JSON]", show_default=False),
    ] = None,
    plot: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Draw risk-coverage and calibration, .png or .svg.")
    ] = None,
    predictions: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write what was answered, one JSON object a line.")
    ] = None,
    results: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Store the figures here, a file for each run.")
    ] = None,
    min_f1: Annotated[float | None, _limit("end-to-end F1 is below X")] = None,
    min_em: Annotated[float | None, _limit("end-to-end exact match is below X")] = None,
    min_hit5: Annotated[float | None, _limit("retrieval hit@5 is below X")] = None,
    min_coverage: Annotated[float | None, _limit("coverage at 80 % accuracy is below X")] = None,
    max_ece: Annotated[float | None, _limit("calibration error is above X")] = None,
) -> int:
    """Measure how right the answers are, on questions whose answers are known. Exit status 1: a gate failed."""
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
    _write(run, plot=plot, predictions=predictions, results=results)
    _show(run.report, as_json=not sys.stdout.isatty() if as_json is None else as_json)
    return 0 if _kept(run.report, gates) else 1


def _check(data: Path, plot: Path | None, predictions: Path | None, gates: Mapping[str, float]) -> None:
    """Refuse at once what would otherwise fail after minutes of measuring."""
    from askdoc.evaluation.beir import is_beir
    from askdoc.evaluation.gates import check_gates
    from askdoc.evaluation.plot import check_plot

    check_gates(gates, has_answers=not is_beir(data))
    if predictions is not None and not predictions.absolute().parent.is_dir():
        raise UsageError(f"there is no folder {predictions.parent}", hint=f"mkdir -p {predictions.parent}")
    if plot is not None:
        check_plot(plot)
        if is_beir(data):
            raise UsageError("--plot needs questions with answers, and a BEIR folder has none", hint="leave it out")


def _write(run: Run, *, plot: Path | None, predictions: Path | None, results: Path | None) -> None:
    from askdoc.evaluation.outcomes import write_predictions
    from askdoc.evaluation.plot import draw
    from askdoc.evaluation.report import AnswerReport
    from askdoc.evaluation.results import write_result

    if predictions is not None:
        write_predictions(run.outcomes, predictions)
    if results is not None:
        write_result(run, results)
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
    """Whether the report keeps every gate; a line on stderr for each that it does not."""
    from askdoc.evaluation.gates import failures

    failed = list(failures(report, gates))
    for line in failed:
        typer.echo(line, err=True)
    return not failed
