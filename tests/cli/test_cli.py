"""The command line: statuses, streams, formats and errors, over an index that needs no models."""

from __future__ import annotations

import errno
import io
import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
from doubles import parameters, stand_in
from programs import Ran
from replies import LookUpIndex

from askdoc import ask, build, status
from askdoc.build import BuildReport
from askdoc.cli import app as cli
from askdoc.cli.options import OPTION_OF, in_options
from askdoc.errors import IndexMissingError
from askdoc.evaluation.run import Plan
from askdoc.freshness import REFRESH
from askdoc.sources.selection import Selection
from askdoc.status import Status
from askdoc.types import Skipped
from askdoc.verify import verify

Run = Callable[..., Ran]


@pytest.fixture
def index() -> LookUpIndex:
    return LookUpIndex()


@dataclass
class Seen:
    """What the core was called with, and the state of the index that it tells."""

    opened: list[tuple[Path | None, str, str | None]] = field(default_factory=list)
    built: list[dict[str, Any]] = field(default_factory=list)
    inside: list[Path] = field(default_factory=list)
    status: Status | None = None


@pytest.fixture
def core(index: LookUpIndex, monkeypatch: pytest.MonkeyPatch) -> Seen:
    """The core as the command line calls it; the doubles take what the real functions take."""
    seen = Seen()

    def open_index(folder: Path | None, refresh: str, reader: str | None, progress: object) -> LookUpIndex:
        if folder is not None and folder.name == "missing":
            raise IndexMissingError("there is no index in missing", hint="make one: askdoc index PATH…")
        seen.opened.append((folder, refresh, reader))
        return index

    def build_index(**given: Any) -> BuildReport:
        seen.built.append(given)
        return REPORT

    def index_for(path: Path, update: bool, progress: object) -> Path:
        seen.inside.append(path)
        return Path("cached")

    stand_in(monkeypatch, ask, "open_index", open_index)
    stand_in(monkeypatch, status, "status", lambda folder: seen.status or status_of(folder))
    stand_in(monkeypatch, build, "index", build_index)
    stand_in(monkeypatch, build, "index_for", index_for)
    return seen


REPORT = BuildReport(
    folder=Path("index"), added_paths=("a.txt", "b.txt"), changed_paths=("c.txt",), removed_paths=(), moved_paths=(),
    failed_paths=(), unchanged=9, documents=12, passages=1340, embedded=25, seconds=1.234,
    skipped=tuple(Skipped(f"{number:02}.bin\x1b", "binary") for number in range(12)),
    remarks=(("old.txt", "read as cp1252"),),
)  # fmt: skip


def status_of(folder: Path) -> Status:
    return Status(
        folder=folder, root=Path("docs"), format=1, generation=7, created="2026-01-02", recipe={"embedder": "hashing"},
        documents=(("a.txt", 12, "fresh"), ("b.txt", 3, "changed")), skipped=(Skipped("c.bin", "binary"),),
        new=("d.txt",), bytes=12_345, unread=0,
        damaged=() if folder.name != "broken" else ("dense/vectors",),
        left_out={"binary": 1}, selection=Selection(exclude=("*.bak",)),
    )  # fmt: skip


def test_the_double_of_an_index_takes_what_an_index_takes() -> None:
    for name in ("ask", "search", "refresh", "close"):
        assert parameters(getattr(LookUpIndex, name)) == parameters(getattr(ask.Index, name)), name


