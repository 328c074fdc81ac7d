"""Does an index stay whole, whatever happens to who writes it? Run as a program: it forks, kills and fills disks.

    python tests/benchmarks/whole.py [--kills 100] [--rounds 20] [--disks 20] [--seed 0] [--results FILE]

kills: a process that indexes is ended by SIGKILL at a random moment, in turn while it makes the first index, updates
one, and makes one anew. What is left must be the index of before or the new one: the same passages, vectors, scores
and rankings as a fresh build of the same documents, bit for bit. The next run must heal it and leave nothing behind.
asking: one process indexes edition after edition, others ask without pause; every reply is of one edition, whole.
writers: several processes index different folders into one index at once; in the end it holds all of them.
disks: an update on file systems of different sizes, which are full sooner or later. Needs the right to mount.

One line of JSON for each part: {"part", "runs", "failures", …}.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import platform
import random
import shutil
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tests" / "support")]

from contents import content, opened_folder, rankings  # noqa: E402
from programs import run, small_disk  # noqa: E402

from askdoc import ask, build, loaders  # noqa: E402
from askdoc.errors import AskdocError  # noqa: E402
from askdoc.stores.folder import dense, generations, lexical  # noqa: E402, F401  # loaded once, not in every fork
from askdoc.stores.folder import manifest as manifests  # noqa: E402

QUESTIONS = ("who built the bridge of Ashford?", "report on the mill", "edition", "granite and barley", "xyzzy")
PLACES, THINGS = "Ashford Wexham Leeds Lune Thornbury Kirkby".split(), "bridge mill quarry ferry barn chapel".split()
NOT_KEPT = ("writer.lock",)  # files that may stay in an index folder beside what the manifest names

loaders.LOADERS = {**loaders.LOADERS, ".good": "hostile:good"}  # a format that is read in a worker process


# Documents ------------------------------------------------------------------------------------------------------------


def write_old(docs: Path) -> None:
    """Forty documents of two formats that are read in place, and one that is not."""
    docs.mkdir(parents=True)
    for number in range(40):
        (docs / f"report-{number:02d}.{('txt', 'md', 'good')[number % 3]}").write_text(_report(number, "first"))


def write_new(docs: Path) -> None:
    """What the documents become: some change, some go, some come, some are renamed."""
    for number, path in enumerate(sorted(docs.iterdir())):
        if number % 4 == 0:
            path.write_text(_report(number, "second"))
        elif number % 9 == 0:
            path.unlink()
        elif number % 7 == 0:
            path.rename(path.with_stem(f"renamed-{number:02d}"))
    for number in range(40, 50):
        (docs / f"report-{number:02d}.txt").write_text(_report(number, "second"))


def _report(number: int, edition: str) -> str:
    chance = random.Random(f"{number} {edition}")  # noqa: S311  # no secret
    return "\n\n".join(
        f"Report {number} on the {chance.choice(THINGS)} of {chance.choice(PLACES)}, {edition} edition, part {part}: "
        f"it was built of granite in {chance.randrange(1600, 1900)} and paid for with {chance.randrange(900)} carts."
        for part in range(12)
    )


# Processes ------------------------------------------------------------------------------------------------------------


def in_a_fork(work: Callable[[], object]) -> Any:
    """What `work()` returns in a process of its own (JSON), or {"error": …} if it raises."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            told = work()
        except BaseException as error:
            told = {"error": repr(error)}
        os.write(writing, json.dumps(told).encode())
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading, "rb") as pipe:
        said = pipe.read()
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    return json.loads(said) if status == 0 and said else {"error": f"exit status {status}"}


def at_once(*works: Callable[[], object]) -> list[int]:
    """Start processes; their ids."""
    children = []
    for work in works:
        child = os.fork()
        if child == 0:
            try:
                work()
            except BaseException as error:
                sys.stderr.write(f"{error!r}\n")
                os._exit(1)
            os._exit(0)
        children.append(child)
    return children


