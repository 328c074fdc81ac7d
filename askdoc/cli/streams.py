"""The standard streams: stdout carries data, stderr carries messages for people."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from io import TextIOWrapper
from pathlib import Path
from typing import BinaryIO

from askdoc.errors import UsageError, WriteError


def say(lines: Iterable[str]) -> None:
    """Write lines for a person to stderr."""
    for line in lines:
        print(line, file=sys.stderr)  # noqa: T201 - the command line is where askdoc prints


@contextmanager
def writing() -> Iterator[None]:
    """Turn a failure to write stdout into a `WriteError`. A closed pipe stays what it is: no reader is left."""
    try:
        yield
    except BrokenPipeError:
        raise
    except OSError as error:
        raise WriteError(f"the output could not be written: {error.strerror}", hint="is the disk full?") from error


@contextmanager
def opened_input(name: str, *, usage: str) -> Iterator[BinaryIO]:
    """A file that was named on the command line, open for reading; stdin if its name is `-`."""
    if name == "-":
        yield sys.stdin.buffer
        return
    try:
        file = Path(name).open("rb")  # noqa: SIM115 - closed below; only errors of opening are about the name
    except OSError as error:
        raise UsageError(f"{name} cannot be read: {error.strerror}", hint=f"usage: {usage}") from error
    with file:
        yield file


def prepare() -> None:
    """Make the standard streams able to carry any text; a closed one becomes a sink."""
    sys.stdout = sys.stdout or Path(os.devnull).open("w")  # noqa: SIM115 - open as long as the program runs
    sys.stderr = sys.stderr or Path(os.devnull).open("w")  # noqa: SIM115
    if isinstance(sys.stdout, TextIOWrapper) and not sys.stdout.isatty():
        sys.stdout.reconfigure(encoding="utf-8")
    for stream in (sys.stdin, sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="replace")


def release_stdout() -> None:
    """Flush stdout a last time. If that fails, Python's own flush at exit must not print a second complaint."""
    try:
        sys.stdout.flush()
    except OSError:
        with suppress(OSError, ValueError), Path(os.devnull).open("wb") as sink:
            os.dup2(sink.fileno(), sys.stdout.fileno())