@pytest.fixture
def run(core: Seen, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run the command line in this process; stdout is no terminal."""

    def run_it(*arguments: str, stdin: bytes = b"") -> Ran:
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin), encoding="utf-8"))
        status = cli.main(arguments)
        out, err = capfd.readouterr()
        return Ran(status, out, err)

    return run_it


# Asking --------------------------------------------------------------------------------------------------------------


def test_a_question_needs_no_command_and_is_answered_in_json_away_from_a_terminal(run: Run) -> None:
    ran = run("what did the US offer?")
    assert (ran.status, ran.json["answered"], ran.err) == (0, True, "")


@pytest.mark.parametrize(
    "words",
    [
        ["--json", "what did they offer?"],
        ["-n", "2", "what did they offer?"],
        ["--index", "D", "what did they offer?"],
        ["what", "did", "they", "offer?"],
        ["--", "what did they offer?"],
        ["ask", "what did they offer?"],
        ["what did they offer?", "-k", "5"],
    ],
)
def test_a_question_is_found_among_options_and_loose_words(run: Run, index: LookUpIndex, words: list[str]) -> None:
    assert run(*words).status == 0
    assert index.asked[0][0] == "what did they offer?"


def test_a_question_that_is_a_command_name_is_asked_with_ask(run: Run, index: LookUpIndex) -> None:
    run("ask", "status")
    assert index.asked[0][0] == "status"


def test_options_reach_the_core(run: Run, index: LookUpIndex, core: Seen) -> None:
    run(
        "offer?", "-n", "2", "-k", "7", "--min-confidence", "0.2", "--index", "D", "--refresh", "never", "--reader", "R"
    )
    assert index.asked == [("offer?", 2, 7, 0.2)]
    assert core.opened == [(Path("D"), "never", "R")]
    assert index.closed


def test_in_asks_a_path_through_an_index_of_its_own(run: Run, core: Seen) -> None:
    assert run("offer?", "--in", "notes.txt").status == 0
    assert (core.inside, core.opened) == ([Path("notes.txt")], [(Path("cached"), "auto", None)])


def test_when_the_documents_do_not_say_the_status_is_1(run: Run) -> None:
    ran = run("How old is he?")
    assert (ran.status, ran.json["answered"], ran.json["answers"]) == (1, False, [])


def test_a_mistyped_command_is_asked_and_then_pointed_out(run: Run) -> None:
    assert run("stauts").err == "hint: for the command, type: askdoc status\n"
    assert run("How old is he?").err == ""


def test_format_decides_over_the_terminal_rule(run: Run) -> None:
    assert "### Sources" in run("offer?", "--format", "markdown").out
    assert len(run("offer?", "--format", "jsonl").out.splitlines()) == 1
    assert "Sources" in run("offer?", "--format", "terminal").out


def test_a_search_lists_passages_and_answers_1_when_nothing_is_found(run: Run) -> None:
    assert [hit["rank"] for hit in run("search", "sanctions", "-k", "2").json["passages"]] == [1, 2]
    assert len(run("search", "sanctions", "-k", "1").json["passages"]) == 1
    assert "No answer" not in run("search", "sanctions", "--format", "terminal").out
    assert run("search", "nothing").status == 1


def test_a_real_index_is_asked_searched_and_told_about(folder: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """No doubles: a small index, an embedder and a reader without models."""
    index = ("--index", str(folder))
    question = "Who finished the old stone bridge over the Lune?"
    assert cli.main([question, *index, "--reader", "overlap", "--min-confidence", "0", "--json"]) == 0
    answer = json.loads(capfd.readouterr().out)["answers"][0]
    assert answer["citation"]["document"] == "docs/bridge.txt"
    assert cli.main(["search", "flood", *index, "--json"]) == 0
    assert json.loads(capfd.readouterr().out)["passages"][0]["citation"]["document"] == "docs/mill.md"
    assert cli.main(["status", *index]) == 0
    assert "2 documents" in capfd.readouterr().out


def test_hints_of_the_core_name_options_on_the_command_line() -> None:
    hint = in_options("read at least one: passages=1, or min_confidence=0.5)")
    assert hint == "read at least one: -k 1, or --min-confidence 0.5)"
    functions = (ask.open_index, ask.Index.ask, ask.Index.search, build.index, verify, Plan)
    known = {name for function in functions for name, *_ in parameters(function)}
    assert known >= OPTION_OF.keys()


def test_the_help_of_refresh_names_every_way(run: Run) -> None:
    assert "--refresh " + "|".join(REFRESH) in run("ask", "--help").out


# Errors --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "part"),
    [
        (["offer?", "-k", "0"], "-k must be 1 or more, not 0"),
        (["offer?", "-n", "0"], "-n must be 1 or more, not 0"),
        (["offer?", "-n", "-1"], "-n must be 1 or more, not -1"),
        (["search", "offer?", "-k", "0"], "-k must be 1 or more, not 0"),
        (["chat", "-k", "0"], "-k must be 1 or more, not 0"),
        (["offer?", "--min-confidence", "1.5"], "1.5"),
        (["offer?", "--min-confidence", "nan"], "nan"),
        (["offer?", "-k", "many"], "-k"),
        (["offer?", "--format", "xml"], "xml"),
        (["offer?", "--json", "--format", "markdown"], "markdown"),
        (["offer?", "--refresh", "perhaps"], "perhaps"),
        (["offer?", "--in", "a", "--index", "b"], "--in"),
        (["offer?", "--bogus"], "--bogus"),
        (["offer?", "--index"], "--index"),
        (["offer?", "--index", "missing"], "no index"),
        ([""], "no question"),
        (["ask", " \t "], "no question"),
        (["search"], "no question"),
        (["bad"], "a bad question"),
        (["offer?", "--batch", "-"], "--batch"),
        (["ask", "--batch", "no/such/file"], "no/such/file"),
        (["ask", "--batch", "-", "--format", "markdown"], "markdown"),
        (["status", "--bogus"], "--bogus"),
    ],
)
def test_an_error_is_two_lines_for_a_person_an_object_for_a_program_and_status_2(
    run: Run, words: list[str], part: str
) -> None:
    ran = run(*words)
    message, hint = ran.err.splitlines()
    assert ran.status == 2
    assert message.startswith("askdoc: ")
    assert hint.startswith("hint: ")
    assert part in message
    assert ran.json == {
        "schema": 1,
        "error": {"message": message.removeprefix("askdoc: "), "hint": hint.removeprefix("hint: ")},
    }


def test_formats_for_people_leave_stdout_empty_on_an_error(run: Run) -> None:
    for words in (["bad", "--format", "markdown"], ["offer?", "-k", "0", "--format=terminal"]):
        assert run(*words).out == ""


def test_a_line_that_cannot_be_parsed_is_an_object_in_one_line_unless_for_a_terminal(run: Run) -> None:
    for words in (["offer?", "--bogus"], ["ask", "--batch", "-", "--bogus"], ["chat", "--bogus"], ["eval"]):
        assert len(run(*words).out.splitlines()) == 1


def test_indexing_never_writes_data(run: Run) -> None:
    assert run("index", "--bogus").out == ""


def test_an_interrupted_question_exits_130_and_writes_nothing(run: Run) -> None:
    ran = run("stop")
    assert (ran.status, ran.out) == (130, "")


def test_a_hostile_file_name_in_an_error_reaches_no_terminal(run: Run) -> None:
    assert "\x1b" not in run("ask", "--batch", "no\x1b[2Jfile").err


# Batches -------------------------------------------------------------------------------------------------------------


def test_a_batch_is_answered_in_order_with_the_ids_given_back(run: Run) -> None:
    lines = b'{"id": "a7", "question": "what did they offer?"}\nHow old?\n{"id": [1], "question": "the offer?"}'
    ran = run("ask", "--batch", "-", stdin=lines)
    assert [(line.get("id"), line["question"]) for line in ran.lines] == [
        ("a7", "what did they offer?"),
        (None, "How old?"),
        ([1], "the offer?"),
    ]
    assert "id" not in ran.lines[1]
    assert ran.status == 0  # finding no answer is no error


def test_a_bad_line_costs_its_own_answer_only(run: Run) -> None:
    bad = [b"{not json", b"\xff\xfe", b'{"id": 4}', b'{"question": 5}', b"bad", b'{"id": NaN, "question": "offer"}']
    ran = run("ask", "--batch", "-", stdin=b"offer?\n\n" + b"\n".join(bad) + b"\noffer?\n")
    assert ran.status == 2
    assert [line.get("line") for line in ran.lines] == [None, 3, 4, 5, 6, 7, 8, None]
    assert all({"message", "hint"} == set(line["error"]) for line in ran.lines[1:-1])
    assert ran.lines[3]["id"] == 4


def test_a_deeply_nested_line_is_a_bad_line(run: Run) -> None:
    ran = run("ask", "--batch", "-", stdin=b'{"id":' + b"[" * 200_000 + b"\noffer?")
    assert (ran.status, len(ran.lines)) == (2, 2)


def test_a_batch_file_may_begin_with_a_byte_order_mark(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "questions.jsonl"
    file.write_bytes(b'\xef\xbb\xbf{"id": 1, "question": "offer?"}\r\n\r\n')
    assert [line["id"] for line in run("ask", "--batch", str(file)).lines] == [1]


def test_an_interrupted_batch_keeps_the_whole_lines_before(run: Run) -> None:
    ran = run("ask", "--batch", "-", stdin=b"offer?\nstop\noffer?\n")
    assert (ran.status, len(ran.lines)) == (130, 1)


# Chat through a pipe -------------------------------------------------------------------------------------------------


def test_questions_piped_in_without_arguments_are_answered_line_by_line(run: Run) -> None:
    ran = run(stdin=b"what did they offer?\n\nHow old?\n")
    assert (ran.status, [line["answered"] for line in ran.lines]) == (0, [True, False])


@pytest.mark.parametrize(("stdin", "status"), [(b"How old?", 1), (b"offer?\nbad\noffer?", 2), (b"", 2)])
def test_a_piped_chat_exits_as_its_questions_do(run: Run, stdin: bytes, status: int) -> None:
    assert run(stdin=stdin).status == status


# Index and status ----------------------------------------------------------------------------------------------------


def test_indexing_reports_on_stderr_what_changed_and_what_was_left_out(run: Run, core: Seen) -> None:
    ran = run("index", "a", "b", "--index", "D", "--embedder", "hashing")
    given = core.built[0]
    assert (given["paths"], given["folder"], given["embedder"]) == ([Path("a"), Path("b")], Path("D"), "hashing")
    first, *rest = ran.err.splitlines()
    assert first == (
        "index/: 12 documents (2 added, 1 changed, 9 unchanged, 0 removed), "
        "1,340 passages (25 embedded), 12 skipped in 1.2 s"
    )
    assert rest == ["  skipped 12: binary (00.bin␛, 01.bin␛, 02.bin␛ and 9 more)", "  old.txt: read as cp1252"]
    assert (ran.status, ran.out) == (0, "")


def test_what_is_wanted_of_folders_reaches_the_core(run: Run, core: Seen) -> None:
    run("index", "a", "--include", "*.md", "--include", "*.txt", "--exclude", "drafts/", "--max-size", "1.5MB")
    options = core.built[0]
    assert (options["include"], options["exclude"]) == (["*.md", "*.txt"], ["drafts/"])
    assert options["max_bytes"] == 1_500_000
    run("index", "--exclude", "")
    options = core.built[1]
    assert (options["include"], options["exclude"], options["max_bytes"]) == (None, [""], None)
    assert "is not a size" in run("index", "--max-size", "huge").err


def test_indexing_without_a_path_updates_what_was_indexed(run: Run, core: Seen) -> None:
    run("index")
    assert (core.built[0]["paths"], core.built[0]["folder"]) == ([], None)


def test_status_tells_what_is_stale_left_out_and_new(run: Run) -> None:
    text = run("status", "--index", "D").out
    for part in ("D/: 2 documents, 15 passages, 12.3 kB", "b.txt  (changed)", "c.bin: binary", "d.txt", "askdoc index"):
        assert part in text
    assert "  exclude       *.bak\n  size limit    256 MB\n" in text
    data = run("status", "--index", "D", "--json").json
    assert data["documents"][1] == {"document": "b.txt", "passages": 3, "state": "changed"}
    assert (data["left_out"], data["exclude"], data["max_bytes"]) == ({"binary": 1}, ["*.bak"], 256_000_000)
    assert data["skipped"] == [{"document": "c.bin", "reason": "binary"}]


def test_status_of_a_large_index_lists_what_changed_and_counts_the_rest(run: Run, core: Seen) -> None:
    core.status = replace(
        status_of(Path("D")),
        documents=tuple((f"{number:03}.txt", 1, "fresh" if number != 77 else "missing") for number in range(200)),
        skipped=tuple(Skipped(f"{number:02}.jpg", "no loader for .jpg files") for number in range(20)),
        left_out={"no loader for .jpg files": 5000},
    )
    text = run("status", "--index", "D").out
    assert "  1  077.txt  (missing)\n  1  000.txt\n" in text
    assert "  and 150 more: askdoc status --json\n" in text
    assert "  5,000: no loader for .jpg files (00.jpg, 01.jpg, 02.jpg and 4,997 more)\n" in text


def test_a_damaged_index_is_told_with_status_2(run: Run) -> None:
    ran = run("status", "--index", "broken")
    assert ran.status == 2
    assert "dense/vectors" in ran.out


# The process ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("command", ["", "index", "ask", "search", "chat", "status", "verify", "watch", "eval"])
def test_every_help_has_an_example(run: Run, command: str) -> None:
    ran = run(*command.split(), "--help")
    assert ran.status == 0
    assert f"askdoc {command}".strip() in ran.out.split("Options:")[1]
    assert not re.search(r"<\w|TEXT|RANGE|INTEGER|FLOAT|x<=|x>=", ran.out), "types of Python"


def test_help_loads_nothing_heavy() -> None:
    script = "import sys; from askdoc.cli.app import main; main(['--help']); print(*sys.modules, file=sys.stderr)"
    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    heavy = {"numpy", "onnxruntime", "faiss", "tantivy", "torch", "tokenizers", "rich", "prompt_toolkit", "asyncio"}
    assert not heavy & set(ran.stderr.split())


def test_version_is_told(run: Run) -> None:
    ran = run("--version")
    assert ran.status == 0
    assert ran.out.startswith("askdoc")


@pytest.mark.parametrize(
    ("problem", "status", "said"), [(errno.EPIPE, 0, ""), (errno.ENOSPC, 2, "askdoc: the output could not be written")]
)
def test_a_closed_pipe_is_silent_and_a_full_disk_is_told(
    run: Run, monkeypatch: pytest.MonkeyPatch, problem: int, status: int, said: str
) -> None:
    class Refusing(io.StringIO):
        def flush(self) -> None:
            raise OSError(problem, os.strerror(problem))

    with monkeypatch.context() as patched:
        patched.setattr(sys, "stdout", Refusing())
        ran = run("offer?")
    assert ran.status == status
    assert ran.err.startswith(said)
    assert bool(ran.err) == bool(said)


@pytest.mark.parametrize(
    ("fault", "said", "traced"),
    [
        (ValueError("three of two"), "an internal error: ValueError: three of two", True),
        (MemoryError(), "out of memory", False),
    ],
)
def test_a_fault_is_no_answer_and_not_taken_for_a_missing_one(
    run: Run, monkeypatch: pytest.MonkeyPatch, fault: Exception, said: str, traced: bool
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise fault

    monkeypatch.setattr(LookUpIndex, "ask", fail)
    ran = run("offer?", "--json")
    assert ran.status == 2
    assert said in ran.err
    assert json.loads(ran.out)["error"]["message"] == said
    assert ("Traceback" in ran.err) == traced
