"""The command line: maps options onto one call of the core, and its result onto stdout and an exit status.

stdout is data, stderr is talk. Exit status: 0 answered; 1 the documents do not say; 2 an error; 130 interrupted.
"""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from io import TextIOWrapper
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, BinaryIO, TypeAlias, TypedDict, cast

import typer
from typer.core import TyperGroup

from askdoc import __version__
from askdoc.cli.eval import EXAMPLE, eval_command
from askdoc.errors import AskdocError, Interrupted, UsageError, WriteError
from askdoc.outputs import OUTPUTS, open_output
from askdoc.outputs.messages import error_lines, progress_on, reply_lines, report_lines, watch_lines

if TYPE_CHECKING:
    from askdoc.ask import Index

ANSWERED, NOT_SAID, FAILED, INTERRUPTED = 0, 1, 2, 130
REFRESH = ("auto", "always", "never")

IndexOption: TypeAlias = Annotated[
    Path | None,
    typer.Option("--index", metavar="DIR", help="The index [default: ASKDOC_INDEX, else the nearest index/]."),
]
InOption: TypeAlias = Annotated[
    Path | None, typer.Option("--in", metavar="PATH", help="Ask this file or folder; its index is kept in your cache.")
]
AnswersOption: TypeAlias = Annotated[int, typer.Option("-n", "--answers", metavar="N", help="At most so many answers.")]
PassagesOption: TypeAlias = Annotated[
    int | None, typer.Option("-k", "--passages", metavar="N", help="Read so many passages.", show_default=False)
]
ConfidenceOption: TypeAlias = Annotated[
    float | None,
    typer.Option(metavar="X", help="Show no answer less likely to be right than this (0 to 1).", show_default=False),
]
AccuracyOption: TypeAlias = Annotated[
    float | None,
    typer.Option(metavar="X", help="Show only answers of a kind that this share was right of.", show_default=False),
]
ReaderOption: TypeAlias = Annotated[
    str | None,
    typer.Option(
        metavar="NAME|DIR", help="The model that reads the passages [default: the index's].", show_default=False
    ),
]
FormatOption: TypeAlias = Annotated[
    str | None,
    typer.Option("--format", metavar="|".join(OUTPUTS), help="[default: terminal on a terminal, else json]"),
]
JsonOption: TypeAlias = Annotated[bool, typer.Option("--json", help="Short for --format json.")]
RefreshOption: TypeAlias = Annotated[
    str, typer.Option(metavar="|".join(REFRESH), help="Whether to index changed documents before answering.")
]

app = typer.Typer(
    name="askdoc",
    rich_markup_mode=None,  # plain help: quick, and the same in a pipe
    add_completion=False,  # it would complete commands, while most command lines are questions
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


# Commands -------------------------------------------------------------------------------------------------------------


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"askdoc {__version__}")
        raise typer.Exit


@app.callback(epilog='Without a command, the arguments are a question: askdoc "what did the US offer?"')
def askdoc(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Show the version and exit.")
    ] = False,
) -> None:
    """Answer questions from your own documents: quoted, cited, offline.

    Without arguments: the interactive loop, or, if questions are piped in, the answer to each line.
    """


@app.command(epilog="Example: askdoc index ~/papers notes.md")
def index(
    paths: Annotated[
        list[Path] | None, typer.Argument(metavar="PATH", help="What to index.", show_default=False)
    ] = None,
    folder: Annotated[
        Path | None, typer.Option("--index", metavar="DIR", help="The index [default: ASKDOC_INDEX, else ./index].")
    ] = None,
    embedder: Annotated[str | None, typer.Option(metavar="NAME", help="The model that embeds the passages.")] = None,
    reader: Annotated[
        str | None, typer.Option(metavar="NAME|DIR", help="The model that will read the passages.", show_default=False)
    ] = None,
    include: Annotated[
        list[str] | None,
        typer.Option(metavar="GLOB", help="Of folders, take only such files; repeatable.", show_default=False),
    ] = None,
    exclude: Annotated[
        list[str] | None,
        typer.Option(metavar="GLOB", help="Leave such files and folders out; repeatable.", show_default=False),
    ] = None,
    max_size: Annotated[
        str | None, typer.Option(metavar="SIZE", help="Leave larger files out [default: 256MB].", show_default=False)
    ] = None,
    rebuild: Annotated[bool, typer.Option("--rebuild", help="Make the index anew, as this askdoc would.")] = False,
) -> int:
    """Index files and folders, or take in what changed since. Without PATH: those that were indexed before.

    In folders, what .gitignore or .askdocignore names is left out, and so are hidden files. Globs are written as there
    (*.md, drafts/, /top.txt), and are remembered until others are given; '' forgets them.
    """
    from askdoc.build import index as build
    from askdoc.sources.selection import parse_size

    max_bytes = None if max_size is None else parse_size(max_size)
    with progress_on(sys.stderr) as progress:
        report = build(
            paths or [], folder, embedder=embedder, reader=reader, include=include or None, exclude=exclude or None,
            max_bytes=max_bytes, rebuild=rebuild, progress=progress,
        )  # fmt: skip
    _say(report_lines(report))
    return ANSWERED


