"""A file that makes its loader misbehave costs itself: not the run, not the files after it, not the disk."""

from __future__ import annotations

import ctypes
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import hostile
import pytest
from programs import ROOT, run

from askdoc import build
from askdoc.errors import AskdocError, LoadError
from askdoc.loaders import LOADERS, find_loader, is_isolated
from askdoc.loaders import sandbox as isolation
from askdoc.loaders.sandbox import MIB, Limits, LoaderProcess

LIMITS = Limits(seconds=1.0, seconds_per_mib=1.0, memory=512 * MIB, characters=100_000)


@pytest.fixture
def loaders() -> Iterator[LoaderProcess]:
    with LoaderProcess(LIMITS) as loaders:
        yield loaders


def text(loaders: LoaderProcess, name: str, data: bytes | str | Path = b"") -> str:
    """The text that `hostile.NAME` gets out of `data`."""
    return loaders.load(f"hostile:{name}", data if isinstance(data, bytes) else str(data).encode()).text


def test_what_comes_back_is_what_the_loader_said(loaders: LoaderProcess) -> None:
    data = "The ferry — Özgür 🙂\r\n\0\x1b[31m".encode()
    assert loaders.load("hostile:good", data) == hostile.good(data)


def test_a_refusal_keeps_its_reason(loaders: LoaderProcess) -> None:
    with pytest.raises(LoadError, match="it is encrypted"):
        text(loaders, "refuses")


def test_one_worker_reads_many_files_also_after_a_refusal(loaders: LoaderProcess) -> None:
    first = text(loaders, "process")
    with pytest.raises(LoadError):
        text(loaders, "refuses")
    assert text(loaders, "process") == first != str(os.getpid())


def test_simple_formats_start_no_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(isolation.LoaderProcess, "_start", None)  # calling it would raise TypeError
    with LoaderProcess() as loaders:
        for name in ("a.txt", "a.text", "a.md", "a.markdown"):
            entry = find_loader(name)
            assert entry
            assert loaders.load(entry, b"The ferry leaves.").text == "The ferry leaves."


def test_all_other_formats_are_isolated_and_so_is_very_long_markdown() -> None:
    for entry in LOADERS.values():
        assert is_isolated(entry, 0) == (
            entry not in ("askdoc.loaders.text.plain:load", "askdoc.loaders.text.markdown:load")
        )
    assert is_isolated(LOADERS[".md"], MIB)
    assert not is_isolated(LOADERS[".txt"], 1000 * MIB)


REASONS = {
    "loops": "took longer than 1 s to read",
    "sleeps": "took longer than 1 s to read",
    "forks_and_stays": "took longer than 1 s to read",
    "allocates": r"needed more than 0\.5 GiB of memory",
    "segfaults": "crashed its reader",
    "leaves": "crashed its reader",
    "kills_itself": "needed so much memory that the system ended its reader",
    "recurses": r"its reader failed \(RecursionError\)",
    "exits": r"its reader failed \(SystemExit\)",
    "raises": r"its reader failed \(Odd\)",
    "forgets": r"its reader failed \(AttributeError\)",
    "marks_nonsense": r"its reader failed \(ValueError\)",
    "types_nonsense": r"its reader failed \(ValidationError\)",
}


@pytest.mark.parametrize("name", REASONS)
def test_who_misbehaves_is_refused_with_the_reason_and_the_next_file_is_read(name: str, loaders: LoaderProcess) -> None:
    assert text(loaders, "good", "The file before.") == "The file before."
    with pytest.raises(LoadError, match=f"^{REASONS[name]}$"):
        text(loaders, name)
    assert text(loaders, "good", "The next file.") == "The next file."


def test_a_large_file_gets_more_time(loaders: LoaderProcess) -> None:
    with pytest.raises(LoadError, match="took longer than 2 s to read"):
        text(loaders, "loops", bytes(MIB))


def test_what_earlier_files_left_behind_is_not_blamed_on_the_next_one(loaders: LoaderProcess) -> None:
    """Each leaves 300 MiB behind: a second one in the same worker is too much, in a worker of its own it is not."""
    assert [text(loaders, "leaks", str(300 * MIB)) for _ in range(3)] == ["leaked"] * 3


def test_printing_and_reading_do_not_disturb_the_conversation(
    loaders: LoaderProcess, capfd: pytest.CaptureFixture[str]
) -> None:
    assert text(loaders, "talks") == "read b''"
    assert text(loaders, "good", "next") == "next"
    assert capfd.readouterr() == ("", "")