def exit_status(child: int) -> int:
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def state(index: Path) -> str:
    """A digest of all that an index holds and finds; "none" where there is no index. Raises what reading it raises."""
    if not manifests.has_manifest(index):
        return "none"
    generations.check(index, manifests.read_manifest(index))
    held = json.dumps([content(index), rankings(index, QUESTIONS)])
    return hashlib.sha256(held.encode()).hexdigest()[:12]


def leftovers(index: Path) -> list[str]:
    """What stands in an index folder without being part of the index."""
    named = {manifests.MANIFEST, manifests.GENERATIONS, *NOT_KEPT}
    generation = generations.generation_folder(index, manifests.read_manifest(index).generation).name
    there = [path.name for path in index.iterdir() if path.name not in named]
    return there + [path.name for path in (index / manifests.GENERATIONS).iterdir() if path.name != generation]


# Kills ----------------------------------------------------------------------------------------------------------------


def kills(place: Path, count: int, seed: int) -> dict[str, object]:
    """Kill a writer at `count` random moments."""
    chance = random.Random(seed)  # noqa: S311  # no secret
    docs, kept, index = place / "docs", place / "kept", place / "index"
    write_old(docs)
    in_a_fork(lambda: build.index([docs], kept, embedder="hashing") and None)
    old = in_a_fork(lambda: state(kept))
    write_new(docs)

    def update() -> None:
        build.index([docs], index, embedder="hashing", wait=0)

    def anew() -> None:
        build.index([docs], index, embedder="hashing", rebuild=True, wait=0)

    modes = {"first": (update, "none", None), "update": (update, old, kept), "rebuild": (anew, old, kept)}
    in_a_fork(update)
    new = in_a_fork(lambda: state(index))
    assert len({old, new, "none"}) == 3, (old, new)
    takes = {name: _duration(work, index, before) for name, (work, _, before) in modes.items()}
    failures: list[dict[str, object]] = []
    struck: Counter[str] = Counter()
    for number in range(count):
        name = list(modes)[number % len(modes)]
        work, before, start = modes[name]
        _restore(index, start)
        delay = chance.uniform(0, 1.1 * takes[name])
        (child,) = at_once(work)
        time.sleep(delay)
        os.kill(child, signal.SIGKILL)
        ended = exit_status(child) == 0
        left = in_a_fork(lambda: [state(index), leftovers(index) if manifests.has_manifest(index) else index.exists()])
        healed = in_a_fork(lambda: [update(), state(index), leftovers(index)][1:])  # type: ignore[func-returns-value]
        sound = isinstance(left, list) and left[0] in (before, new)
        working = not sound or left[1]
        struck["after it had ended" if ended else "while it worked" if working else "before or after it wrote"] += 1
        if not sound or healed != [new, []]:
            failures.append({"mode": name, "after": round(delay, 4), "left": left, "healed": healed})
    seconds = {name: round(took, 3) for name, took in takes.items()}
    return {"part": "kills", "runs": count, "failures": failures, "struck": dict(struck), "undisturbed_s": seconds}


def _restore(index: Path, kept: Path | None) -> None:
    shutil.rmtree(index, ignore_errors=True)
    if kept is not None:
        shutil.copytree(kept, index)


def _duration(work: Callable[[], object], index: Path, before: Path | None) -> float:
    _restore(index, before)
    started = time.perf_counter()
    in_a_fork(work)
    return time.perf_counter() - started


# Asking while indexing ------------------------------------------------------------------------------------------------


