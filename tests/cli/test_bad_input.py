"""What bad input gets from the real program: a line that says what happened, one that says what to do, no traceback."""

from __future__ import annotations

import json
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from programs import ASKDOC, Ran, askdoc, environment, rights_count, run
from texts import BRIDGE

from askdoc import build
from askdoc.__main__ import main
from askdoc.stores.folder import manifest as manifests

QUESTION = "who finished the old stone bridge?"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with documents and an index; to be copied, not changed."""
    place = tmp_path_factory.mktemp("made")
    (place / "docs").mkdir()
    (place / "docs" / "bridge.txt").write_text(BRIDGE)
    build.index([place / "docs"], place / "index", embedder="hashing")
    return place


@pytest.fixture
def place(made: Path, tmp_path: Path) -> Path:
    """A working directory with `docs` and `index`."""
    return Path(shutil.copytree(made, tmp_path / "place", symlinks=True))


def check_error(ran: Ran, message: str) -> None:
    """Two lines on stderr, exit status 2, and on stdout the same for programs, if anything."""
    assert ran.status == 2
    lines = ran.err.splitlines()
    assert [line.split(":")[0] for line in lines] == ["askdoc", "hint"], ran.err
    assert re.search(message, lines[0]), lines[0]
    assert lines[1] != "hint: "
    if ran.out:
        assert ran.json["error"]["message"] == lines[0].removeprefix("askdoc: ")
        assert ran.json["error"]["hint"] == lines[1].removeprefix("hint: ")


@dataclass(frozen=True)
class Case:
    """A command line, what it says, and how the place is prepared for it."""

    words: tuple[str, ...]
    message: str
    prepare: Callable[[Path], object] = field(default=lambda place: None)
    privileged: bool = True


def drop_index(place: Path) -> None:
    shutil.rmtree(place / "index")


def empty_folder(place: Path) -> None:
    (place / "empty").mkdir()


def binary_file(place: Path) -> None:
    (place / "song.txt").write_bytes(bytes(range(256)) * 99)


def unreadable_file(place: Path) -> None:
    (place / "secret.txt").write_text("secret")
    (place / "secret.txt").chmod(0)


def unreadable_folder(place: Path) -> None:
    (place / "closed").mkdir()
    (place / "closed" / "a.txt").write_text("secret")
    (place / "closed").chmod(0)


def cut_vectors(place: Path) -> None:
    vectors = next((place / "index").rglob("*.faiss"))
    vectors.write_bytes(vectors.read_bytes()[:100])


def cut_manifest(place: Path) -> None:
    manifest = place / "index" / manifests.MANIFEST
    manifest.write_text(manifest.read_text()[:100])


def alter(place: Path, old: str, new: str) -> None:
    manifest = place / "index" / manifests.MANIFEST
    data = json.loads(manifest.read_text().replace(old, new))
    data.pop(manifests.SEAL)
    manifest.write_text(json.dumps(data | {manifests.SEAL: manifests._seal(data)}))


def newer_index(place: Path) -> None:
    alter(place, '"format": 2', '"format": 3')


def other_weights(place: Path) -> None:
    manifest = manifests.read_manifest(place / "index")
    alter(place, manifest.recipe.fingerprint, "0" * 64)


def folder_of_pictures(place: Path) -> None:
    (place / "pictures").mkdir()
    (place / "pictures" / "cat.jpg").touch()


def closed_working_directory(place: Path) -> None:
    for path in (place / "index", place):
        path.chmod(0o555)


CASES = {
    "no index": Case((QUESTION,), "there is no index in", drop_index),
    "a named index that is not there": Case((QUESTION, "--index", "nowhere"), "there is no index in nowhere"),
    "an empty folder": Case(("index", "empty"), "nothing to index in empty", empty_folder),
    "an empty folder to ask": Case((QUESTION, "--in", "empty"), "nothing to index", empty_folder),
    "a missing path": Case(("index", "missing.txt"), "missing.txt does not exist"),
    "a missing path to ask": Case((QUESTION, "--in", "missing.txt"), "missing.txt does not exist"),
    "a missing batch": Case(("ask", "--batch", "missing.jsonl"), "missing.jsonl cannot be read"),
    "an unreadable file": Case(
        ("index", "secret.txt", "--index", "new"), "path 'secret.txt' is not readable", unreadable_file, False
    ),
    "an unreadable folder": Case(
        ("index", "closed", "--index", "new"), "path 'closed' is not readable", unreadable_folder, False
    ),
    "a file in an unreadable folder": Case(
        ("index", "closed/a.txt", "--index", "new"), "cannot be opened: Permission denied", unreadable_folder, False
    ),
    "an index in an unreadable folder": Case((QUESTION, "--index", "closed/index"), "closed", unreadable_folder, False),
    "a folder that may not be written": Case(
        ("index", "docs", "--index", "new"), "new cannot be written: Permission denied", closed_working_directory, False
    ),
    "a binary file": Case(("index", "song.txt", "--index", "new"), "nothing to index.*binary", binary_file),
    "damaged vectors": Case((QUESTION,), "damaged: dense/vectors.faiss", cut_vectors),
    "a damaged manifest": Case((QUESTION,), "manifest.json cannot be read", cut_manifest),
    "damage met by a writer": Case(("index",), "damaged: dense/vectors.faiss", cut_vectors),
    "a newer index": Case((QUESTION,), "has format 3, this askdoc reads 2", newer_index),
    "other weights": Case((QUESTION,), "other weights of hashing", other_weights),
    "another embedder": Case(("index", "--embedder", "askdoc-embedder"), "another embedder \\(hashing\\)"),
    "an unknown embedder": Case(("index", "docs", "--embedder", "word2vec"), "no embedder called 'word2vec'"),
    "a folder of other things": Case(
        ("index", "docs", "--index", "pictures"), "pictures holds other files", folder_of_pictures
    ),
    "an index that is a file": Case(("index", "docs", "--index", "docs/bridge.txt"), "is a file, not a folder"),
    "an empty question": Case(("",), "there is no question"),
    "a blank question": Case(("ask", "  \t "), "there is no question"),
    "no passages": Case((QUESTION, "-k", "0"), "-k must be 1 or more, not 0"),
    "no answers": Case((QUESTION, "-n", "0"), "-n must be 1 or more, not 0"),
    "a confidence out of range": Case((QUESTION, "--min-confidence", "2"), "between 0 and 1"),
    "no number": Case((QUESTION, "-k", "many"), "'-k'.* integer"),
    "an unknown option": Case((QUESTION, "--frobnicate"), "(?i)no such option.*--frobnicate"),
    "an unknown format": Case((QUESTION, "--format", "xml"), "no format called 'xml'"),
    "two places": Case((QUESTION, "--index", "index", "--in", "docs"), "--index and --in exclude each other"),
}


@pytest.mark.parametrize("name", CASES)
def test_bad_input_gets_a_message_and_a_hint(name: str, place: Path, tmp_path: Path) -> None:
    case = CASES[name]
    if not case.privileged and not rights_count(tmp_path):
        pytest.skip(f"THE TEST OF {name.upper()} DID NOT RUN: this file system does not heed the rights of files")
    case.prepare(place)
    before = sorted(place.rglob("*"))
    ran = askdoc(*case.words, cwd=place, privileged=case.privileged, env={"XDG_CACHE_HOME": str(tmp_path / "cache")})
    check_error(ran, case.message)
    left = [path for path in sorted(place.rglob("*")) if path not in before and "lock" not in path.name]
    assert left == [], "what failed left something behind"


@pytest.mark.parametrize(
    "question",
    ["🙂", "why " * 10_000, "\udcff who", "???", "--", "-", "橋", "a\nb\x07c"],
    ids=["emoji", "10,000 words", "not UTF-8", "marks", "two dashes", "dash", "Japanese", "control characters"],
)
def test_an_odd_question_gets_a_sensible_answer(question: str, place: Path) -> None:
    ran = askdoc("ask", "--", question, cwd=place)
    assert ran.status in (0, 1)
    assert "Traceback" not in ran.err
    assert ran.json["passages"][0]["citation"]["document"] == "docs/bridge.txt"
    assert ran.json["answered"] == (ran.status == 0)


def test_a_closed_pipe_ends_the_program_quietly(place: Path) -> None:
    script = f'{sys.executable} -m askdoc "{QUESTION}" --min-confidence 1 | head -1; echo "${{PIPESTATUS[0]}}" >&2'
    ran = run(["bash", "-c", script], cwd=place)
    assert (ran.out, ran.err) == ("{\n", "1\n")


def test_a_reader_that_leaves_ends_a_batch_quietly(place: Path) -> None:
    (place / "questions.txt").write_text(f"{QUESTION}\n" * 50)
    script = f'{sys.executable} -m askdoc ask --batch questions.txt | head -1; echo "${{PIPESTATUS[0]}}" >&2'
    ran = run(["bash", "-c", script], cwd=place)
    assert (ran.json["question"], ran.err) == (QUESTION, "0\n")


def test_an_output_that_is_full_is_told(place: Path) -> None:
    ran = run(["bash", "-c", f'{sys.executable} -m askdoc "{QUESTION}" --min-confidence 1 > /dev/full'], cwd=place)
    check_error(ran, "the output could not be written: No space left on device")


def test_closed_standard_streams_do_no_harm(place: Path) -> None:
    for closed in (">&-", "<&-", "2>&-", ">&- 2>&- <&-"):
        ran = run(["bash", "-c", f'{sys.executable} -m askdoc search "stone bridge" {closed}'], cwd=place)
        assert (ran.status, ran.err) == (0, ""), closed


@pytest.fixture
def large(place: Path) -> Path:
    """A document that takes a while to embed."""
    paragraphs = (f"{at}: {BRIDGE.splitlines()[0]}" for at in range(5000))
    (place / "large.txt").write_text("\n\n".join(paragraphs))
    return place / "large.txt"


def interrupted(place: Path, *words: str, when: Callable[[], bool]) -> Ran:
    """Run askdoc and press Ctrl-C as soon as `when` says."""
    process = subprocess.Popen(
        [*ASKDOC, *words],
        cwd=place,
        env=environment(XDG_CACHE_HOME=str(place / "cache")),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    deadline = time.monotonic() + 60
    while not when() and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    # Python may end itself by the signal when it struck inside a compiled module; to a shell that is 130 as well.
    return Ran(130 if process.returncode == -signal.SIGINT else process.returncode, out, err)


NOTHING_DONE = """\
askdoc: interrupted; nothing of this run is kept, the index is as it was
hint: to resume, run the same command again
"""
QUIET = ("", NOTHING_DONE)  # nothing is said where no document could have been done yet


def test_ctrl_c_while_indexing_leaves_the_index_as_it_was(place: Path, large: Path) -> None:
    before = (place / "index" / manifests.MANIFEST).read_bytes()
    draft = place / "index" / manifests.GENERATIONS / "000002"
    ran = interrupted(place, "index", "large.txt", when=draft.exists)
    assert (ran.status, ran.out) == (130, "")
    assert ran.err in QUIET
    assert (place / "index" / manifests.MANIFEST).read_bytes() == before
    assert not draft.exists()
    assert askdoc("search", "stone bridge", cwd=place).status == 0


def test_ctrl_c_while_indexing_for_the_first_time_leaves_nothing(place: Path, large: Path) -> None:
    ran = interrupted(
        place, "index", "large.txt", "--index", "new", when=(place / "new" / manifests.GENERATIONS / "000001").exists
    )
    assert (ran.status, ran.out) == (130, "")
    assert ran.err in QUIET
    assert not (place / "new").exists()


def test_ctrl_c_while_asking_prints_nothing(place: Path, large: Path) -> None:
    started = place / "cache"
    ran = interrupted(place, QUESTION, "--in", "large.txt", when=lambda: any(started.rglob("000001")))
    assert (ran.status, ran.out) == (130, "")
    assert ran.err in QUIET


def test_ctrl_c_while_a_compiled_module_loads_is_ctrl_c(monkeypatch: pytest.MonkeyPatch) -> None:
    """pybind11 turns it into an ImportError."""

    def interrupted_import() -> None:
        raise ImportError("initialization failed") from KeyboardInterrupt()

    monkeypatch.setattr("askdoc.cli.app.main", interrupted_import)
    assert main() == 130


def test_ctrl_c_in_a_batch_leaves_only_whole_lines(place: Path) -> None:
    with subprocess.Popen(
        [*ASKDOC, "ask", "--batch", "-"],
        cwd=place,
        env=environment(),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        assert process.stdin
        assert process.stdout
        assert process.stderr
        process.stdin.write(f"{QUESTION}\n".encode())
        process.stdin.flush()
        first = process.stdout.readline()
        process.send_signal(signal.SIGINT)
        rest, err = process.stdout.read(), process.stderr.read()
        assert process.wait(60) in (130, -signal.SIGINT)
    assert json.loads(first)["question"] == QUESTION
    assert (rest, err) == (b"", b"")
