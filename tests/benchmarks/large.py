"""How askdoc does with large collections: disk, time, memory, and what packing the vectors costs in recall.

    python tests/benchmarks/large.py DATA --passages 1000000 [--work DIR]      # DATA: a folder of SQuAD files
    python tests/benchmarks/large.py DATA --files 10000                        # many small files, the whole command

The first makes a synthetic collection (see `synthetic.py`), indexes it as `askdoc index` does, checkpoints and all, and
asks it real questions. Only the vectors of the passages are not computed by the model, which would take hours. The
second runs `askdoc index` as processes. Every step is a process of its own, so that its memory is its own. The figures
are stored under `results/`.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import shutil
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

sys.path[:0] = [str(Path(__file__).parents[2]), str(Path(__file__).parents[1] / "support")]

import record  # noqa: E402
from contents import opened_folder  # noqa: E402

HERE = Path(__file__).parent
QUESTIONS = 200
DEPTH = 20  # recall is measured in so many passages


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--passages", type=int, default=100_000)
    parser.add_argument("--files", type=int, help="index so many small files instead")
    parser.add_argument(
        "--work", type=Path, help="where the collection is made, and kept [default: a temporary folder]"
    )
    parser.add_argument("--steps", nargs="+", choices=STEPS, default=list(STEPS), help="only these [default: all]")
    parser.add_argument("--step", choices=STEPS, help=argparse.SUPPRESS)
    options = parser.parse_args()
    with TemporaryDirectory(prefix="askdoc-large-") as temporary:
        options.work = (options.work or Path(temporary)).absolute()
        if options.step:
            figures = STEPS[options.step](options.work, options.passages) | used()
            sys.stdout.write(json.dumps(figures) + "\n")
        elif options.files:
            record.store(f"files-{options.files}", many_files(options.work / "many", options.files))
        else:
            record.store(f"passages-{options.passages}", large_collection(options))


def large_collection(options: argparse.Namespace) -> dict[str, Any]:
    import synthetic

    synthetic.prepare(options.data, options.work)
    docs = options.work / "docs"
    if not docs.exists():
        synthetic.write_files(options.work, docs, passages=options.passages, files=max(1, options.passages // 100))
    if "build" in options.steps:
        shutil.rmtree(options.work / "index", ignore_errors=True)
    return {name: step(options, name) for name in options.steps}


def step(options: argparse.Namespace, name: str) -> dict[str, Any]:
    if name == "cold":  # each start is a process
        let_go(options.work)
    command = [sys.executable, __file__, options.data, "--passages", options.passages, "--work", options.work]
    done = subprocess.run([*map(str, command), "--step", name], stdout=subprocess.PIPE, check=True)
    sys.stderr.write(f"{name} {done.stdout.decode()}")
    figures: dict[str, Any] = json.loads(done.stdout)
    return figures


def let_go(folder: Path) -> None:
    """Ask the system to drop a folder's files from its cache."""
    os.sync()
    for path in (path for path in folder.rglob("*") if path.is_file()):
        handle = os.open(path, os.O_RDONLY)
        os.posix_fadvise(handle, 0, 0, os.POSIX_FADV_DONTNEED)
        os.close(handle)


def register(work: Path, passages: int) -> str:
    """Put the synthetic embedder on the table; returns its name."""
    import synthetic

    from askdoc import embedders

    embedders.EMBEDDERS = {**embedders.EMBEDDERS, synthetic.NAME: "synthetic:SyntheticEmbedder"}
    return f"{synthetic.NAME}:{work}:{passages}"


# Steps ----------------------------------------------------------------------------------------------------------------


def build(work: Path, passages: int) -> dict[str, Any]:
    """Index the collection for the first time."""
    return _indexed(work, passages)


def update(work: Path, passages: int) -> dict[str, Any]:
    """Index again after one paragraph of one file changed, and one file went."""
    files = sorted((work / "docs").rglob("*.txt"))
    text = files[0].read_text(encoding="utf-8")
    files[0].write_text(text.replace("Subject 0.", "Subject 0. Something else now:", 1), encoding="utf-8")
    kept = files[-1].read_text(encoding="utf-8")
    files[-1].unlink()
    try:
        return _indexed(work, passages)
    finally:
        files[-1].write_text(kept, encoding="utf-8")
        files[0].write_text(text, encoding="utf-8")
        from askdoc import build

        build.index([], work / "index")  # or the next question would take the files in as they are again


