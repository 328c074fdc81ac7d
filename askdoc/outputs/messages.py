"""Messages on stderr: errors, remarks, progress, and the report after indexing. Never data."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING, TextIO

from askdoc.errors import AskdocError, Interrupted
from askdoc.outputs.safe_text import count, folder_name, one_line
from askdoc.progress import Progress, Stage

if TYPE_CHECKING:
    from askdoc.build import BuildReport
    from askdoc.types import LeftOut, Reply
    from askdoc.watch import Trouble

_STEADY = 60.0  # seconds over which speed is averaged, and between two lines of a log
EXAMPLES = 3  # skipped paths that are named for each reason
CALIBRATE = "askdoc calibrate --help"
LISTED = 10  # files that are listed; the rest is only counted


def error_lines(error: AskdocError | Interrupted) -> list[str]:
    """What happened and what to do next, one line each; file names cannot break out of it."""
    return [f"askdoc: {one_line(error.message)}", f"hint: {one_line(error.hint)}"]


def reply_lines(reply: Reply) -> list[str]:
    """Remarks on a reply that are not part of it."""
    lines = [f"askdoc: {one_line(remark)}" for remark in reply.remarks]
    if reply.index.stale and not lines:
        lines.append("askdoc: documents have changed since they were indexed; to update the index: askdoc index")
    if reply.answered and not reply.calibrated:
        lines.append(f"askdoc: the confidence is not calibrated for these models; to calibrate it: {CALIBRATE}")
    return lines


def report_lines(report: BuildReport) -> list[str]:
    """What indexing did: the totals in one line, then the skipped files by reason, and each remark."""
    from askdoc.sources.selection import grouped  # not needed for `askdoc --help`

    changes = {"added": report.added, "changed": report.changed}
    changes |= {"unchanged": report.unchanged, "removed": report.removed}
    documents = count(report.added + report.changed + report.unchanged, "document")
    parts = [
        f"{documents} ({', '.join(f'{number:,} {change}' for change, number in changes.items())})",
        f"{count(report.passages, 'passage')} ({report.embedded:,} embedded)",
    ]
    if report.skipped:
        parts.append(f"{len(report.skipped):,} skipped")
    skipped = [f"  skipped {line}" for line in left_out_lines(grouped(report.skipped))]
    remarks = [f"  {one_line(path)}: {one_line(remark)}" for path, remark in report.remarks]
    totals = f"{folder_name(report.folder)}: {', '.join(parts)} in {report.seconds:.1f} s"
    return [totals, *_first(skipped), *_first(remarks)]


def left_out_lines(left_out: Sequence[LeftOut]) -> list[str]:
    """A line per reason, with the first paths: `a.bin: binary`, or `12: binary (a.bin, b.bin and 10 more)`."""
    lines = []
    for group in left_out:
        paths = ", ".join(map(one_line, group.examples[:EXAMPLES]))
        rest = group.count - len(group.examples[:EXAMPLES])
        more = f" and {rest:,} more" if rest else ""
        lines.append(
            f"{paths}: {one_line(group.reason)}"
            if group.count == 1
            else f"{group.count:,}: {one_line(group.reason)} ({paths}{more})"
        )
    return lines


def watch_lines(event: BuildReport | Trouble) -> list[str]:
    """What happened while watching, and when: `14:03:22  2 changed (a.txt, b.md): 12 documents, 340 passages`."""
    from askdoc.watch import Trouble

    now = time.strftime("%H:%M:%S")
    if isinstance(event, Trouble):
        return [f"{now}  {one_line(event.error)}; trying again in {event.seconds:.0f} s"]
    kinds = {"added": event.added_paths, "changed": event.changed_paths, "removed": event.removed_paths}
    kinds |= {"skipped": event.failed_paths}
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
    """Progress bars that disappear when the work is done; if the stream is not a terminal, a line a minute."""
    if not stream.isatty():
        yield _Log(stream)
        return
    with ExitStack() as running:
        started: list[Progress] = []

        def advance(stage: Stage, done: int, total: int) -> None:
            if not started:  # no bars without work
                started.append(running.enter_context(_bars(stream)))
            started[0](stage, done, total)

        yield advance


@contextmanager
def _bars(stream: TextIO) -> Iterator[Progress]:
    from rich import progress as rich
    from rich.console import Console
    from rich.text import Text

    class Rate(rich.TextColumn):
        def render(self, task: rich.Task) -> Text:
            return Text(_rate(task.description, task.speed or 0.0))

    columns = (
        rich.TextColumn("  {task.description:<10}"), rich.BarColumn(), rich.TaskProgressColumn(), Rate(""),
        rich.TimeRemainingColumn(),
    )  # fmt: skip
    tasks: dict[Stage, rich.TaskID] = {}
    with rich.Progress(*columns, console=Console(file=stream), transient=True, speed_estimate_period=_STEADY) as bars:

        def advance(stage: Stage, done: int, total: int) -> None:
            if stage not in tasks:
                tasks[stage] = bars.add_task(stage, total=total)
            bars.update(tasks[stage], completed=done, total=total)

        yield advance


class _Log:
    """Progress as lines of a log, for long work only."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._stage = ""
        self._started = self._told = 0.0

    def __call__(self, stage: Stage, done: int, total: int) -> None:
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
    from askdoc.sources.selection import size_in_words  # not needed for `askdoc --help`

    return f"{size_in_words(int(speed))}/s" if stage == "embedding" and speed else ""
