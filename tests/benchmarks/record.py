"""Where the benchmarks leave what they measured: one file under `results/` a run, with its date, commit and machine."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

sys.path.append(str(Path(__file__).parents[1] / "support"))
from results import current_commit, machine  # found only now

RESULTS = Path(__file__).parent / "results"


def store(name: str, figures: Mapping[str, Any]) -> None:
    """Write the figures to a new file named after the moment, the commit and `name`."""
    commit, now = current_commit(), datetime.now(UTC)
    record = {
        "made": now.isoformat(timespec="seconds"),
        "commit": commit and {"sha": commit.sha, "dirty": commit.dirty},
        "machine": machine(),
        "figures": figures,
    }
    short = commit.sha[:7] if commit else "unknown"
    path = RESULTS / f"{now:%Y%m%dT%H%M%SZ}-{short}-{name}.json"
    path.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
    sys.stderr.write(f"{path}\n")