@app.command(epilog='Example: askdoc ask "who signed the treaty?" --in treaty.txt -n 1')
def ask(
    words: Annotated[
        list[str] | None, typer.Argument(metavar="QUESTION", help="One or more words.", show_default=False)
    ] = None,
    index: IndexOption = None,
    in_path: InOption = None,
    answers: AnswersOption = 3,
    passages: PassagesOption = None,
    min_confidence: ConfidenceOption = None,
    min_accuracy: AccuracyOption = None,
    output_format: FormatOption = None,
    as_json: JsonOption = False,
    refresh: RefreshOption = "auto",
    reader: ReaderOption = None,
    batch: Annotated[
        str | None,
        typer.Option(metavar="FILE|-", help='A question a line, or {"id", "question"}; replies as JSON lines.'),
    ] = None,
) -> int:
    """Answer a question with quotations from the documents. Exit status 1: the documents do not say.

    With --batch, blank lines are skipped and a bad line becomes an error object in its place (exit status 2).
    """
    options: Options = {
        "answers": answers, "passages": passages, "min_confidence": min_confidence, "min_accuracy": min_accuracy,
    }  # fmt: skip
    check_numbers(**options)
    name = _format(output_format, as_json=as_json, lines=batch is not None)
    if batch is not None:
        opening = _opened(index, in_path, refresh=refresh, reader=reader)
        return _ask_batch(batch, words, opening, options=options)
    question = _question(words)
    with _opened(index, in_path, refresh=refresh, reader=reader) as opened:
        reply = opened.ask(question, **options)
    _say(reply_lines(reply))
    with _writing():
        open_output(name).write(reply, sys.stdout)
    if reply.answered:
        return ANSWERED
    _say(_meant_command(question))
    return NOT_SAID


@app.command(epilog="Example: askdoc search lifted sanctions -k 5")
def search(
    words: Annotated[
        list[str] | None, typer.Argument(metavar="WORDS", help="What to look for.", show_default=False)
    ] = None,
    index: IndexOption = None,
    in_path: InOption = None,
    passages: Annotated[int, typer.Option("-k", "--passages", metavar="N", help="At most so many passages.")] = 10,
    output_format: FormatOption = None,
    as_json: JsonOption = False,
    refresh: RefreshOption = "auto",
) -> int:
    """List the passages that fit best, unread. Exit status 1: nothing was found."""
    check_numbers(passages=passages)
    output = open_output(_format(output_format, as_json=as_json))
    query = _question(words)
    with _opened(index, in_path, refresh=refresh) as opened:
        reply = opened.search(query, passages=passages)
    _say(reply_lines(reply))
    with _writing():
        output.write_passages(reply, sys.stdout)
    return ANSWERED if reply.hits else NOT_SAID


