"""The interactive loop, typed into through a pipe."""

from __future__ import annotations

import io
import json
import os
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from doubles import stand_in
from prompt_toolkit import PromptSession
from prompt_toolkit.application import create_app_session
from prompt_toolkit.history import InMemoryHistory
from prompt_toolkit.input import create_pipe_input
from prompt_toolkit.output import DummyOutput
from replies import NEWS, LookUpIndex

from askdoc import build
from askdoc.build import BuildReport
from askdoc.cli.editors import editor_command
from askdoc.cli.loop import COMMANDS, Session, handle, history, loop, prompt_session, run, state_folder
from askdoc.outputs import open_output

CTRL_C, CTRL_D, ENTER = "\x03", "\x04", "\r"


@pytest.fixture(autouse=True)
def _surroundings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    for variable in ("VISUAL", "EDITOR", "FORCE_COLOR"):
        monkeypatch.delenv(variable, raising=False)


@pytest.fixture
def session() -> Session:
    return Session(
        index=LookUpIndex(),  # type: ignore[arg-type]
        output=open_output("terminal"),
        stdout=io.StringIO(),
        stderr=io.StringIO(),
    )


def out(session: Session) -> str:
    assert isinstance(session.stdout, io.StringIO)
    return session.stdout.getvalue()


def err(session: Session) -> str:
    assert isinstance(session.stderr, io.StringIO)
    return session.stderr.getvalue()


def typed(session: Session, keys: str, *, prompts: Callable[[], PromptSession[str]] | None = None) -> None:
    with create_pipe_input() as keyboard, create_app_session(input=keyboard, output=DummyOutput()):
        keyboard.send_text(keys)
        loop(session, (prompts or (lambda: prompt_session(InMemoryHistory())))())


# The loop ------------------------------------------------------------------------------------------------------------


def test_a_typed_question_is_answered_and_ctrl_d_leaves(session: Session) -> None:
    typed(session, "what did they offer?" + ENTER + CTRL_D)
    assert "lift sanctions" in out(session)
    assert err(session).splitlines() == ["2 documents, 17 passages; type a question, or :help"]


def test_ctrl_c_cancels_the_line_and_not_the_loop(session: Session) -> None:
    typed(session, "never asked" + CTRL_C + "the offer?" + ENTER + CTRL_D)
    assert [asked[0] for asked in session.index.asked] == ["the offer?"]  # type: ignore[attr-defined]


def test_ctrl_c_in_a_running_question_leaves_the_loop_running(session: Session) -> None:
    typed(session, "stop" + ENTER + "the offer?" + ENTER + CTRL_D)
    assert "lift sanctions" in out(session)


def test_an_error_ends_the_line_and_not_the_loop(session: Session) -> None:
    typed(session, "bad" + ENTER + "the offer?" + ENTER + CTRL_D)
    assert "askdoc: a bad question\nhint: ask another" in err(session)
    assert "lift sanctions" in out(session)


def test_quit_leaves(session: Session) -> None:
    typed(session, ":quit" + ENTER + "the offer?" + ENTER)
    assert session.index.asked == []  # type: ignore[attr-defined]


def test_history_is_kept_between_sessions_for_the_owner_only(session: Session, tmp_path: Path) -> None:
    kept = tmp_path / "state"
    typed(session, "the offer?" + ENTER + CTRL_D, prompts=lambda: prompt_session(history(kept)))
    assert list(history(kept).load_history_strings()) == ["the offer?"]
    if os.name == "posix":
        assert stat.S_IMODE((kept / "history").stat().st_mode) == 0o600


