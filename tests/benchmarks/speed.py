"""How long a question takes: from a cold start, against another tool if wanted, and the reading of five passages.

    python tests/benchmarks/speed.py [--against 'COMMAND'] [--runs 15]

Needs askdoc installed, and the index of this repository. The commands run in turns, each in a process of its own, so
that what else the machine does hits all of them alike; quoted are medians of the clock, of the processor time of all
cores, and the highest memory of one process. The result is stored under `results/`.
"""

from __future__ import annotations

import argparse
import os
import random
import shlex
import statistics
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

import record

ROOT = Path(__file__).parents[2]
QUESTION = "Who is a key ally of Russia?"
PASSAGES = 5
READINGS = 40


def once(command: Sequence[str]) -> dict[str, float]:
    """Run a command to its end: seconds of the clock and of the processor, and its highest memory in MB.

    Raises RuntimeError if it fails.
    """
    started = time.perf_counter()
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    assert process.stderr
    said = process.stderr.read()
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise RuntimeError(f"{shlex.join(command)}: exit {process.returncode}\n{said}")
    return {
        "seconds": time.perf_counter() - started,
        "cpu_seconds": used.ru_utime + used.ru_stime,
        "memory_mb": used.ru_maxrss / 1000,
    }


def in_turns(commands: dict[str, list[str]], runs: int) -> dict[str, dict[str, float]]:
    """Medians of each command's runs, after one that is not counted."""
    seen: dict[str, list[dict[str, float]]] = {name: [] for name in commands}
    for run in range(runs + 1):
        for name, command in commands.items():
            found = once(command)
            if run:
                seen[name].append(found)
    return {
        name: {key: round(statistics.median(one[key] for one in found), 3) for key in found[0]}
        for name, found in seen.items()
    }


def reading() -> dict[str, float]:
    """Milliseconds that the bundled reader takes for a question and five random paragraphs of SQuAD."""
    from askdoc.evaluation.squad import load_squad
    from askdoc.readers.onnx import OnnxReader

    data, reader = load_squad(ROOT / "tests" / "quality" / "squad_sample.json"), OnnxReader()
    chosen = random.Random(0)  # noqa: S311  # the same every time
    seconds = []
    for question in chosen.sample(list(data.questions), READINGS):
        passages = [paragraph.text for paragraph in chosen.sample(list(data.paragraphs), PASSAGES)]
        started = time.perf_counter()
        reader.read(question.text, passages)
        seconds.append(time.perf_counter() - started)
    words = statistics.mean(len(paragraph.text.split()) for paragraph in data.paragraphs)
    return {
        "passages": PASSAGES,
        "words_a_passage": round(words),
        "median_ms": round(1000 * statistics.median(seconds)),
        "highest_ms": round(1000 * max(seconds)),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=15)
    parser.add_argument("--against", type=shlex.split, help="another tool's command for the same question")
    options = parser.parse_args()
    askdoc = [sys.executable, "-m", "askdoc"]
    commands = {"askdoc --help": [*askdoc, "--help"], "askdoc QUESTION": [*askdoc, QUESTION]}
    if options.against:
        commands["the other"] = options.against
    record.store("speed", in_turns(commands, options.runs) | {"reading": reading()})


if __name__ == "__main__":
    main()
