"""Limits on the figures of a report, so that an evaluation can stop a change that makes answers worse."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from askdoc.errors import UsageError
from askdoc.evaluation.report import AnswerReport, Report


@dataclass(frozen=True, slots=True)
class Figure:
    """A figure that can be limited."""

    name: str
    measure: Callable[[Report], float]  # its value in a report
    most: bool = False  # the limit is a maximum
    for_rankings: bool = False  # sets in the BEIR layout have it too; other figures need answers

    def keeps(self, value: float, limit: float) -> bool:
        """Is the value within the limit?"""
        return value <= limit if self.most else value >= limit


def check_gates(limits: Mapping[str, float], *, has_answers: bool) -> None:
    """Raise `UsageError`, before anything is measured, for a limit on a figure that a set without answers lacks."""
    refused = [option for option in limits if not (has_answers or FIGURES[option].for_rankings)]
    if refused:
        allowed = ", ".join(option for option, figure in FIGURES.items() if figure.for_rankings)
        raise UsageError(f"{', '.join(refused)} needs questions with answers", hint=f"a BEIR folder allows {allowed}")


def failures(report: Report, limits: Mapping[str, float]) -> Iterable[str]:
    """A line for each limit that is not kept. limits: by option of `FIGURES`."""
    check_gates(limits, has_answers=isinstance(report, AnswerReport))
    for option, limit in limits.items():
        figure = FIGURES[option]
        value = figure.measure(report)
        if not figure.keeps(value, limit):
            side = "above" if figure.most else "below"
            yield f"gate failed: {figure.name} is {value:.4f}, {side} {option} {limit:g}"


def _answers(measure: Callable[[AnswerReport], float]) -> Callable[[Report], float]:
    """The measure for any report; NaN for rankings, which `check_gates` refuses."""
    return lambda report: measure(report) if isinstance(report, AnswerReport) else float("nan")


def _coverage(report: AnswerReport) -> float:
    return report.confidence.coverage(0.8) if report.confidence else 0.0


def _calibration(report: AnswerReport) -> float:
    """The calibration error; the worst value if there are no answers."""
    return report.confidence.ece if report.confidence else 1.0


# option → the figure that it limits
FIGURES: Mapping[str, Figure] = {
    "--min-f1": Figure("end-to-end F1", _answers(lambda report: report.end_to_end.f1.value)),
    "--min-em": Figure("end-to-end exact match", _answers(lambda report: report.end_to_end.exact.value)),
    "--min-hit5": Figure("retrieval hit@5", lambda report: report.retrieval.hit5.value, for_rankings=True),
    "--min-coverage": Figure("coverage at 80 % accuracy", _answers(_coverage)),
    "--max-ece": Figure("calibration error (ECE)", _answers(_calibration), most=True),
}
