"""The interactive loop: a line is a question, or, if it begins with a colon, a command.

A question takes the same path as with `askdoc ask`, and changed documents are indexed first, every time; but the models
stay loaded. An error ends a line, never the loop.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from askdoc.cli.editors import chosen_editor, open_in_editor
from askdoc.cli.exit_status import ANSWERED, FAILED, NOT_ANSWERED
from askdoc.errors import AskdocError, UsageError
from askdoc.outputs import Output
from askdoc.outputs.messages import error_lines, progress_on, reply_lines, report_lines
from askdoc.outputs.safe_text import count, place, printable_block

if TYPE_CHECKING:
    from prompt_toolkit import PromptSession
    from prompt_toolkit.history import History

    from askdoc.ask import Index
    from askdoc.types import Hit, Reply

PROMPT = "askdoc> "
LEAVE = "leave"


@dataclass(slots=True)
class Session:
    """What a loop remembers: the open index, how answers are wanted, and the last reply."""

    index: Index
    output: Output
    stdout: TextIO
    stderr: TextIO
    answers: int = 3
    passages: int | None = None
    min_confidence: float | None = None
    min_accuracy: float | None = None
    last: Reply | None = None
    replied: int = 0
    answered: int = 0
    failed: int = 0

    def say(self, *lines: str) -> None:
        """Write lines for the person to stderr."""
        self.stderr.writelines(f"{line}\n" for line in lines)
        self.stderr.flush()

    def the_last_reply(self) -> Reply:
        if self.last is None:
            raise UsageError("there is no reply yet", hint="ask a question first")
        return self.last


def run(session: Session, stdin: TextIO) -> int:
    """Loop until the end of the input and return the exit status.

    On a terminal it is 0. For questions piped in: 2 if a line failed, else 0 if anything was answered, else 1.
    """
    if stdin.isatty() and session.stdout.isatty():
        loop(session, prompt_session(history()))
        return ANSWERED
    if stdin.isatty():
        session.say("askdoc: type one question per line; Ctrl-D ends")
    for line in stdin:
        if not handle(session, line):
            break
    if session.failed:
        return FAILED
    if not session.replied:
        raise UsageError("there is no question", hint='askdoc "what did the US offer?", or askdoc --help')
    return ANSWERED if session.answered else NOT_ANSWERED


def loop(session: Session, prompts: PromptSession[str]) -> None:
    """Prompt until Ctrl-D or `:quit`. Ctrl-C cancels the line, or the question being answered."""
    info = session.index.info
    held = f"{count(info.documents, 'document')}, {count(info.passages, 'passage')}"
    session.say(f"{held}; type a question, or :help")
    going = True
    while going:
        try:
            going = handle(session, prompts.prompt(PROMPT))
        except KeyboardInterrupt:
            continue
        except EOFError:
            return


def handle(session: Session, line: str) -> bool:
    """Run a command or answer a question. Returns whether the loop goes on; errors are reported, not raised."""
    text = " ".join(line.split())
    try:
        if text.startswith(":"):
            return _obey(session, text)
        if text:
            _answer(session, text)
    except AskdocError as error:
        session.failed += 1
        session.say(*error_lines(error))
        session.output.write_error(error, session.stdout)
    return True


def _answer(session: Session, question: str) -> None:
    with progress_on(session.stderr) as progress:
        session.index.refresh(progress=progress)
    reply = session.index.ask(
        question,
        answers=session.answers,
        passages=session.passages,
        min_confidence=session.min_confidence,
        min_accuracy=session.min_accuracy,
    )
    session.last = reply
    session.replied += 1
    session.answered += reply.answered
    session.say(*reply_lines(reply))
    session.output.write(reply, session.stdout)


# Commands -------------------------------------------------------------------------------------------------------------


def _obey(session: Session, text: str) -> bool:
    """Run a command; an unambiguous beginning is enough. Returns whether the loop goes on."""
    name, _, argument = text.partition(" ")
    matches = [name] if name in COMMANDS else [command for command in COMMANDS if command.startswith(name)]
    if len(matches) != 1:
        near = matches or get_close_matches(name, COMMANDS, n=1)
        raise UsageError(f"there is no command {name}", hint=f"did you mean {' or '.join(near)}?" if near else ":help")
    return COMMANDS[matches[0]].run(session, argument.strip()) is not LEAVE


def _sources(session: Session, argument: str) -> None:
    from askdoc.outputs.terminal import TerminalOutput

    TerminalOutput().write_in_full(session.the_last_reply(), session.stdout)


def _open(session: Session, argument: str) -> None:
    """Open a source in the person's editor; without an editor, print it and where it is."""
    hit = _hit(session.the_last_reply(), argument)
    answers = [answer for answer in session.the_last_reply().answers if answer.hit.rank == hit.rank]
    citation = answers[0].citation if answers else hit.passage.citation()
    file = Path(session.the_last_reply().index.root).absolute() / citation.document
    editor = chosen_editor()
    if editor is None:
        session.stdout.write(f"{place(citation)}\n\n{printable_block(hit.passage.text)}\n")
        session.stdout.flush()
        return
    if not file.is_file():
        raise UsageError(
            f"{citation.document} no longer exists", hint=":sources shows the passages as they were indexed"
        )
    open_in_editor(editor, file, line=citation.line_start)


