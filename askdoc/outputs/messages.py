"""What is said on stderr: errors, remarks, progress and the report after indexing. Never data."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING, TextIO, TypeAlias

from askdoc.errors import AskdocError, Interrupted
from askdoc.outputs.safe_text import count, folder_name, one_line

if TYPE_CHECKING:
    from askdoc.build import BuildReport
    from askdoc.types import LeftOut, Reply
    from askdoc.watch import Trouble

_STEADY = 60.0  # seconds over which speed is measured, and between two lines of a log
EXAMPLES = 3  # paths that are named of those that were left out for one reason
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
    """What indexing did: the sum in one line, then what was left out by reason, and each remark."""
    from askdoc.sources.selection import grouped  # `askdoc --help` does without

    changes = {"added": report.added, "changed": report.changed}
    changes |= {"unchanged": report.unchanged, "removed": report.removed}
    documents = count(report.added + report.changed + report.unchanged, "document")
    parts = [
        f"{documents} ({', '.join(f'{number:,} {change}' for change, number in changes.items())})",
        f"{count(report.passages, 'passage')} ({report.embedded:,} embedded)",
    ]
    if report.skipped:
        parts.append(f"{len(report.skipped):,} left out")
    left_out = [f"  left out {line}" for line in left_out_lines(grouped(report.skipped))]
    remarks = [f"  {one_line(path)}: {one_line(remark)}" for path, remark in report.remarks]
    sum_of_it = f"{folder_name(report.folder)}: {', '.join(parts)} in {report.seconds:.1f} s"
    return [sum_of_it, *_first(left_out), *_first(remarks)]


def left_out_lines(left_out: Sequence[LeftOut]) -> list[str]:
    """A line for each reason, with the first paths: `a.bin: binary`, or `12: binary (a.bin, b.bin and 10 more)`."""
    lines = []
    for one in left_out:
        paths = ", ".join(map(one_line, one.examples[:EXAMPLES]))
        rest = one.count - len(one.examples[:EXAMPLES])
        more = f" and {rest:,} more" if rest else ""
        lines.append(
            f"{paths}: {one_line(one.reason)}"
            if one.count == 1
            else f"{one.count:,}: {one_line(one.reason)} ({paths}{more})"
        )
    return lines


def watch_lines(event: BuildReport | Trouble) -> list[str]:
    """What happened while watching, and when: `14:03:22  2 changed (a.txt, b.md): 12 documents, 340 passages`."""
    from askdoc.watch import Trouble

    now = time.strftime("%H:%M:%S")
    if isinstance(event, Trouble):
        return [f"{now}  {one_line(event.error)}; trying again in {event.seconds:.0f} s"]
    kinds = {"added": event.added_paths, "changed": event.changed_paths, "removed": event.removed_paths}
    kinds |= {"left out": event.failed_paths}
    kinds |= {"moved": tuple(f"{old} → {new}" for old, new in event.moved_paths)}
    changes = [f"{len(paths):,} {kind} ({_some(paths)})" for kind, paths in kinds.items() if paths]
    held = f"{count(event.documents, 'document')}, {count(event.passages, 'passage')}"
    return [f"{now}  {', '.join(changes)}: {held} in {event.seconds:.1f} s"]


def _some(paths: Sequence[str]) -> str:
    rest = len(paths) - EXAMPLES
    return ", ".join(map(one_line, paths[:EXAMPLES])) + (f" and {rest:,} more" if rest > 0 else "")


def _first(lines: list[str]) -> list[str]:
    rest = len(lines) - LISTED
    return lines if rest <= 0 else [*lines[:LISTED], f"  and {rest:,} more: askdoc status"]


@contextmanager
def progress_on(stream: TextIO) -> Iterator[Progress]:
    """Progress bars that go when the work is done; where the stream is no terminal, a line a minute."""
    if not stream.isatty():
        yield _Log(stream)
        return
    with ExitStack() as running:
        started: list[Progress] = []

        def advance(stage: str, done: int, total: int) -> None:
            if not started:  # only for work that there is
                started.append(running.enter_context(_bars(stream)))
            started[0](stage, done, total)

        yield advance


@contextmanager
def _bars(stream: TextIO) -> Iterator[Progress]:
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
    from askdoc.sources.selection import size_in_words  # `askdoc --help` does without

    return f"{size_in_words(int(speed))}/s" if stage == "embedding" and speed else ""