def test_a_text_may_be_so_long_and_no_longer(loaders: LoaderProcess) -> None:
    assert len(text(loaders, "writes_much", "100000")) == 100_000
    with pytest.raises(LoadError, match=r"holds more than 0\.1 million characters of text"):
        text(loaders, "writes_much", "100001")
    with pytest.raises(LoadError, match="holds too many headings"):
        text(loaders, "marks_much", "1000")


def test_a_text_larger_than_any_pipe_goes_there_and_back() -> None:
    with LoaderProcess() as loaders:
        data = "Zeile mit Ü\n".encode() * 300_000
        assert loaders.load("hostile:good", data).text == data.decode()


def test_half_a_character_is_replaced_so_that_the_index_can_store_it(loaders: LoaderProcess) -> None:
    loaded = loaders.load("hostile:half_characters", b"")
    assert (loaded.text, loaded.marks[0].label) == ("one ? two", "?")


@pytest.fixture
def port() -> Iterator[int]:
    """Somebody listens here. The tests themselves may open no socket, so another process does."""
    program = """if True:
        import socket, sys
        listening = socket.create_server(("127.0.0.1", 0))
        print(listening.getsockname()[1], flush=True)
        sys.stdin.read()
    """
    with subprocess.Popen([sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout
        yield int(process.stdout.readline())


def test_a_library_written_in_python_changes_no_file_and_opens_no_connection(
    loaders: LoaderProcess, tmp_path: Path, port: int
) -> None:
    kept = tmp_path / "kept"
    kept.write_text("as it was")
    tried = [("writes_file", kept), ("removes_file", kept), ("writes_file", tmp_path / "new")]
    tried += [("makes_folder", tmp_path / "new"), ("runs_program", tmp_path / "new")]
    assert {text(loaders, *each) for each in tried} == {"PermissionError"}
    assert (text(loaders, "forks"), text(loaders, "connects", str(port))) == ("PermissionError", "PermissionError")
    assert [path.name for path in tmp_path.iterdir()] == ["kept"]
    assert kept.read_text() == "as it was"


@pytest.fixture
def landlock() -> int:
    """The version of Landlock that the system has."""
    version = int(ctypes.CDLL(None).syscall(444, None, 0, 1)) if sys.platform == "linux" else 0
    if version < 1:
        pytest.skip("THE TESTS OF NATIVE CODE DID NOT RUN: this system has no Landlock")
    return version


def test_native_code_changes_no_file_and_starts_no_program(
    loaders: LoaderProcess, tmp_path: Path, landlock: int
) -> None:
    kept = tmp_path / "kept"
    kept.write_text("as it was")
    tried = [("writes_file_natively", kept), ("removes_file_natively", kept), ("renames_file_natively", kept)]
    tried += [(f"{what}_natively", tmp_path / "new") for what in ("writes_file", "makes_folder", "runs_program")]
    assert {each: text(loaders, *each) for each in tried} == dict.fromkeys(tried, "-1")
    assert [path.name for path in tmp_path.iterdir()] == ["kept"]
    assert kept.read_text() == "as it was"


def test_native_code_opens_no_connection(loaders: LoaderProcess, port: int, landlock: int) -> None:
    if landlock < 4:
        pytest.skip("THE TEST OF NATIVE CONNECTIONS DID NOT RUN: this system's Landlock knows no network")
    assert text(loaders, "connects_natively", str(port)) == "-1"


def test_native_code_reaches_no_other_process(loaders: LoaderProcess, landlock: int) -> None:
    if landlock < 6:
        pytest.skip("THE TEST OF SIGNALS DID NOT RUN: this system's Landlock knows no signals")
    assert text(loaders, "signals_natively", str(os.getpid())) == "-1"


def test_native_code_starts_no_process(loaders: LoaderProcess) -> None:
    if not hasattr(os, "getuid") or os.getuid() == 0:
        pytest.skip("THE TEST OF NATIVE FORKS DID NOT RUN: root is held by no limit on processes")
    assert text(loaders, "forks_natively") == "-1"


def test_the_walls_are_the_workers_own(tmp_path: Path, loaders: LoaderProcess, port: int) -> None:
    """The same attempts succeed without them, so what stops them above are the walls."""
    text(loaders, "process")
    (tmp_path / "file").touch()
    for name in ("renames_file_natively", "makes_folder_natively"):
        assert getattr(hostile, name)(os.fsencode(tmp_path / "file")).text == "0"
    assert hostile.connects_natively(str(port).encode()).text == "0"
    assert hostile.writes_file(os.fsencode(tmp_path / "new")).text == "done"
    assert hostile.runs_program(os.fsencode(tmp_path / "ran")).text == "done"
    assert (tmp_path / "ran").exists()


def test_ctrl_c_ends_the_worker(loaders: LoaderProcess, monkeypatch: pytest.MonkeyPatch) -> None:
    text(loaders, "process")
    worker = loaders._worker
    assert worker

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("threading.Thread.join", interrupt)
    with pytest.raises(KeyboardInterrupt):
        text(loaders, "sleeps")
    assert worker.poll() is not None
    assert loaders._worker is None


@pytest.mark.skipif(os.name == "nt", reason="THE TEST OF ORPHANS DID NOT RUN: only POSIX knows alarms")
@pytest.mark.parametrize("name", ["good", "loops", "sleeps"])
def test_a_worker_whose_parent_was_killed_ends(name: str, tmp_path: Path) -> None:
    program = f"""if True:
        import os, threading
        from askdoc.loaders.sandbox import Limits, LoaderProcess
        loaders = LoaderProcess(Limits(seconds=1))
        print(loaders.load("hostile:process", b"").text, flush=True)
        threading.Thread(target=loaders.load, args=("hostile:{name}", b"")).start()
        threading.Event().wait(0.5)
        os.kill(os.getpid(), 9)
    """
    done = run([sys.executable, "-c", program], cwd=ROOT / "tests" / "support")
    assert done.status == -9
    deadline = time.monotonic() + 30
    while is_running(int(done.out)) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not is_running(int(done.out))


def is_running(process: int) -> bool:
    """Does it exist, and is it more than a name in the table of processes?"""
    state = run(["ps", "-o", "stat=", "-p", str(process)], cwd=ROOT).out
    return bool(state.strip()) and not state.startswith("Z")


def test_that_no_worker_can_be_had_is_not_the_files_fault(
    loaders: LoaderProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    for program in ("/nowhere/python", "/bin/false"):
        monkeypatch.setattr(sys, "executable", program)
        with pytest.raises(AskdocError, match="the process that reads files cannot be started") as caught:
            text(loaders, "good", "text")
        assert not isinstance(caught.value, LoadError)
        assert caught.value.hint


def test_a_fault_in_a_simple_loader_costs_the_file(loaders: LoaderProcess, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("askdoc.loaders._SIMPLE", {"hostile:recurses": 99})
    with pytest.raises(LoadError, match=r"its reader failed \(RecursionError\)"):
        text(loaders, "recurses")


# In an index ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def table(monkeypatch: pytest.MonkeyPatch) -> None:
    """Loaders for `.loops`, `.segfaults` and so on; and limits that do not try anybody's patience."""
    endings = {f".{name}": f"hostile:{name}" for name in vars(hostile) if not name.startswith("_")}
    monkeypatch.setattr("askdoc.loaders.LOADERS", {**LOADERS, **endings})
    monkeypatch.setattr(isolation, "Limits", lambda: LIMITS)


@pytest.mark.usefixtures("table")
def test_hostile_files_cost_themselves_and_are_told(docs: Path, tmp_path: Path) -> None:
    for name in ("loops", "segfaults", "allocates", "raises", "refuses", "half_characters"):
        (docs / f"a.{name}").write_bytes(b"data")
    (docs / "z.good").write_text("The ferry to Ashford leaves at nine.")
    report = build.index([docs], tmp_path / "index", embedder="hashing")
    assert (report.added, report.passages) == (4, 7)
    assert {skipped.path: skipped.reason for skipped in report.skipped} == {
        "docs/a.allocates": "needed more than 0.5 GiB of memory",
        "docs/a.loops": "took longer than 1 s to read",
        "docs/a.raises": "its reader failed (Odd)",
        "docs/a.refuses": "it is encrypted",
        "docs/a.segfaults": "crashed its reader",
    }


@pytest.mark.usefixtures("table")
def test_that_no_worker_can_be_had_leaves_the_index_as_it_was(
    docs: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = (folder / "manifest.json").read_bytes()
    (docs / "z.good").write_text("The ferry to Ashford leaves at nine.")
    monkeypatch.setattr(sys, "executable", "/nowhere/python")
    with pytest.raises(AskdocError, match="cannot be started"):
        build.index([], folder)
    assert (folder / "manifest.json").read_bytes() == before
