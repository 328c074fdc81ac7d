"""The options that commands share: how each is written, which values it takes, and what to type instead of a bad one.

Typer parses; nothing else looks at the command line. Each option carries its check, so that a number that makes no
sense is refused before anything is loaded.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeAlias

import typer
from typer import CallbackParam, Context
from typer.core import TyperCommand

from askdoc.errors import UsageError
from askdoc.outputs import OUTPUTS, open_output
from askdoc.outputs.messages import progress_on

if TYPE_CHECKING:  # `askdoc --help` must not pay for the types of click
    from typer._click import HelpFormatter

    from askdoc.ask import Index

# Hints of the core name its parameters; on the command line they are these options.
OPTION_OF = {
    "answers": "-n", "passages": "-k", "min_confidence": "--min-confidence", "min_accuracy": "--min-accuracy",
    "refresh": "--refresh", "reader": "--reader", "embedder": "--embedder", "folder": "--index", "root": "--root",
    "sample": "--sample", "off_topic": "--off-topic", "rebuild": "--rebuild",
}  # fmt: skip
_PARAMETER = re.compile(rf"\b({'|'.join(OPTION_OF)})=([^\s,;)]+)")


def in_options(hint: str) -> str:
    """A hint of the core as a person at the command line would type it: `passages=1` becomes `-k 1`."""
    return _PARAMETER.sub(lambda match: f"{OPTION_OF[match[1]]} {match[2]}", hint)


# Numbers --------------------------------------------------------------------------------------------------------------


def at_least_one(parameter: CallbackParam, value: int | None) -> int | None:
    """Refuse a count below 1."""
    if value is not None and value < 1:
        option = parameter.opts[0]
        raise UsageError(f"{option} must be 1 or more, not {value}", hint=f"for example: {option} 5")
    return value


def zero_to_one(parameter: CallbackParam, value: float | None) -> float | None:
    """Refuse a share or probability that is none, and NaN."""
    if value is not None and not 0 <= value <= 1:
        option = parameter.opts[0]
        raise UsageError(f"{option} must be between 0 and 1, not {value:g}", hint=f"for example: {option} 0.8")
    return value


def above_zero(parameter: CallbackParam, value: float) -> float:
    """Refuse a share that is 0 or none."""
    if not 0 < value <= 1:
        raise UsageError(f"{parameter.opts[0]} must be above 0 and at most 1, not {value:g}", hint="for example: 0.5")
    return value


# The format of stdout -------------------------------------------------------------------------------------------------


@dataclass(slots=True)
class Chosen:
    """What stdout is to carry, as far as the command line has been read: an error takes the same form.

    Kept as the `obj` of typer's context. None: nothing for programs, so an error is written to stderr alone.
    """

    format: str | None = None


class PlainCommand(TyperCommand):
    """A command whose help names arguments as its author wrote them, without Python's types."""

    def parse_args(self, context: Any, arguments: list[str]) -> list[str]:
        """Parse; until that says otherwise, a command with --json owes a program an object in one line."""
        if any(parameter.name == "as_json" for parameter in self.params) and not sys.stdout.isatty():
            context.ensure_object(Chosen).format = "jsonl"
        return super().parse_args(context, arguments)

    def format_options(self, context: Any, formatter: HelpFormatter) -> None:
        """List arguments and options."""
        for title, kind in (("Arguments", "argument"), ("Options", "option")):
            parameters = [parameter for parameter in self.get_params(context) if parameter.param_type_name == kind]
            rows = [(parameter, parameter.get_help_record(context)) for parameter in parameters]
            listed = [
                (_written(parameter, row[0]), row[1].replace("  [required]", "")) for parameter, row in rows if row
            ]
            if listed:
                with formatter.section(title):
                    formatter.write_dl(listed)


def _written(parameter: Any, name: str) -> str:
    return str(parameter.metavar) if parameter.param_type_name == "argument" else name


def _remember_format(context: Context, name: str | None) -> str | None:
    if name is not None:
        open_output(name)
        context.ensure_object(Chosen).format = name
    return name


def _remember_json(context: Context, wanted: bool) -> bool:
    if wanted:
        context.ensure_object(Chosen).format = "json"
    return wanted


def _remember_json_or_table(context: Context, wanted: bool | None) -> bool | None:
    if wanted is not None:
        context.ensure_object(Chosen).format = "json" if wanted else None
    return wanted