@app.command(epilog="Example: askdoc chat --in ~/papers")
def chat(
    index: IndexOption = None,
    in_path: InOption = None,
    answers: AnswersOption = 3,
    passages: PassagesOption = None,
    min_confidence: ConfidenceOption = None,
    min_accuracy: AccuracyOption = None,
    output_format: FormatOption = None,
    as_json: JsonOption = False,
    refresh: RefreshOption = "auto",
    reader: ReaderOption = None,
) -> int:
    """Ask one question after another; the model stays loaded. Lines that are piped in are answered one by one."""
    check_numbers(answers=answers, passages=passages, min_confidence=min_confidence, min_accuracy=min_accuracy)
    name = _format(output_format, as_json=as_json, lines=output_format is None and not sys.stdout.isatty())
    from askdoc.cli.loop import Session, run

    with _opened(index, in_path, refresh=refresh, reader=reader) as opened, _writing():
        session = Session(
            index=opened,
            output=open_output(name),
            stdout=sys.stdout,
            stderr=sys.stderr,
            answers=answers,
            passages=passages,
            min_confidence=min_confidence,
            min_accuracy=min_accuracy,
        )
        return run(session, sys.stdin)


@app.command(epilog="Example: askdoc status --index ~/papers/index")
def status(index: IndexOption = None, as_json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False) -> int:
    """Tell what is indexed and what changed since. Exit status 2: the index is damaged."""
    from askdoc.outputs.status import write_status, write_status_as_json
    from askdoc.status import status as status_of

    found = status_of(index)
    with _writing():
        (write_status_as_json if as_json else write_status)(found, sys.stdout)
    return FAILED if found.damaged else ANSWERED


@app.command(epilog="Example: askdoc watch ~/papers")
def watch(
    paths: Annotated[
        list[Path] | None, typer.Argument(metavar="PATH", help="What to index and watch.", show_default=False)
    ] = None,
    folder: Annotated[
        Path | None, typer.Option("--index", metavar="DIR", help="The index [default: as of index and of ask].")
    ] = None,
) -> int:
    """Keep the index up to date while documents change, until Ctrl-C. Without PATH: those that were indexed before.

    A line on stderr for each update. What fails is tried again. Ctrl-C ends with exit status 130, as everywhere.
    """
    from askdoc.build import index as build
    from askdoc.stores import find_index
    from askdoc.watch import watch as updates

    place = folder or (None if paths else find_index())
    with progress_on(sys.stderr) as progress:
        report = build(paths or [], place, progress=progress)
    _say([*report_lines(report), "watching; Ctrl-C ends"])
    for event in updates(report.folder):
        _say(watch_lines(event))
    return ANSWERED


@app.command(epilog="Example: askdoc verify reply.json")
def verify(
    file: Annotated[
        str, typer.Argument(metavar="FILE|-", help="A reply as JSON, or replies as JSON lines.", show_default=False)
    ],
    index: Annotated[
        Path | None, typer.Option("--index", metavar="DIR", help="The index [default: the one the reply names].")
    ] = None,
    root: Annotated[
        Path | None, typer.Option(metavar="DIR", help="The folder that document paths start from.", show_default=False)
    ] = None,
    as_json: Annotated[
        bool | None,
        typer.Option("--json/--table", help="[default: a table on a terminal, else JSON]", show_default=False),
    ] = None,
) -> int:
    """Check whether what a saved reply quotes still stands in the documents. Exit status 1: some of it does not.

    intact: it stands at its place. moved: it stands elsewhere, in its file or in a file that was renamed; the new place
    is told. changed: its file is there, but does not say so any more. gone: its file is not there. unreadable: it is.
    """
    from askdoc.outputs.verification import write_verification, write_verification_as_json
    from askdoc.verify import verify as verifications

    with _opened_input(file, option="verify FILE, or verify -") as lines:
        data = lines.read()
    for_programs = not sys.stdout.isatty() if as_json is None else as_json
    indent = None if data.strip().count(b"\n{") else 2  # many replies are written as they came: one a line
    holds = True
    with _writing():
        for one in verifications(data, root=root, index=index):
            holds = holds and one.holds
            if for_programs:
                write_verification_as_json(one, sys.stdout, indent=indent)
            else:
                write_verification(one, sys.stdout)
    return ANSWERED if holds else NOT_SAID


# What the commands share ----------------------------------------------------------------------------------------------


app.command("eval", epilog=EXAMPLE)(eval_command)


class Options(TypedDict):
    """How a question is to be answered, as `Index.ask` takes it."""

    answers: int
    passages: int | None
    min_confidence: float | None
    min_accuracy: float | None


def _meant_command(question: str) -> list[str]:
    """A word that is asked in vain and is nearly a command was probably meant as one."""
    from difflib import get_close_matches

    near = get_close_matches(question, _group().commands, n=1, cutoff=0.75)
    return [f"hint: for the command, type askdoc {near[0]}"] if near else []


