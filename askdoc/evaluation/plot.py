"""Draws the risk-coverage curve and the calibration diagram of the confidence, as PNG or SVG.

matplotlib is large and only needed here, so it is optional (`askdoc[eval]`) and imported when a plot is drawn.
"""

from __future__ import annotations

from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from askdoc.errors import AskdocError, UsageError, WriteError
from askdoc.evaluation.report import ACCURACIES, AnswerReport, AtAccuracy, Selective
from askdoc.evaluation.table import title

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

SUFFIXES = (".png", ".svg")
_BLUE, _ORANGE, _GREY = "#1f5a94", "#d1731f", "#8a8f98"
_STYLE = {"font.size": 10, "svg.hashsalt": "askdoc", "axes.spines.top": False, "axes.spines.right": False}


def check_plot(path: Path) -> None:
    """Raise `AskdocError`, before anything is measured, for a plot that cannot be drawn."""
    if path.suffix.lower() not in SUFFIXES:
        raise UsageError(f"cannot draw a plot as {path.suffix or path.name!r}", hint="end the name in .png or .svg")
    if not path.absolute().parent.is_dir():
        raise UsageError(f"there is no folder {path.parent}", hint=f"mkdir -p {path.parent}")
    if find_spec("matplotlib") is None:
        raise AskdocError("plots need matplotlib, which is not installed", hint='python -m pip install "askdoc[eval]"')


def draw(report: AnswerReport, path: Path) -> None:
    """Draw the report to `path`; the suffix decides the format. Raises AskdocError."""
    check_plot(path)
    from matplotlib import rc_context

    # without date and random names in the file, the same figures give the same file
    metadata = {"Date": None} if path.suffix.lower() == ".svg" else None
    try:
        with rc_context(_STYLE):
            _figure(report).savefig(path, dpi=160, metadata=metadata)
    except OSError as error:
        raise WriteError(f"{path} cannot be written: {error.strerror}", hint="name another file") from error


def _figure(report: AnswerReport) -> Figure:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(11, 5), layout="constrained")
    FigureCanvasAgg(figure)  # draws to memory: no display, no global state
    curve, calibration = figure.subplots(1, 2)
    _draw_curve(curve, report)
    _draw_calibration(calibration, report.confidence)
    figure.suptitle(title(report), fontsize=11, x=0.01, ha="left")
    return figure


def _draw_curve(axes: Axes, report: AnswerReport) -> None:
    for accuracy in ACCURACIES:
        axes.axhline(accuracy, color=_GREY, linewidth=0.8, linestyle=(0, (4, 3)), zorder=1)
    mixed = report.confidence_answerable is not None
    if report.confidence:
        # the lower of two curves is labelled from below, so that no label meets the other curve
        name = "everything asked" if mixed else "all questions"
        _draw_selective(axes, report.confidence, _BLUE, name, above=not mixed)
    if report.confidence_answerable:
        _draw_selective(axes, report.confidence_answerable, _ORANGE, "answerable questions")
    axes.set(xlim=(0, 1), ylim=(0, 1.02), title="Accuracy when only the surest answers are shown")
    axes.set(xlabel="coverage: share of questions answered", ylabel="accuracy: share of shown answers that is right")
    _as_percent(axes)
    if axes.lines[len(ACCURACIES) :]:
        axes.legend(loc="lower left", frameon=False)


def _draw_selective(axes: Axes, selective: Selective, colour: str, name: str, *, above: bool = True) -> None:
    x, y = [point.coverage for point in selective.curve], [point.accuracy for point in selective.curve]
    axes.plot(x, y, color=colour, linewidth=2, label=f"{name} (area under risk {selective.aurc:.3f})", zorder=3)
    for point in selective.at_accuracy:
        if point.threshold is not None:
            axes.plot(point.coverage, point.accuracy, "o", color=colour, markersize=5, zorder=4)
            # no room to the left of a point near the axis
            _label(axes, point, colour, above=above or point.coverage < 0.12)


def _label(axes: Axes, point: AtAccuracy, colour: str, *, above: bool) -> None:
    axes.annotate(
        f"{100 * point.coverage:.0f} %",
        (point.coverage, point.accuracy),
        xytext=(4, 4) if above else (-4, -4),
        textcoords="offset points",
        ha="left" if above else "right",
        va="bottom" if above else "top",
        color=colour,
        fontsize=9,
    )


def _draw_calibration(axes: Axes, selective: Selective | None) -> None:
    axes.plot([0, 1], [0, 1], color=_GREY, linewidth=0.8, linestyle=(0, (4, 3)), label="perfect", zorder=1)
    axes.set(xlim=(0, 1), ylim=(0, 1.02), title="Calibration: is a confidence of 70 % right in 7 of 10?")
    axes.set(xlabel="confidence", ylabel="accuracy")
    _as_percent(axes)
    if selective is None:
        return
    x, y = [bin_.confidence for bin_ in selective.bins], [bin_.accuracy for bin_ in selective.bins]
    axes.vlines(x, x, y, color=_ORANGE, linewidth=1.5, alpha=0.8, label="gap", zorder=2)
    axes.plot(x, y, color=_BLUE, linewidth=1, alpha=0.5, zorder=2)
    axes.scatter(x, y, s=_areas(selective), color=_BLUE, label="answers, by count", zorder=3, clip_on=False)
    axes.text(0.98, 0.04, f"ECE {selective.ece:.3f}", ha="right", fontsize=11, transform=axes.transAxes)
    axes.legend(loc="upper left", frameon=False)


def _areas(selective: Selective) -> Sequence[float]:
    """Dot areas in square points, growing with the number of answers in a bin, and never too small to see."""
    largest = max(bin_.count for bin_ in selective.bins)
    return [12 + 150 * bin_.count / largest for bin_ in selective.bins]


def _as_percent(axes: Any) -> None:
    from matplotlib.ticker import PercentFormatter

    axes.xaxis.set_major_formatter(PercentFormatter(1.0, symbol=" %"))
    axes.yaxis.set_major_formatter(PercentFormatter(1.0, symbol=" %"))
    axes.grid(color="#e6e8eb", linewidth=0.6, zorder=0)
