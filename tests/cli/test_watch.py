"""A watched index follows its documents: changes, moves, rules, files that are replaced, trouble that passes."""

from __future__ import annotations

import re
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from programs import ASKDOC, environment

from askdoc import build, watch
from askdoc.build import BuildReport
from askdoc.outputs.messages import watch_lines
from askdoc.stores.folder import manifest as manifests
from askdoc.stores.folder.store import FolderStore
from askdoc.watch import Trouble

FERRY = "A ferry crossed the river below the stone bridge every day until the mill and its two barns had burnt down."
PATIENCE = 60.0  # seconds after which what should happen has not


class Watched:
    """A watcher in a thread of its own, and what it told."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.told: list[BuildReport | Trouble] = []
        self.stop = threading.Event()
        self.thread = threading.Thread(target=self._run)
        self.thread.start()

    def _run(self) -> None:
        for event in watch.watch(self.folder, stop=self.stop):
            self.told.append(event)

    def next(self) -> BuildReport | Trouble:
        until(lambda: bool(self.told))
        return self.told.pop(0)

    def update(self) -> BuildReport:
        event = self.next()
        assert isinstance(event, BuildReport), event
        return event


def until(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not true():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.02)


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watch, "QUIET_MS", 100)
    monkeypatch.setattr(watch, "LOOK_MS", 200)
    monkeypatch.setattr(watch, "FIRST_RETRY", 0.3)
    monkeypatch.setattr(watch, "WAIT", 0.1)


@pytest.fixture
def watched(folder: Path) -> Iterator[Watched]:
    build.index([], folder)  # settles the times of files that were written a moment ago
    started = Watched(folder)
    try:
        yield started
    finally:
        started.stop.set()
        started.thread.join(PATIENCE)
        assert not started.thread.is_alive()


def held(folder: Path) -> list[str]:
    return [entry.source.path for entry in manifests.read_manifest(folder).documents]


def test_changes_are_taken_in_as_they_come(watched: Watched, docs: Path) -> None:
    (docs / "ferry.txt").write_text(FERRY)
    update = watched.update()
    assert (update.added_paths, update.documents, update.passages) == (("docs/ferry.txt",), 3, 5)
    (docs / "bridge.txt").write_text(FERRY)
    assert watched.update().changed_paths == ("docs/bridge.txt",)
    (docs / "mill.md").unlink()
    assert watched.update().removed_paths == ("docs/mill.md",)
    assert held(watched.folder) == ["docs/bridge.txt", "docs/ferry.txt"]


def test_what_changed_before_the_watch_began_is_taken_in_too(folder: Path, docs: Path) -> None:
    (docs / "ferry.txt").write_text(FERRY)
    started = Watched(folder)
    assert started.update().added_paths == ("docs/ferry.txt",)
    started.stop.set()
    started.thread.join(PATIENCE)


def test_a_moved_file_is_told_as_such(watched: Watched, docs: Path) -> None:
    (docs / "old").mkdir()
    (docs / "bridge.txt").rename(docs / "old/crossing.txt")
    update = watched.update()
    assert update.moved_paths == (("docs/bridge.txt", "docs/old/crossing.txt"),)
    assert (update.added_paths, update.removed_paths) == ((), ())


def test_many_changes_at_once_are_one_update(watched: Watched, docs: Path) -> None:
    for number in range(30):
        (docs / f"{number:02}.txt").write_text(f"{number}: {FERRY}")
    assert len(watched.update().added_paths) == 30


def test_a_rule_that_changes_is_followed(watched: Watched, docs: Path) -> None:
    (docs / ".askdocignore").write_text("*.md\n")
    assert watched.update().removed_paths == ("docs/mill.md",)


def test_a_file_that_cannot_be_read_is_told_and_taken_in_when_it_can(watched: Watched, docs: Path) -> None:
    (docs / "half.txt").write_bytes(bytes(range(256)) * 50)
    assert watched.update().failed_paths == ("docs/half.txt",)
    (docs / "half.txt").write_text(FERRY)
    assert watched.update().added_paths == ("docs/half.txt",)


def test_an_index_that_is_being_written_is_waited_for_and_told_once(watched: Watched, docs: Path) -> None:
    with FolderStore(watched.folder).writing():
        (docs / "ferry.txt").write_text(FERRY)
        trouble = watched.next()
        assert isinstance(trouble, Trouble)
        assert "another process writes" in trouble.error
        time.sleep(1)
        assert watched.told == []
    assert watched.update().added_paths == ("docs/ferry.txt",)


def test_an_error_that_nobody_foresaw_is_survived(
    watched: Watched, docs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    update, failures = build.index, [OSError(5, "Input/output error")]

    def fail_once(*arguments: object, **options: object) -> build.BuildReport:
        if failures:
            raise failures.pop()
        return update(*arguments, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(build, "index", fail_once)
    (docs / "ferry.txt").write_text(FERRY)
    assert isinstance(watched.next(), Trouble)
    assert watched.update().added_paths == ("docs/ferry.txt",)


def test_the_index_itself_triggers_nothing(docs: Path) -> None:
    """It may stand among the documents."""
    folder = docs / "index"
    build.index([docs], folder, embedder="hashing")
    started = Watched(folder)
    (docs / "ferry.txt").write_text(FERRY)
    assert started.update().added_paths == ("ferry.txt",)
    generation = manifests.read_manifest(folder).generation
    time.sleep(1)
    assert (started.told, manifests.read_manifest(folder).generation) == ([], generation)
    (folder / "writer.lock").touch()
    wanted = watch._Wanted(str(folder), [docs])
    paths = {"index/manifest.json": False, "index": False, "index.txt": True, "a/.git/x": False, ".gitignore": True}
    assert {path: wanted(1, str(docs / path)) for path in paths} == paths
    started.stop.set()
    started.thread.join(PATIENCE)


def test_a_folder_that_is_replaced_is_watched_again(watched: Watched, docs: Path, tmp_path: Path) -> None:
    shutil.copytree(docs, tmp_path / "copy")
    shutil.rmtree(docs)
    event = watched.next()
    assert isinstance(event, Trouble)
    assert "none of the indexed paths exists any more" in event.error
    (tmp_path / "copy").rename(docs)
    (docs / "ferry.txt").write_text(FERRY)
    assert watched.update().added_paths == ("docs/ferry.txt",)
    (docs / "more.txt").write_text(FERRY)
    assert watched.update().added_paths == ("docs/more.txt",)


def test_a_file_that_was_named_is_followed_however_an_editor_writes_it(tmp_path: Path, docs: Path) -> None:
    notes, folder = tmp_path / "notes.txt", tmp_path / "index"
    notes.write_text(FERRY)
    build.index([notes], folder, embedder="hashing")
    started = Watched(folder)
    (tmp_path / "beside").write_text("Now the notes say that the ferry is gone.")
    (tmp_path / "beside").rename(notes)
    assert started.update().changed_paths == ("notes.txt",)
    build.index([docs], folder)
    time.sleep(0.5)
    (docs / "more.txt").write_text(FERRY)
    until(lambda: "docs/more.txt" in held(folder))
    started.stop.set()
    started.thread.join(PATIENCE)


def test_lines_tell_the_time_and_what_changed() -> None:
    paths = tuple(f"{number}\x1b.txt" for number in range(5))
    update = BuildReport(
        folder=Path("index"),
        added_paths=paths,
        changed_paths=("b.txt",),
        removed_paths=(),
        moved_paths=(("c.txt", "d.txt"),),
        failed_paths=(),
        unchanged=6,
        documents=12,
        passages=340,
        embedded=9,
        skipped=(),
        remarks=(),
        seconds=0.44,
    )
    (line,) = watch_lines(update)
    assert re.fullmatch(
        r"\d\d:\d\d:\d\d  5 added \(0␛\.txt, 1␛\.txt, 2␛\.txt and 2 more\), 1 changed \(b\.txt\), "
        r"1 moved \(c\.txt → d\.txt\): 12 documents, 340 passages in 0\.4 s",
        line,
    )
    (line,) = watch_lines(Trouble("the disk is full", 2.0))
    assert line.endswith("  the disk is full; trying again in 2 s")


def test_the_command_watches_until_it_is_interrupted(folder: Path, docs: Path) -> None:
    with subprocess.Popen(
        [*ASKDOC, "watch"],
        cwd=docs.parent,
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            assert process.stderr
            lines = iter(process.stderr.readline, "")
            assert next(line for line in lines if "watching" in line) == "watching for changes; Ctrl-C ends\n"
            (docs / "ferry.txt").write_text(FERRY)
            assert "1 added (docs/ferry.txt): 3 documents, 5 passages in" in next(lines)
        except BaseException:
            process.kill()  # else the test would wait for it without end
            raise
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=PATIENCE)
    assert (process.returncode, out, err) == (130, "", "")


def test_watching_needs_something_to_watch(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "askdoc", "watch"],
        cwd=tmp_path,
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert "there is no index" in done.stderr
