"""Sound files of each format that has a loader: those of this project, and those of the contract suite."""

from __future__ import annotations

import sys
from pathlib import Path

from programs import ROOT

from askdoc.loaders import LOADERS

LARGEST = 500_000  # bytes


def samples(entry: str) -> list[bytes]:
    """Sound files for the loader `entry` ("module:function"), the same list in every run."""
    sys.path.append(str(ROOT / "tests" / "contracts"))
    from test_loaders import SAMPLES  # type: ignore[import-not-found]  # found only now

    endings = [ending for ending, loader in LOADERS.items() if loader == entry]
    places = (*ROOT.glob("*.*"), *(ROOT / "seeds").rglob("*"), *(ROOT / "tests").rglob("*"))
    files = sorted(path for path in places if path.suffix.lower() in endings and _is_small(path))
    return [*(SAMPLES[ending] for ending in endings if ending in SAMPLES), *(path.read_bytes() for path in files)]


def _is_small(path: Path) -> bool:
    inside = path.relative_to(ROOT).parts
    return not {"results", "failing"}.intersection(inside) and path.is_file() and path.stat().st_size <= LARGEST