def chosen_format(context: Context, name: str | None, *, as_json: bool, lines: bool = False) -> str:
    """The name of the output. lines: several replies will follow one another, so JSON means JSON lines."""
    chosen = context.ensure_object(Chosen)
    default = "jsonl" if lines else "terminal" if sys.stdout.isatty() else "json"
    chosen.format = "json" if as_json else name or default
    if as_json and name not in (None, "json"):
        raise UsageError(f"--json and --format {name} exclude each other", hint="use only one of them")
    if lines:
        chosen.format = "jsonl"
        if name not in (None, "json", "jsonl"):
            raise UsageError(f"--batch replies in JSON lines, not in {name}", hint="drop --format")
    return chosen.format


# Options --------------------------------------------------------------------------------------------------------------


IndexOption: TypeAlias = Annotated[
    Path | None,
    typer.Option("--index", metavar="DIR", help="The index to use [default: ASKDOC_INDEX, else the nearest index/]."),
]
InOption: TypeAlias = Annotated[
    Path | None,
    typer.Option("--in", metavar="PATH", help="Ask this file or folder; its index is kept in your cache."),
]
AnswersOption: TypeAlias = Annotated[
    int, typer.Option("-n", "--answers", metavar="N", help="Maximum number of answers.", callback=at_least_one)
]
PassagesOption: TypeAlias = Annotated[
    int | None,
    typer.Option(
        "-k", "--passages", metavar="N", help="Number of passages to read (more is slower, often better).",
        show_default=False, callback=at_least_one,
    ),
]  # fmt: skip
ConfidenceOption: TypeAlias = Annotated[
    float | None,
    typer.Option(
        metavar="0-1", help="Only show answers at least this likely to be right; 0 shows the best guess.",
        show_default=False, callback=zero_to_one,
    ),
]  # fmt: skip
AccuracyOption: TypeAlias = Annotated[
    float | None,
    typer.Option(
        metavar="0-1", help="Only show answers at confidence levels that were right at least this often.",
        show_default=False, callback=zero_to_one,
    ),
]  # fmt: skip
ReaderOption: TypeAlias = Annotated[
    str | None,
    typer.Option(
        metavar="NAME|DIR", help="The model that reads the passages [default: the index's].", show_default=False
    ),
]
FormatOption: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--format", metavar="|".join(OUTPUTS), help="[default: terminal on a terminal, else json]", is_eager=True,
        callback=_remember_format,
    ),
]  # fmt: skip
JsonOption: TypeAlias = Annotated[
    bool, typer.Option("--json", help="Write JSON.", is_eager=True, callback=_remember_json)
]
JsonOrTableOption: TypeAlias = Annotated[
    bool | None,
    typer.Option(
        "--json/--table", help="[default: a table on a terminal, else JSON]", show_default=False, is_eager=True,
        callback=_remember_json_or_table,
    ),
]  # fmt: skip
RefreshOption: TypeAlias = Annotated[
    str, typer.Option(metavar="auto|always|never", help="Whether to index changed documents before answering.")
]
EmbedderOption: TypeAlias = Annotated[
    str | None, typer.Option(metavar="NAME", help="The model that embeds the passages.", show_default=False)
]


def share(text: str) -> Any:
    """An option that takes a number from 0 to 1."""
    return typer.Option(metavar="0-1", help=text, show_default=False, callback=zero_to_one)


# Opening --------------------------------------------------------------------------------------------------------------


@contextmanager
def opened_index(
    index: Path | None, in_path: Path | None, *, refresh: str, reader: str | None = None
) -> Iterator[Index]:
    """The index that the options name, open."""
    if index is not None and in_path is not None:
        raise UsageError(
            "--index and --in exclude each other", hint="--in PATH keeps its index in your cache directory"
        )
    from askdoc.ask import open_index
    from askdoc.freshness import check_refresh

    check_refresh(refresh)
    with progress_on(sys.stderr) as progress:
        if in_path is not None:
            from askdoc.build import index_for

            index = index_for(in_path, update=refresh != "never", progress=progress)
        opened = open_index(index, refresh=refresh, reader=reader, progress=progress)
    with opened:
        yield opened


def text_of(words: list[str] | None) -> str:
    """The question or search that a command's arguments make up."""
    text = " ".join(words or []).strip()
    if not text:
        raise UsageError("there is no question", hint='askdoc "what did the US offer?", or askdoc ask --batch FILE')
    return text
