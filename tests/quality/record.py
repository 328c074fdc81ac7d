"""Evaluates askdoc and stores the figures in `results/`, with date, commit, weights and machine.

python tests/quality/record.py DATA [--sample N] [--seed N] [--off-topic FILE] [--embedder NAME] [--reader NAME]
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

sys.path.append(str(Path(__file__).parents[1] / "support"))
from results import write_result  # found only now

from askdoc.evaluation.run import Plan, evaluate
from askdoc.outputs.messages import progress_on

RESULTS = Path(__file__).parent / "results"


def main() -> None:
    """Run as a program; see the top of this file."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--sample", type=int)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--off-topic", type=Path)
    parser.add_argument("--embedder")
    parser.add_argument("--reader")
    given = parser.parse_args()
    plan = Plan(given.sample, given.seed, given.off_topic, given.embedder, given.reader)
    with progress_on(sys.stderr) as progress:
        run = evaluate(given.data, plan, progress=progress)
    sys.stderr.write(f"{write_result(run, RESULTS)}\n")


if __name__ == "__main__":
    main()