def _hit(reply: Reply, argument: str) -> Hit:
    number = _number(argument or "1", command=":open")
    hit = next((hit for hit in reply.hits if hit.rank == number), None)
    if hit is None:
        raise UsageError(f"there is no source {number}", hint=f"the last reply has {count(len(reply.hits), 'source')}")
    return hit


def _set_passages(session: Session, argument: str) -> None:
    session.passages = _number(argument, command=":k")
    session.say(f"reading {count(session.passages, 'passage')} for each question")


def _set_answers(session: Session, argument: str) -> None:
    session.answers = _number(argument, command=":n")
    session.say(f"showing at most {count(session.answers, 'answer')}")


def _number(argument: str, *, command: str) -> int:
    if not argument.isdecimal() or (number := int(argument[:9])) < 1:
        raise UsageError(f"{command} needs a number, 1 or more", hint=f"for example: {command} 5")
    return number


def _json(session: Session, argument: str) -> None:
    from askdoc.outputs.json import JsonOutput

    JsonOutput().write(session.the_last_reply(), session.stdout)


def _index(session: Session, argument: str) -> None:
    """Update the index, or add a path to it, and use the new state from now on."""
    from askdoc.build import index

    folder = Path(session.index.info.path)
    paths = [Path(argument).expanduser()] if argument else []
    with progress_on(session.stderr) as progress:
        report = index(paths, folder, progress=progress)
    session.say(*report_lines(report))
    session.index.refresh()


def _help(session: Session, argument: str) -> None:
    width = max(len(command.usage) for command in COMMANDS.values())
    session.say("Type a question. Ctrl-C cancels it, Ctrl-D leaves. Commands:")
    session.say(*(f"  {command.usage:<{width}}  {command.help}" for command in COMMANDS.values()))


def _quit(session: Session, argument: str) -> str:
    return LEAVE


@dataclass(frozen=True, slots=True)
class LoopCommand:
    """What a colon command does, and its line in the help. Only a command that returns LEAVE ends the loop."""

    usage: str
    help: str
    run: Callable[[Session, str], str | None]


COMMANDS: Mapping[str, LoopCommand] = {
    ":sources": LoopCommand(":sources", "show the passages of the last reply in full", _sources),
    ":open": LoopCommand(":open N", "open source N in your editor ($VISUAL or $EDITOR), or print it", _open),
    ":k": LoopCommand(":k N", "read N passages for each question", _set_passages),
    ":n": LoopCommand(":n N", "show at most N answers", _set_answers),
    ":json": LoopCommand(":json", "show the last reply as JSON", _json),
    ":index": LoopCommand(":index [PATH]", "update the index, or add PATH to it", _index),
    ":help": LoopCommand(":help", "show this list", _help),
    ":quit": LoopCommand(":quit", "leave", _quit),
}


# The prompt -----------------------------------------------------------------------------------------------------------


def prompt_session(history: History) -> PromptSession[str]:
    """A prompt with history, suggestions from it, and completion of commands."""
    from prompt_toolkit import PromptSession
    from prompt_toolkit.auto_suggest import AutoSuggestFromHistory
    from prompt_toolkit.completion import WordCompleter

    meanings = {name: command.help for name, command in COMMANDS.items()}
    commands = WordCompleter(list(COMMANDS), meta_dict=meanings, sentence=True)
    return PromptSession(history=history, auto_suggest=AutoSuggestFromHistory(), completer=commands)


def state_folder() -> Path:
    """Where programs keep their state, such as a history."""
    import platformdirs

    return platformdirs.user_state_path("askdoc", appauthor=False)


def history(folder: Path | None = None) -> History:
    """The questions of earlier sessions, readable by their owner only; in memory if the file cannot be written."""
    from prompt_toolkit.history import FileHistory, InMemoryHistory

    class ForgivingHistory(FileHistory):
        """A full disk loses a line from the history, not the answer to it."""

        def store_string(self, string: str) -> None:
            try:
                super().store_string(string)
            except (OSError, ValueError):
                return

        def load_history_strings(self) -> Iterable[str]:
            try:
                return list(super().load_history_strings())
            except OSError:
                return []

    try:
        file = (folder or state_folder()) / "history"
        file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        file.touch(mode=0o600)
    except (OSError, RuntimeError):  # RuntimeError: there is no home
        return InMemoryHistory()
    return ForgivingHistory(str(file))