def _indexed(work: Path, passages: int) -> dict[str, Any]:
    from askdoc import build
    from askdoc.stores.folder import generations
    from askdoc.stores.folder.dense import DenseIndex
    from askdoc.stores.folder.lexical import LexicalIndex
    from askdoc.stores.folder.manifest import read_manifest
    from askdoc.stores.folder.writer import FolderWriter

    name = register(work, passages)
    clock = Stopwatch()
    clock.watch(DenseIndex, "_pack", "add", "save", "vectors")
    clock.watch(LexicalIndex, "add", "save", "with_text", "of_document")
    clock.watch(generations.Draft, "commit")
    clock.watch(FolderWriter, "commit", "_save")
    clock.watch(build, "find_changes", "read_document", "split")
    clock.watch(generations, "check")
    report = build.index([work / "docs"], work / "index", embedder=name)
    files = {path: path.stat().st_size for path in (work / "index").rglob("*") if path.is_file()}
    parts = {part: sum(size for path, size in files.items() if part in path.parts) for part in ("dense", "lexical")}
    manifest = read_manifest(work / "index")
    return {
        "seconds": round(report.seconds, 2),
        "added": report.added, "changed": report.changed, "removed": report.removed,
        "passages": report.passages, "embedded": report.embedded, "generation": manifest.generation,
        "structure": manifest.recipe.structure,
        "in": clock.sums(),
        "mb": {part: round(size / 1e6, 1) for part, size in ({"index": sum(files.values())} | parts).items()},
        "text_mb": round(sum(path.stat().st_size for path in (work / "docs").rglob("*.txt")) / 1e6, 1),
    }  # fmt: skip


def cold(work: Path, passages: int) -> dict[str, Any]:
    """Open the index and search once; with nothing in the system's cache but Python."""
    return _first(work, passages)


def again(work: Path, passages: int) -> dict[str, Any]:
    """The same once more, with the files in the cache."""
    return _first(work, passages)


def _first(work: Path, passages: int) -> dict[str, Any]:
    import synthetic

    question = synthetic.questions(work, QUESTIONS)[7]
    started = time.perf_counter()
    from askdoc import ask, embedders
    from askdoc.embedders import open_embedder
    from askdoc.sources.changes import find_changes
    from askdoc.stores.folder.generations import check
    from askdoc.stores.folder.manifest import read_manifest

    register(work, passages)
    imported = time.perf_counter()
    manifest = read_manifest(work / "index")
    read = time.perf_counter()
    check(work / "index", manifest)
    checked = time.perf_counter()
    find_changes(manifest.known(work / "index"), walk=False)
    looked = time.perf_counter()
    synthetic_one, bundled = open_embedder(manifest.recipe.embedder), seconds(open_embedder)
    embedders.open_embedder = lambda _: synthetic_one  # type: ignore[misc, assignment]  # the real one is counted by itself
    before = time.perf_counter()
    with ask.open_index(work / "index") as index:
        opened = time.perf_counter()
        reply = index.search(question)
        found = time.perf_counter()
    return {
        "import_s": round(imported - started, 3),
        "manifest_s": round(read - imported, 3), "check_s": round(checked - read, 3),
        "changes_s": round(looked - checked, 3), "embedder_s": round(bundled, 3),
        "open_s": round(opened - before, 3), "first_search_s": round(found - opened, 3),
        "stale": reply.index.stale, "hits": len(reply.hits),
    }  # fmt: skip


def search(work: Path, passages: int) -> dict[str, Any]:
    """Ask many questions, one after another."""
    import synthetic

    from askdoc import ask
    from askdoc.types import Query

    register(work, passages)
    asked = synthetic.questions(work, QUESTIONS)
    clock = Stopwatch()
    with ask.open_index(work / "index", refresh="never") as index:
        pool = index.settings.pool
        opened = opened_folder(index)
        dense, lexical = opened.dense, opened.lexical
        for each, names in ((dense, ["search"]), (lexical, ["search"]), (index, ["search", "ask"])):
            clock.watch(each, *names)
        for text in asked:
            query = Query(text, index.embedder.embed_query(text))
            dense.search(query, pool)
            lexical.search(query, pool)
            index.search(text)
        for text in asked[::10]:
            index.ask(text)
    return {"questions": len(asked), "pool": pool, "p50_p95_ms": clock.percentiles()}