def check_numbers(
    *,
    answers: int = 1,
    passages: int | None = None,
    min_confidence: float | None = None,
    min_accuracy: float | None = None,
) -> None:
    """Refuse numbers that make no sense, before anything is loaded."""
    for option, number, example in (("-n", answers, 3), ("-k", passages, 10)):
        if number is not None and number < 1:
            raise UsageError(f"{option} {number}: it must be 1 or more", hint=f"for example {option} {example}")
    if min_confidence is not None and not 0 <= min_confidence <= 1:
        raise UsageError(f"--min-confidence {min_confidence}: it must be between 0 and 1", hint="0 shows every answer")
    if min_accuracy is not None and not 0 <= min_accuracy <= 1:
        raise UsageError(f"--min-accuracy {min_accuracy}: it must be between 0 and 1", hint="for example 0.8")


def _question(words: list[str] | None) -> str:
    question = " ".join(words or []).strip()
    if not question:
        raise UsageError("there is no question", hint='askdoc "what did the US offer?", or askdoc ask --batch FILE')
    return question


def _format(name: str | None, *, as_json: bool, lines: bool = False) -> str:
    """The output's name. lines: many replies will follow one another, so JSON means JSON lines."""
    if as_json and name not in (None, "json"):
        raise UsageError(f"--json and --format {name} together", hint="leave one of them away")
    name = "json" if as_json else name
    if name is None:
        name = "jsonl" if lines else "terminal" if sys.stdout.isatty() else "json"
    if lines and name not in ("json", "jsonl"):
        raise UsageError(f"--batch answers in JSON lines, not in {name}", hint="leave --format away")
    open_output(name)
    return "jsonl" if lines else name


@contextmanager
def _opened(index: Path | None, in_path: Path | None, *, refresh: str, reader: str | None = None) -> Iterator[Index]:
    """The index that the options name, open."""
    if refresh not in REFRESH:
        raise UsageError(f"there is no --refresh {refresh}", hint=f"known are: {', '.join(REFRESH)}")
    if index is not None and in_path is not None:
        raise UsageError("--index and --in together", hint="--in PATH keeps its index in your cache directory")
    if in_path is not None:
        from askdoc.build import index_for

        with progress_on(sys.stderr) as progress:
            index = index_for(in_path, update=refresh != "never", progress=progress)
    from askdoc.ask import open_index

    with progress_on(sys.stderr) as progress:
        opened = open_index(index, refresh=refresh, reader=reader, progress=progress)
    with opened:
        yield opened


def _ask_batch(batch: str, words: list[str] | None, opening: AbstractContextManager[Index], *, options: Options) -> int:
    from askdoc.cli.batch import answer_batch

    if words:
        raise UsageError("a question and --batch together", hint="put the question into the batch, or leave one away")
    with _opened_input(batch, option="--batch FILE, or --batch -") as lines, opening as opened, _writing():
        bad = answer_batch(lines, sys.stdout, answer=lambda question: opened.ask(question, **options))
    return FAILED if bad else ANSWERED


@contextmanager
def _opened_input(name: str, *, option: str) -> Iterator[BinaryIO]:
    if name == "-":
        yield sys.stdin.buffer
        return
    try:
        file = Path(name).open("rb")  # noqa: SIM115 - closed below; only the opening may be blamed on the name
    except OSError as error:
        raise UsageError(f"{name} cannot be read: {error.strerror}", hint=option) from error
    with file:
        yield file


@contextmanager
def _writing() -> Iterator[None]:
    """Say in words why stdout could not be written. A closed pipe stays what it is: nobody is left to tell."""
    try:
        yield
    except BrokenPipeError:
        raise
    except OSError as error:
        raise WriteError(f"the output could not be written: {error.strerror}", hint="is the disk full?") from error


def _say(lines: list[str]) -> None:
    for line in lines:
        print(line, file=sys.stderr)  # noqa: T201 - the surface is where talk happens


