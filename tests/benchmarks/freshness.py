"""What keeping an index of many files up to date costs: seconds, files looked at, files read.

    python tests/benchmarks/freshness.py [--files 10000]

A made-up folder is indexed without a model, so that what is measured is the survey, not the embedding. Then, one by
one: nothing has changed; one file has; one was renamed; one was deleted; all were touched; a question is asked. Files
read are those of the folder that are opened, as Python's audit events tell (a new text is opened twice: to hash it,
and to load it). Each figure is the median of three runs; seconds of the clock, and of the processor alone.
"""

from __future__ import annotations

import argparse
import os
import random
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

sys.path.insert(0, str(Path(__file__).parents[2]))

import record

from askdoc import ask, build, freshness
from askdoc.sources.selection import find_files
from askdoc.stores import open_store
from askdoc.stores.folder import manifest as manifests

WORDS = "river bridge mill stone quarry granite engine wheel flood barley village mason miller coal ferry barn".split()
LONG_AGO = 1_600_000_000
RUNS = 3


class Reads:
    """Counts the files below a folder that are opened while it is told to."""

    def __init__(self, folder: Path) -> None:
        self.folder = str(folder)
        self.count = 0
        sys.addaudithook(self)

    def __call__(self, event: str, arguments: tuple[object, ...]) -> None:
        if event == "open" and str(arguments[0]).startswith(self.folder):
            self.count += 1


def make(folder: Path, files: int) -> list[Path]:
    """Files of three paragraphs in about one folder for every 14 of them, last changed long ago."""
    chosen = random.Random(1)  # noqa: S311  # the same words every time
    made = []
    for number in range(files):
        path = folder / f"{number % 100:02}" / f"{number % 7}" / f"{number:05}.{'md' if number % 3 else 'txt'}"
        path.parent.mkdir(parents=True, exist_ok=True)
        text = "\n\n".join(f"{' '.join(chosen.choices(WORDS, k=18))} {number}-{at}." for at in range(3))
        path.write_text(text)
        os.utime(path, (LONG_AGO, LONG_AGO))
        made.append(path)
    return made


def measure(prepare: Callable[[int], object], work: Callable[[], object], reads: Reads) -> dict[str, float]:
    """Seconds and files read, after `prepare(run)`."""
    seconds, processor, opened = [], [], []
    for run in range(RUNS):
        prepare(run)
        reads.count, started, used = 0, time.perf_counter(), time.process_time()
        work()
        seconds.append(time.perf_counter() - started)
        processor.append(time.process_time() - used)
        opened.append(reads.count)
    return {
        "seconds": round(statistics.median(seconds), 3),
        "cpu_seconds": round(statistics.median(processor), 3),
        "files_read": statistics.median(opened),
    }


def shown(index: Path, question: str) -> str:
    with ask.open_index(index, refresh="never", reader="overlap") as opened:
        return "\n".join(hit.passage.text for hit in opened.search(question, passages=50).hits)


def figures(base: Path, files: int) -> dict[str, dict[str, float]]:
    """Every figure by what was done."""
    docs, index = base / "docs", base / "index"
    made = make(docs, files)
    reads = Reads(docs)
    started = time.perf_counter()
    build.index([docs], index, embedder="hashing")
    first = {"seconds": round(time.perf_counter() - started, 3), "files_read": reads.count}

    def update() -> None:
        build.index([], index)

    def change(run: int) -> None:
        made[run].write_text(f"Zebra number {run} crossed the river.")
        os.utime(made[run], (LONG_AGO + run, LONG_AGO + run))

    def rename(run: int) -> None:
        made[10 + run].rename(made[10 + run].with_name(f"renamed{run}{made[10 + run].suffix}"))

    def delete(run: int) -> None:
        made[20 + run].unlink()

    def touch(run: int) -> None:
        for path in docs.rglob("*.*"):
            os.utime(path, (LONG_AGO + 10 + run, LONG_AGO + 10 + run))

    def nothing(run: int) -> None:
        pass

    deleted = [path.read_text().split("\n\n")[0] for path in made[20 : 20 + RUNS]]
    found = {
        "the first index": first,
        "the survey alone": measure(nothing, lambda: find_files([docs]), reads),
        "nothing changed": measure(nothing, update, reads),
        "one file changed": measure(change, update, reads),
        "one file renamed": measure(rename, update, reads),
        "one file deleted": measure(delete, update, reads),
        "all files touched": measure(touch, update, reads),
        "before a question, nothing changed": measure(
            nothing, lambda: freshness.bring_up_to_date(open_store(index), "auto"), reads
        ),
        "before a question, one file changed": measure(
            change_again(made), lambda: freshness.bring_up_to_date(open_store(index), "auto"), reads
        ),
    }
    assert all(text not in shown(index, text) for text in deleted), "a deleted file still answers"
    assert "Zebra again 2" in shown(index, "zebra again")
    assert len(manifests.read_manifest(index).documents) == files - RUNS
    return found


def change_again(made: list[Path]) -> Callable[[int], object]:
    def change(run: int) -> None:
        made[30 + run].write_text(f"Zebra again {run}: it crossed the river.")
        os.utime(made[30 + run], (LONG_AGO + run, LONG_AGO + run))

    return change


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--files", type=int, default=10_000)
    options = parser.parse_args()
    with TemporaryDirectory() as name:
        found = figures(Path(name).resolve(), options.files)
    record.store(f"freshness-{options.files}", {"load": round(os.getloadavg()[0], 1), **found})


if __name__ == "__main__":
    main()
