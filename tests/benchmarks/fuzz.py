"""Does any file make a loader hang, crash, grow or raise what it may not? Run as a program.

    python tests/benchmarks/fuzz.py [--inputs 10000] [--seed 0] [--seconds 5] [--only MODULE] [--results FILE]
    python tests/benchmarks/fuzz.py --replay

The inputs are shared evenly among the loaders: sound files with damage (see `tests/support/mutations.py`), one in
twenty random bytes. Each loader runs in its own worker process (`askdoc.loaders.sandbox`, simple loaders too) with
limits on processor time and, of 1 GiB, on memory. Good is a text, or a LoadError that the loader itself raised;
anything else is a failure, and the input that led to it is kept in `tests/benchmarks/failing/`, where --replay tries
it again. The same seed gives the same inputs. One line of JSON for each loader: {"loader", "runs", "texts",
"refused", "slowest_ms", "failures"}, where "slowest_ms" is by the clock and counts what else the machine had to do.
"""

from __future__ import annotations

import argparse
import json
import platform
import random
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tests" / "support")]

from mutations import damaged  # noqa: E402
from samples import samples  # noqa: E402

from askdoc import loaders  # noqa: E402
from askdoc.errors import LoadError  # noqa: E402
from askdoc.loaders.sandbox import MIB, Limits, LoaderProcess, MisbehavedError  # noqa: E402

FAILING = Path(__file__).parent / "failing"
MEMORY = 1024 * MIB
RANDOM_BYTES = 0.05  # share of the inputs


def fuzz(entry: str, count: int, *, seed: int, seconds: float) -> dict[str, Any]:
    """Try `count` inputs on a loader."""
    seeds = samples(entry)
    if not seeds:
        return {"loader": entry, "runs": 0, "failures": ["there is no sound file to start from"]}
    ends: Counter[str] = Counter()
    slowest, failures = 0.0, []
    with LoaderProcess(Limits(seconds=seconds, memory=MEMORY)) as process:
        for number in range(count):
            data = _input(seeds, random.Random(f"{seed} {entry} {number}"))  # noqa: S311  # no secret
            started = time.perf_counter()
            end = tried(process, entry, data)
            slowest = max(slowest, time.perf_counter() - started)
            ends[end if end in ("text", "refused") else "failed"] += 1
            if end not in ("text", "refused"):
                name = f"{entry.rpartition('.')[2].partition(':')[0]}-{seed}-{number}"
                failures.append({"input": name, "reason": end, "bytes": len(data)})
                FAILING.mkdir(exist_ok=True)
                (FAILING / name).write_bytes(data)
                (FAILING / f"{name}.loader").write_text(entry)
    return {
        "loader": entry,
        "runs": count,
        "texts": ends["text"],
        "refused": ends["refused"],
        "slowest_ms": round(slowest * 1000),
        "failures": failures,
    }


def _input(seeds: list[bytes], chance: random.Random) -> bytes:
    sound = chance.choice(seeds)
    if chance.random() < RANDOM_BYTES:
        return sound[: chance.choice((0, 4, 8))] + chance.randbytes(chance.randrange(5000))
    return damaged(sound, seeds, chance)


def tried(process: LoaderProcess, entry: str, data: bytes) -> str:
    """How it ended: "text", "refused", or what the loader did wrong."""
    try:
        process.load(entry, data)
    except MisbehavedError as error:
        return error.message
    except LoadError:
        return "refused"
    return "text"


def replay(seconds: float) -> int:
    """Try the kept inputs again; how many still fail."""
    left = 0
    with LoaderProcess(Limits(seconds=seconds, memory=MEMORY)) as process:
        for path in sorted(FAILING.glob("*.loader")):
            end = tried(process, path.read_text(), path.with_suffix("").read_bytes())
            left += end not in ("text", "refused")
            sys.stdout.write(json.dumps({"input": path.stem, "loader": path.read_text(), "now": end}) + "\n")
    return left


def main() -> int:
    """Run all loaders; exit status 1 if any failed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--inputs", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--seconds", type=float, default=5.0)
    parser.add_argument("--only", default="", help="loaders whose name contains this")
    parser.add_argument("--results", type=Path)
    parser.add_argument("--replay", action="store_true")
    wanted = parser.parse_args()
    loaders._SIMPLE = {}  # the simple ones are tried in a worker too, to be stopped if they hang
    if wanted.replay:
        return int(bool(replay(wanted.seconds)))
    entries = [entry for entry in sorted(set(loaders.LOADERS.values())) if wanted.only in entry]
    told = []
    for number, entry in enumerate(entries):
        count = wanted.inputs * (number + 1) // len(entries) - wanted.inputs * number // len(entries)
        told.append(fuzz(entry, count, seed=wanted.seed, seconds=wanted.seconds))
        sys.stdout.write(json.dumps(told[-1]) + "\n")
        sys.stdout.flush()
    total = {"runs": sum(one["runs"] for one in told), "failures": sum(len(one["failures"]) for one in told)}
    sys.stdout.write(json.dumps(total) + "\n")
    if wanted.results:
        made = {"seed": wanted.seed, "seconds": wanted.seconds, "memory_mib": MEMORY // MIB}
        made |= {"system": platform.system(), "python": platform.python_version()}
        wanted.results.write_text(json.dumps({**made, **total, "loaders": told}, indent=1) + "\n")
    return int(total["failures"] > 0)


if __name__ == "__main__":
    sys.exit(main())
