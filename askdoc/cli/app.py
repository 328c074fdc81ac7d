"""The command line: maps options onto one call of the core, and its result onto stdout and an exit status.

stdout carries data, stderr carries messages. Each command has a file; this one routes to them and is the only place
that catches their errors.
"""

from __future__ import annotations

import sys
import traceback
from collections.abc import Sequence
from contextlib import suppress
from functools import cache
from typing import Annotated, cast

import typer
from typer.core import TyperGroup

from askdoc import __version__
from askdoc.cli import ask, calibrate, chat, eval, index, search, status, verify, watch
from askdoc.cli.exit_status import ANSWERED, FAILED, INTERRUPTED
from askdoc.cli.options import Chosen, PlainCommand, in_options
from askdoc.cli.streams import prepare, release_stdout, say, writing
from askdoc.errors import AskdocError, Interrupted, UsageError, WriteError
from askdoc.outputs import open_output
from askdoc.outputs.messages import error_lines

app = typer.Typer(
    name="askdoc",
    rich_markup_mode=None,  # plain help: quick, and the same in a pipe
    add_completion=False,  # it would complete commands, while most command lines are questions
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"askdoc {__version__}")
        raise typer.Exit


@app.callback(epilog='Without a command, the arguments are a question: askdoc "what did the US offer?" -n 1')
def askdoc(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Show the version and exit.")
    ] = False,
) -> None:
    """Answer questions from your own documents: quoted, cited, offline.

    Without arguments, askdoc starts the interactive loop; questions piped in are answered line by line.

    Exit status: 0 answered, 1 no answer found, 2 error, 130 interrupted.
    """


app.command(cls=PlainCommand, epilog=index.EXAMPLE)(index.index)
app.command(cls=PlainCommand, epilog=ask.EXAMPLE)(ask.ask)
app.command(cls=PlainCommand, epilog=search.EXAMPLE)(search.search)
app.command(cls=PlainCommand, epilog=chat.EXAMPLE)(chat.chat)
app.command(cls=PlainCommand, epilog=status.EXAMPLE)(status.status)
app.command(cls=PlainCommand, epilog=watch.EXAMPLE)(watch.watch)
app.command(cls=PlainCommand, epilog=verify.EXAMPLE)(verify.verify)
app.command("eval", cls=PlainCommand, epilog=eval.EXAMPLE)(eval.eval_command)
app.command(cls=PlainCommand, epilog=calibrate.EXAMPLE)(calibrate.calibrate)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return the exit status."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    chosen = Chosen()
    prepare()
    try:
        exit_status = _run(route(words), chosen)
        with writing():
            sys.stdout.flush()
    except BrokenPipeError:  # the reader closed the pipe because it has all it wanted
        exit_status = ANSWERED
    except AskdocError as error:
        exit_status = _fail(error, chosen)
    except OSError as error:  # what no part of the core could foresee, such as a deleted working directory
        unforeseen = AskdocError(f"the system refused: {error}", hint="is the working directory still there?")
        exit_status = _fail(unforeseen, chosen)
    except Interrupted as stopped:
        say(error_lines(stopped))
        exit_status = INTERRUPTED
    except KeyboardInterrupt:
        exit_status = INTERRUPTED
    except Exception as error:
        if isinstance(error.__cause__, KeyboardInterrupt):  # compiled modules turn Ctrl-C while they load into this
            exit_status = INTERRUPTED
        else:  # Python's own exit status for it, 1, would claim that no answer was found
            exit_status = _fail(_internal_error(error), chosen)
    release_stdout()
    return exit_status


def route(words: Sequence[str]) -> list[str]:
    """Name the command where it is left out: a question is asked, and no arguments at all are a chat."""
    if not words:
        return ["chat"]
    if words[0] in (*_group().commands, "--help", "-h", "--version"):
        return list(words)
    return ["ask", *words]


def _run(words: list[str], chosen: Chosen) -> int:
    """Run a command. Not through the group's own `main`, which would print errors and exit by rules of its own."""
    try:
        with _group().make_context("askdoc", words, obj=chosen) as context:
            return int(_group().invoke(context) or ANSWERED)
    except typer.Exit as done:
        return done.exit_code
    except typer.TyperException as problem:
        command = [words[0]] if words[0] in _group().commands else []
        hint = " ".join(["askdoc", *command, "--help"])
        raise UsageError(problem.format_message().rstrip("."), hint=hint) from problem


def _fail(error: AskdocError, chosen: Chosen) -> int:
    """Report an error: to a person on stderr, and to a program on stdout."""
    error.hint = in_options(error.hint)
    with suppress(OSError):
        say(error_lines(error))
    if chosen.format is not None and not isinstance(error, WriteError):
        with suppress(OSError):
            open_output(chosen.format).write_error(error, sys.stdout)
    return FAILED


def _internal_error(error: Exception) -> AskdocError:
    """An unexpected exception: print its traceback and return an error that the user can report."""
    if isinstance(error, MemoryError):
        return AskdocError("out of memory", hint="close other programs, or ask a smaller index")
    with suppress(OSError):
        traceback.print_exception(error)
    said = "".join(traceback.format_exception_only(error)).strip()
    return AskdocError(f"an internal error: {said}", hint="please report it, with the lines above")


@cache
def _group() -> TyperGroup:
    return cast(TyperGroup, typer.main.get_command(app))
