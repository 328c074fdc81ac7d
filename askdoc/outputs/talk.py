"""What is said on stderr: errors, remarks, progress and the report after indexing. Never data."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, TextIO, TypeAlias

from askdoc.errors import AskdocError, Interrupted
from askdoc.outputs.printable import count, folder_name, one_line

if TYPE_CHECKING:
    from askdoc.build import BuildReport
    from askdoc.types import Reply

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
    return lines


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
def progress_on(stream: TextIO) -> Iterator[Progress | None]:
    """Progress bars that go when the work is done; None where the stream is no terminal."""
    if not stream.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TaskID, TaskProgressColumn, TextColumn, TimeRemainingColumn

    columns = TextColumn("  {task.description:<10}"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn()
    tasks: dict[str, TaskID] = {}
    with Progress(*columns, console=Console(file=stream), transient=True) as bars:

        def advance(stage: str, done: int, total: int) -> None:
            if stage not in tasks:
                tasks[stage] = bars.add_task(stage, total=total)
            bars.update(tasks[stage], completed=done, total=total)

        yield advance