def asking(place: Path, rounds: int) -> dict[str, object]:
    """Ask while somebody indexes: first just looking, then with askers that take the changes in themselves."""
    docs, index, told = place / "docs", place / "index", place / "told"
    told.mkdir(parents=True)
    docs.mkdir()
    _write_edition(docs, 0)
    in_a_fork(lambda: build.index([docs], index, embedder="hashing") and None)
    statuses: list[Any] = []
    for checks in ({"looks": _look}, {"indexes 1": _index_too, "indexes 2": _index_too}):
        done = place / f"done with {len(checks)}"
        askers = [partial(_ask_until, done, index, told / name, check) for name, check in checks.items()]
        statuses += map(exit_status, at_once(partial(_index_editions, docs, index, rounds, done), *askers))
    replies = {path.name: json.loads(path.read_text()) for path in sorted(told.iterdir())}
    failures: list[object] = [fault for faults in replies.values() for fault in faults if fault]
    failures += [f"exit status {status}" for status in statuses if status]
    failures += [] if in_a_fork(lambda: _look(index)) is None else ["the last edition is not whole"]
    asked = {name: len(faults) for name, faults in replies.items()}
    return {"part": "asking", "runs": sum(asked.values()), "failures": failures, "asked": asked, "editions": 2 * rounds}


def _write_edition(docs: Path, edition: int) -> None:
    for number in range(20):
        (docs / f"{number:02d}.txt").write_text(f"Edition {edition} of the report {number} on the mill of Ashford.")


def _index_editions(docs: Path, index: Path, rounds: int, done: Path) -> None:
    try:
        for edition in range(1, rounds + 1):
            _write_edition(docs, edition)
            build.index([], index, wait=60)
    finally:
        done.touch()


def _ask_until(done: Path, index: Path, told: Path, check: Callable[[Path], str | None]) -> None:
    faults = []
    while not done.exists():
        try:
            faults.append(check(index))
        except Exception as error:
            faults.append(repr(error))
    told.write_text(json.dumps(faults))


def _look(index: Path) -> str | None:
    """What is wrong if not all that an index holds is of one edition, and all that it finds is from there."""
    with ask.open_index(index, refresh="never", reader="overlap") as opened:
        held = [
            each.text
            for entry in opened_folder(opened).documents()
            for each in opened_folder(opened).lexical.of_document(entry.id)
        ]
        found = {hit.passage.text for hit in opened.search("report mill", passages=50).hits}
    editions = {text.split()[1] for text in held}
    whole = len(held) == 20 and len(editions) == 1 and found <= set(held)
    return None if whole else f"{len(held)} passages of editions {sorted(editions)}"


def _index_too(index: Path) -> str | None:
    """What is wrong if something is quoted that never stood in its file."""
    with ask.open_index(index, refresh="auto", reader="overlap") as opened:
        hits = opened.search("report mill", passages=50).hits
    for passage in (passage for hit in hits for passage in (hit.passage, *hit.also)):
        words = passage.text.split()
        if words[0] != "Edition" or f"{int(words[5]):02d}.txt" != Path(passage.source.path).name:
            return passage.text
    return None


# Several writers ------------------------------------------------------------------------------------------------------


def writers(place: Path, rounds: int) -> dict[str, object]:
    """Four processes add a folder each to the same index, at the same moment."""
    rows = [_together(place / str(number)) for number in range(rounds)]
    return {"part": "writers", "runs": rounds, "failures": [row for row in rows if row is not None]}


def _together(place: Path) -> object:
    """What is wrong after four processes wrote at once."""
    folders, index, fresh = [place / name for name in "abcd"], place / "index", place / "fresh"
    for number, folder in enumerate(folders):
        folder.mkdir(parents=True)
        (folder / "report.txt").write_text(_report(number, "first"))

    def adds(folder: Path) -> Callable[[], object]:
        return lambda: build.index([folder], index, embedder="hashing", wait=60)

    statuses = [exit_status(child) for child in at_once(*map(adds, folders))]
    in_a_fork(lambda: build.index(folders, fresh, embedder="hashing") and None)
    left, wanted = in_a_fork(lambda: [state(index), leftovers(index)]), in_a_fork(lambda: state(fresh))
    return None if not any(statuses) and left == [wanted, []] else {"statuses": statuses, "left": left}


# Full disks -----------------------------------------------------------------------------------------------------------