# The program ----------------------------------------------------------------------------------------------------------


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return the exit status."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    _prepare_streams()
    try:
        status = _run(route(words))
        with _writing():
            sys.stdout.flush()
    except BrokenPipeError:  # whoever closed the pipe has all that he wanted
        status = ANSWERED
    except AskdocError as error:
        status = _fail(error, output_format=_error_format(words))
    except OSError as error:  # what no part of the core could foresee, such as a working directory that was deleted
        unforeseen = AskdocError(f"the system refused: {error}", hint="is the working directory still there?")
        status = _fail(unforeseen, output_format=_error_format(words))
    except Exception as error:
        if isinstance(error.__cause__, KeyboardInterrupt):  # what compiled modules make of Ctrl-C while they load
            status = INTERRUPTED
        else:  # Python's own status for it, 1, says here that the documents do not say
            status = _fail(_fault(error), output_format=_error_format(words))
    except Interrupted as stopped:
        _say(error_lines(stopped))
        status = INTERRUPTED
    except KeyboardInterrupt:
        status = INTERRUPTED
    _let_go_of_stdout()
    return status


def route(words: Sequence[str]) -> list[str]:
    """Name the command where it is left out: a question is asked, and no arguments at all are a chat."""
    if not words:
        return ["chat"]
    if words[0] in (*_group().commands, "--help", "-h", "--version"):
        return list(words)
    return ["ask", *words]


def _run(words: list[str]) -> int:
    """Run a command. Not the group's own `main`, which would print errors and exit by rules of its own."""
    try:
        with _group().make_context("askdoc", words) as context:
            return int(_group().invoke(context) or 0)
    except typer.Exit as done:
        return done.exit_code
    except typer.TyperException as problem:
        command = words[0] if words[0] in _group().commands else ""
        message = problem.format_message().rstrip(".")
        raise UsageError(message, hint=f"askdoc {command} --help".replace("  ", " ")) from problem


def _fail(error: AskdocError, *, output_format: str | None) -> int:
    """Tell a person on stderr and a program on stdout what went wrong."""
    with suppress(OSError):
        _say(error_lines(error))
    if output_format is not None and not isinstance(error, WriteError):
        with suppress(OSError):
            open_output(output_format).write_error(error, sys.stdout)
    return FAILED


def _fault(error: Exception) -> AskdocError:
    """What nobody meant to happen, with the way there on stderr for whoever mends it."""
    if isinstance(error, MemoryError):
        return AskdocError("the memory is used up", hint="close other programs, or ask a smaller index")
    with suppress(OSError):
        traceback.print_exception(error)
    said = "".join(traceback.format_exception_only(error)).strip()
    return AskdocError(f"a fault of askdoc itself: {said}", hint="please report it, with the lines above")


def _error_format(words: Sequence[str]) -> str | None:
    """The format that was asked for, found without parsing, for the parsing may be what failed."""
    command = route(words)[0]
    if command not in ("ask", "search", "chat", "status", "eval", "verify"):
        return None
    if any(word.partition("=")[0] == "--batch" for word in words):
        return "jsonl"
    given = ["json"] if "--json" in words else []
    given += [word.removeprefix("--format=") for word in words if word.startswith("--format=")]
    given += [after for word, after in pairwise(words) if word == "--format"]
    given += [] if sys.stdout.isatty() else ["jsonl" if command == "chat" else "json"]
    return next((name for name in given if name in OUTPUTS), None)


def _group() -> TyperGroup:
    return cast(TyperGroup, typer.main.get_command(app))


def _prepare_streams() -> None:
    """Make the standard streams able to carry any text; a closed one becomes a sink."""
    sys.stdout = sys.stdout or Path(os.devnull).open("w")  # noqa: SIM115 - it is open as long as the program runs
    sys.stderr = sys.stderr or Path(os.devnull).open("w")  # noqa: SIM115
    if isinstance(sys.stdout, TextIOWrapper) and not sys.stdout.isatty():
        sys.stdout.reconfigure(encoding="utf-8")
    for stream in (sys.stdin, sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="replace")


def _let_go_of_stdout() -> None:
    """Flush what is left; if that fails, let Python's own flush at the end fail no more, and without a word."""
    try:
        sys.stdout.flush()
    except OSError:
        with suppress(OSError, ValueError), Path(os.devnull).open("wb") as sink:
            os.dup2(sink.fileno(), sys.stdout.fileno())