def recall(work: Path, passages: int) -> dict[str, Any]:
    """Compare what the index finds with what a comparison of all vectors would."""
    import synthetic

    from askdoc import ask
    from askdoc.types import Query

    register(work, passages)
    rng = np.random.default_rng(3)
    with ask.open_index(work / "index", refresh="never") as index:
        embedder: Any = index.embedder
        real = np.array([embedder.embed_query(text) for text in synthetic.questions(work, QUESTIONS)])
        subjects = embedder._subjects[rng.integers(len(embedder._subjects), size=QUESTIONS)]
        drawn = embedder._near(subjects, rng.standard_normal(subjects.shape, dtype=np.float32), 1.2)
        queries = np.concatenate([real, drawn])
        best = np.full((len(queries), DEPTH), -1.0, dtype=np.float32)
        ids = np.zeros((len(queries), DEPTH), dtype=np.int64)
        opened = opened_folder(index)
        for entry in opened.documents():
            stored = opened.lexical.of_document(entry.id)
            vectors = embedder.embed_passages([one.text for one in stored])
            scores = np.hstack([best, queries @ vectors.T])
            here = np.hstack([ids, np.tile([one.id for one in stored], (len(queries), 1))])
            order = np.argsort(-scores, axis=1, kind="stable")[:, :DEPTH]
            best, ids = np.take_along_axis(scores, order, 1), np.take_along_axis(here, order, 1)
        found = [{one.id for one in opened.dense.search(Query("", query), DEPTH)} for query in queries]
    shares = [len(set(row.tolist()) & got) / DEPTH for row, got in zip(ids, found, strict=True)]
    return {
        "depth": DEPTH,
        "real_questions": round(float(np.mean(shares[:QUESTIONS])), 4),
        "drawn_questions": round(float(np.mean(shares[QUESTIONS:])), 4),
        "worst_tenth": round(float(np.mean(sorted(shares)[: len(shares) // 10])), 4),
    }


STEPS: dict[str, Callable[[Path, int], dict[str, Any]]] = {
    "build": build, "cold": cold, "again": again, "search": search, "recall": recall, "update": update,
}  # fmt: skip


# Many small files -----------------------------------------------------------------------------------------------------


def many_files(work: Path, number: int) -> dict[str, Any]:
    """Index many small files with the command itself; then with nothing, one and a hundred of them changed."""
    docs = work / "docs"
    for at in range(number):
        place = docs / f"{at // 100:03d}"
        place.mkdir(parents=True, exist_ok=True)
        text = "\n\n".join(
            f"Note {at}.{part}: the {at % 97}th {part} of {at % 89} mills was paid for." for part in "abc"
        )
        (place / f"{at:05d}.txt").write_text(text, encoding="utf-8")
    figures = {"first": _command(work, docs, "--embedder", "hashing"), "nothing_changed": _command(work)}
    figures["settled"] = _command(work)  # by now no file is so new that it must be read to know that it is the same
    for name, changed in (("one_changed", 1), ("hundred_changed", 100)):
        for path in sorted(docs.rglob("*.txt"))[:changed]:
            path.write_text(f"{path.read_text(encoding='utf-8')}\n\nAnd {name}.", encoding="utf-8")
        figures[name] = _command(work)
    return figures


def _command(work: Path, *words: str | Path) -> dict[str, Any]:
    command = [sys.executable, "-m", "askdoc", "index", *map(str, words)]
    environment = os.environ | {"PYTHONPATH": str(HERE.parent.parent)}
    started = time.perf_counter()
    process = subprocess.Popen(command, cwd=work, env=environment, stderr=subprocess.PIPE)
    assert process.stderr is not None
    said = process.stderr.read().decode()
    _, status, usage = os.wait4(process.pid, 0)
    took = time.perf_counter() - started
    sys.stderr.write(said)
    return {"seconds": round(took, 2), "status": status, **used(usage), "said": said.strip()}


# Measuring ------------------------------------------------------------------------------------------------------------


class Stopwatch:
    """Notes the time that functions take, by the clock and of the processors, those that they call included."""

    def __init__(self) -> None:
        self.clock: dict[str, list[float]] = defaultdict(list)
        self.cpu: dict[str, list[float]] = defaultdict(list)

    def watch(self, holder: Any, *names: str) -> None:
        title = getattr(holder, "__name__", type(holder).__name__).split(".")[-1]
        for name in names:
            setattr(holder, name, self._timed(getattr(holder, name), f"{title}.{name}"))

    def _timed(self, function: Callable[..., Any], label: str) -> Callable[..., Any]:
        def timed(*arguments: Any, **options: Any) -> Any:
            started, cpu = time.perf_counter(), time.process_time()
            try:
                return function(*arguments, **options)
            finally:
                self.clock[label].append(time.perf_counter() - started)
                self.cpu[label].append(time.process_time() - cpu)

        return timed

    def sums(self) -> dict[str, dict[str, float]]:
        return {
            label: {"calls": len(took), "s": round(sum(took), 2), "cpu_s": round(sum(self.cpu[label]), 2)}
            for label, took in self.clock.items()
        }

    def percentiles(self) -> dict[str, dict[str, list[float]]]:
        """The median and the 95th percentile, milliseconds."""

        def of(took: list[float]) -> list[float]:
            return [round(1000 * float(np.percentile(took, q)), 1) for q in (50, 95)]

        return {label: {"clock": of(took), "cpu": of(self.cpu[label])} for label, took in self.clock.items()}


def seconds(work: Callable[[], Any]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def used(usage: resource.struct_rusage | None = None) -> dict[str, float]:
    """The processor time, which other programs do not stretch, and the memory of a process; by default of this one."""
    usage = usage or resource.getrusage(resource.RUSAGE_SELF)
    return {"cpu_s": round(usage.ru_utime + usage.ru_stime, 2), "peak_mb": round(usage.ru_maxrss / 1024)}


if __name__ == "__main__":
    main()
