"""A report as the rows of a table, in words and per cent. The command line draws the table."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypeAlias

from askdoc.evaluation.metrics import Mean, Squad2
from askdoc.evaluation.report import (
    Answerability,
    AnswerReport,
    Overlap,
    Report,
    Retrieval,
    Selective,
    Speed,
)

Row: TypeAlias = tuple[str, str, str]


def title(report: Report) -> str:
    """The data set with its numbers of questions and paragraphs, in one line."""
    counts = " + ".join(f"{count:,} {kind}" for kind, count in report.questions.items() if count)
    return f"{report.setting.data}: {counts} questions, {report.setting.documents:,} paragraphs"


def rows(report: Report) -> Iterator[Row]:
    """The table: (group, figure, value with its interval), in the order of the pipeline."""
    yield from _retrieval_rows(report.retrieval)
    if isinstance(report, AnswerReport):
        yield "", "hit@1 after reading", _percent(report.hit1_after_reading)
        yield from _overlap_rows("reader, given paragraph", report.reader)
        yield from _overlap_rows("end to end", report.end_to_end)
        yield from _squad2_rows(report.squad2)
        yield from _selective_rows("confidence, all asked", report.confidence)
        yield from _selective_rows("confidence, answerable", report.confidence_answerable)
        yield from _answerability_rows(report.answerability)
    yield from _speed_rows(report.speed)


def _percent(figure: Mean | float | None) -> str:
    if figure is None:
        return "-"
    if isinstance(figure, Mean):
        return f"{100 * figure.value:.1f} %  ({100 * figure.low:.1f} to {100 * figure.high:.1f})"
    return f"{100 * figure:.1f} %"


def _retrieval_rows(retrieval: Retrieval) -> Iterator[Row]:
    yield "retrieval", "hit@1", _percent(retrieval.hit1)
    yield "", "hit@5", _percent(retrieval.hit5)
    yield "", "hit@20", _percent(retrieval.hit20)
    yield "", "MRR", _percent(retrieval.mrr)
    yield "", "nDCG@10", _percent(retrieval.ndcg10)


def _overlap_rows(group: str, overlap: Overlap) -> Iterator[Row]:
    yield group, "exact match", _percent(overlap.exact)
    yield "", "F1", _percent(overlap.f1)


def _squad2_rows(squad2: Squad2 | None) -> Iterator[Row]:
    if squad2 is None:
        return
    yield "SQuAD 2.0, given", "exact, F1", _pair(squad2.overall.exact, squad2.overall.f1)
    yield "", "HasAns exact, F1", _pair(squad2.has_answer.exact, squad2.has_answer.f1)
    yield "", "NoAns exact, F1", _pair(squad2.no_answer.exact, squad2.no_answer.f1)
    yield "", "best exact, F1", _pair(squad2.best_exact.score, squad2.best_f1.score)


def _pair(exact: float | None, f1: float | None) -> str:
    return f"{_percent(exact)}, {_percent(f1)}"


def _selective_rows(group: str, selective: Selective | None) -> Iterator[Row]:
    if selective is None:
        return
    for number, point in enumerate(selective.at_accuracy):
        threshold = "" if point.threshold is None else f"  (sure from {point.threshold:.2f})"
        figure = f"coverage at {100 * point.accuracy:.0f} % accuracy"
        yield "" if number else group, figure, f"{_percent(point.coverage)}{threshold}"
    yield "", "area under risk-coverage", f"{selective.aurc:.3f}"
    yield "", "calibration error (ECE)", f"{selective.ece:.3f}  (equal mass {selective.ece_equal_mass:.3f})"


def _answerability_rows(answerability: Answerability) -> Iterator[Row]:
    named = {
        "unanswerable, given": answerability.given_paragraph,
        "unanswerable, asked": answerability.unanswerable,
        "off-topic, asked": answerability.off_topic,
    }
    measured = {name: value for name, value in named.items() if value is not None}
    for number, (name, value) in enumerate(measured.items()):
        yield "" if number else "AUROC against", name, f"{value:.3f}"


def _speed_rows(speed: Speed) -> Iterator[Row]:
    yield "speed", "index built in", f"{speed.build_seconds:.1f} s"
    yield "", "questions asked in", f"{speed.ask_seconds:.1f} s  ({speed.per_second:.1f} a second)"
    yield "", "a question, p50 / p95", f"{speed.p50_ms:.0f} ms / {speed.p95_ms:.0f} ms"