def disks(place: Path, count: int) -> dict[str, object]:
    """Update on ever larger disks, until one is large enough. Runs itself again where it may mount."""
    command = small_disk()
    if command is None:
        return {"part": "disks", "runs": 0, "failures": [], "skipped": "nobody may mount a file system here"}
    place.mkdir(parents=True)
    done = run([*command, f"{sys.executable} {__file__} --on-disks {count} {place}"], cwd=ROOT)
    if done.status:
        return {"part": "disks", "runs": 0, "failures": [done.err]}
    return dict(json.loads(done.out))


def on_disks(place: Path, count: int) -> dict[str, object]:
    """In a name space of mounts of its own: sizes in 4 KiB steps from what holds the old index to twice that."""
    docs, disk, kept, larger = (place / name for name in ("docs", "disk", "kept/index", "larger/index"))
    write_old(docs)
    disk.mkdir()
    in_a_fork(lambda: build.index([docs], kept, embedder="hashing") and None)
    old = in_a_fork(lambda: state(kept))
    write_new(docs)
    in_a_fork(lambda: build.index([docs], larger, embedder="hashing") and None)
    new = in_a_fork(lambda: state(larger))
    size = sum(path.stat().st_size for path in kept.rglob("*") if path.is_file())
    failures: list[object] = []
    ends: Counter[str] = Counter()
    index = disk / "index"
    for number in range(count):
        bytes_ = int(size * (1.1 + 2.4 * number / count))
        with _mounted(disk, bytes_):
            shutil.copytree(kept, index)
            said = in_a_fork(lambda: _said(index))
            left = in_a_fork(lambda: [state(index), leftovers(index)])
        ends[said] += 1
        wanted = new if said == "indexed" else old
        if left != [wanted, []] or said not in ("indexed", "the disk is full"):
            failures.append({"bytes": bytes_, "said": said, "left": left})
    return {"part": "disks", "runs": count, "failures": failures, "ends": dict(ends)}


def _said(index: Path) -> str:
    try:
        build.index([], index, wait=0)
    except AskdocError as error:
        return "the disk is full" if error.message.endswith("the disk is full") else error.message
    return "indexed"


@contextmanager
def _mounted(disk: Path, bytes_: int) -> Iterator[None]:
    assert os.system(f"mount -t tmpfs -o size={bytes_} tmpfs '{disk}'") == 0  # noqa: S605  # a path of our own
    try:
        yield
    finally:
        assert os.system(f"umount '{disk}'") == 0  # noqa: S605


# The program ----------------------------------------------------------------------------------------------------------


def main() -> int:
    """Run all parts; exit status 1 if anything failed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name, number in (("kills", 100), ("rounds", 20), ("disks", 20), ("seed", 0)):
        parser.add_argument(f"--{name}", type=int, default=number)
    parser.add_argument("--results", type=Path)
    parser.add_argument("--on-disks", nargs=2, help=argparse.SUPPRESS)
    wanted = parser.parse_args()
    if wanted.on_disks:
        sys.stdout.write(json.dumps(on_disks(Path(wanted.on_disks[1]), int(wanted.on_disks[0]))))
        return 0
    told = []
    with tempfile.TemporaryDirectory() as name:
        place = Path(name)
        parts = (
            lambda: kills(place / "kills", wanted.kills, wanted.seed),
            lambda: asking(place / "asking", wanted.rounds),
            lambda: writers(place / "writers", wanted.rounds),
            lambda: disks(place / "disks", wanted.disks),
        )
        for part in parts:
            told.append(part())  # type: ignore[no-untyped-call]
            sys.stdout.write(json.dumps(told[-1]) + "\n")
            sys.stdout.flush()
    if wanted.results:
        made = {"seed": wanted.seed, "system": platform.system(), "python": platform.python_version(), "parts": told}
        wanted.results.write_text(json.dumps(made, indent=1) + "\n")
    return int(any(part["failures"] for part in told))


if __name__ == "__main__":
    with suppress(KeyboardInterrupt):
        sys.exit(main())
