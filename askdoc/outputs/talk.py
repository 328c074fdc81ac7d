"""What is said on stderr: errors, remarks, progress and the report after indexing. Never data."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING, TextIO, TypeAlias

from askdoc.errors import AskdocError, Interrupted
from askdoc.outputs.printable import count, folder_name, one_line
from askdoc.outputs.status import size

if TYPE_CHECKING:
    from askdoc.build import BuildReport
    from askdoc.types import Reply

_STEADY = 60.0  # seconds over which speed is measured, and between two lines of a log
LISTED = 10  # files named one by one before the rest is only counted

Progress: TypeAlias = Callable[[str, int, int], None]


def error_lines(error: AskdocError | Interrupted) -> list[str]:
    """What happened and what to do next, one line each, whatever stands in a file's name."""
    return [f"askdoc: {one_line(error.message)}", f"hint: {one_line(error.hint)}"]


def reply_lines(reply: Reply) -> list[str]:
    """What the asker should know about a reply beside the reply."""
    lines = [f"askdoc: {one_line(remark)}" for remark in reply.remarks]
    if reply.index.stale and not lines:
        lines.append("askdoc: documents have changed since they were indexed; `askdoc index` takes the changes in")
    if reply.answered and not reply.calibrated:
        lines.append(f"askdoc: the confidence is not calibrated for these models; to do so: {CALIBRATE}")
    return lines


CALIBRATE = "python -m askdoc.training.confidence --help"


def report_lines(report: BuildReport) -> list[str]:
    """What indexing did: the sum in one line, then each file that was left out and each remark."""
    changes = {"added": report.added, "changed": report.changed}
    changes |= {"unchanged": report.unchanged, "removed": report.removed}
    documents = count(report.added + report.changed + report.unchanged, "document")
    parts = [
        f"{documents} ({', '.join(f'{number:,} {change}' for change, number in changes.items())})",
        f"{count(report.passages, 'passage')} ({report.embedded:,} embedded)",
    ]
    left_out = [f"  left out {one_line(skipped.path)}: {one_line(skipped.reason)}" for skipped in report.skipped]
    if left_out:
        parts.append(f"{count(len(left_out), 'file')} left out")
    remarks = [f"  {one_line(path)}: {one_line(remark)}" for path, remark in report.remarks]
    sum_of_it = f"{folder_name(report.folder)}: {', '.join(parts)} in {report.seconds:.1f} s"
    return [sum_of_it, *_first(left_out), *_first(remarks)]


def _first(lines: list[str]) -> list[str]:
    rest = len(lines) - LISTED
    return lines if rest <= 0 else [*lines[:LISTED], f"  and {rest:,} more: askdoc status"]


@contextmanager
def progress_on(stream: TextIO) -> Iterator[Progress]:
    """Progress bars that go when the work is done; where the stream is no terminal, a line a minute."""
    if not stream.isatty():
        yield _Log(stream)
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, Task, TaskID, TaskProgressColumn, TextColumn, TimeRemainingColumn
    from rich.text import Text

    class Rate(TextColumn):
        def render(self, task: Task) -> Text:
            return Text(_rate(task.description, task.speed or 0.0))

    columns = TextColumn("  {task.description:<10}"), BarColumn(), TaskProgressColumn(), Rate(""), TimeRemainingColumn()
    tasks: dict[str, TaskID] = {}
    with Progress(*columns, console=Console(file=stream), transient=True, speed_estimate_period=_STEADY) as bars:

        def advance(stage: str, done: int, total: int) -> None:
            if stage not in tasks:
                tasks[stage] = bars.add_task(stage, total=total)
            bars.update(tasks[stage], completed=done, total=total)

        yield advance


class _Log:
    """Progress in lines, for a log: only of what takes long."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._stage = ""
        self._started = self._told = 0.0

    def __call__(self, stage: str, done: int, total: int) -> None:
        now = time.monotonic()
        if stage != self._stage:
            self._stage, self._started, self._told = stage, now, now
        if now - self._told < _STEADY or not 0 < done < total:
            return
        self._told = now
        speed = done / (now - self._started)
        left = timedelta(seconds=round((total - done) / speed))
        parts = [f"{stage} {done / total:.0%}", _rate(stage, speed), f"{left} left"]
        self._stream.write(f"askdoc: {', '.join(part for part in parts if part)}\n")
        self._stream.flush()


def _rate(stage: str, speed: float) -> str:
    return f"{size(speed)}/s" if stage == "embedding" and speed else ""