def test_a_home_that_cannot_be_written_costs_only_the_history(session: Session, tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.touch()
    typed(session, "the offer?" + ENTER + CTRL_D, prompts=lambda: prompt_session(history(blocked / "state")))
    assert "lift sanctions" in out(session)


def test_a_history_that_can_no_longer_be_written_costs_no_line(tmp_path: Path) -> None:
    kept = history(tmp_path)
    (tmp_path / "history").unlink()
    (tmp_path / "history").mkdir()
    kept.append_string("a question")
    assert list(kept.load_history_strings()) == []


@pytest.mark.skipif(os.name == "nt", reason="Windows keeps it under LOCALAPPDATA")
def test_the_state_folder_follows_the_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    assert state_folder() == tmp_path / "askdoc"


def test_lines_of_a_pipe_are_answered_without_a_prompt(session: Session) -> None:
    assert run(session, io.StringIO("what did they offer?\n:n 1\nHow old?\n")) == 0
    assert "lift sanctions" in out(session)
    assert "askdoc>" not in out(session) + err(session)


# Commands ------------------------------------------------------------------------------------------------------------


def after_a_question(session: Session, *lines: str) -> str:
    handle(session, "what did they offer?")
    assert isinstance(session.stdout, io.StringIO)
    session.stdout.seek(0)
    session.stdout.truncate()
    for line in lines:
        handle(session, line)
    return out(session)


def test_sources_shows_every_passage_in_full(session: Session) -> None:
    text = " ".join(after_a_question(session, ":sources").split())
    assert "people were still in prison." in text
    assert "notes/air lines.md:1" in text


def test_json_shows_the_last_reply_as_data(session: Session) -> None:
    assert json.loads(after_a_question(session, ":json"))["answered"] is True


def test_open_without_an_editor_prints_the_place_and_the_passage(session: Session) -> None:
    assert after_a_question(session, ":open 1") == f"seeds/news.txt:32\n\n{NEWS}\n"


def test_open_starts_the_editor_at_the_line(session: Session, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    started: list[list[str]] = []
    monkeypatch.setenv("EDITOR", "nano -w")
    monkeypatch.setattr("askdoc.cli.editors.subprocess.run", lambda words, check: started.append(words))
    monkeypatch.chdir(tmp_path)
    after_a_question(session, ":open 2")
    assert "notes/air lines.md no longer exists" in err(session)
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes" / "air lines.md").touch()
    handle(session, ":open 2")
    assert started == [["nano", "-w", "+1", str(tmp_path / "notes" / "air lines.md")]]


def test_an_editor_that_does_not_exist_is_told(
    session: Session, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("VISUAL", "no-such-editor")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "seeds").mkdir()
    (tmp_path / "seeds" / "news.txt").touch()
    after_a_question(session, ":open 1")
    assert "no-such-editor cannot be started" in err(session)


@pytest.mark.parametrize(
    ("editor", "words"),
    [
        ("vim", ["vim", "+7", "f.txt"]),
        ("/usr/bin/emacsclient -t", ["/usr/bin/emacsclient", "-t", "+7", "f.txt"]),
        ("code --wait", ["code", "--wait", "--goto", "f.txt:7"]),
        ("subl", ["subl", "f.txt:7"]),
        ("unheard-of", ["unheard-of", "f.txt"]),
    ],
)
def test_each_editor_is_told_the_line_in_its_own_way(editor: str, words: list[str]) -> None:
    assert editor_command(editor, Path("f.txt"), line=7) == words


def test_an_editor_is_told_no_line_where_there_is_none() -> None:
    assert editor_command("vim -R", Path("f.eml"), line=None) == ["vim", "-R", "f.eml"]


def test_k_and_n_hold_for_the_questions_that_follow(session: Session) -> None:
    handle(session, ":k 5")
    handle(session, ":n 1")
    handle(session, "the offer?")
    assert session.index.asked == [("the offer?", 1, 5, None)]  # type: ignore[attr-defined]


@pytest.mark.parametrize("line", [":k", ":k 0", ":n -1", ":n many", ":open 99", ":open x"])
def test_a_command_with_a_bad_number_says_what_it_needs(session: Session, line: str) -> None:
    after_a_question(session, line)
    assert "hint:" in err(session)
    assert (session.passages, session.answers) == (None, 3)


@pytest.mark.parametrize("line", [":sources", ":json", ":open 1"])
def test_commands_about_a_reply_need_one(session: Session, line: str) -> None:
    handle(session, line)
    assert "there is no reply yet" in err(session)


def test_an_unknown_command_names_the_nearest(session: Session) -> None:
    handle(session, ":souces")
    assert "there is no command :souces\nhint: did you mean :sources?" in err(session)
    handle(session, ":xyzzy")
    assert "hint: :help" in err(session)


def test_the_beginning_of_a_command_is_enough(session: Session) -> None:
    assert handle(session, ":q") is False
    handle(session, ":h")
    assert all(command.usage in err(session) for command in COMMANDS.values())


def test_index_takes_in_a_path_and_goes_on_with_the_new_state(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    built = []

    def index(paths: list[Path], folder: Path, **options: Any) -> BuildReport:
        built.append((paths, folder))
        return BuildReport(
            folder=folder, added_paths=("new.txt",), changed_paths=(), removed_paths=(), moved_paths=(),
            failed_paths=(), unchanged=2, documents=3, passages=20, embedded=3, seconds=0.1, skipped=(), remarks=(),
        )  # fmt: skip

    stand_in(monkeypatch, build, "index", index)
    handle(session, ":index new notes.txt")
    handle(session, ":index")
    assert built == [([Path("new notes.txt")], Path("index")), ([], Path("index"))]
    assert session.index.refreshed == 2  # type: ignore[attr-defined]
    assert "index/: 3 documents (1 added" in err(session)


def test_the_documents_are_looked_at_before_every_question(session: Session) -> None:
    for line in ("what did they offer?", ":n 2", "How old?"):
        handle(session, line)
    assert session.index.refreshed == 2  # type: ignore[attr-defined]
