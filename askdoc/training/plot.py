"""Draws a training run: its loss and its figures on the dev samples, over the word pieces seen.

python -m askdoc.training.plot RUN_FOLDER… --out PLOT.png
"""

from __future__ import annotations

import argparse
import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

_PLACE = ("time", "kind", "tokens", "steps", "round")


def read_log(folder: Path) -> list[dict[str, Any]]:
    """The lines of a run folder's log. Raises OSError, or ValueError on a damaged line."""
    text = (folder / "log.jsonl").read_text(encoding="utf-8")
    return [json.loads(line) for line in text.splitlines() if line.strip()]


def dev_curves(log: Sequence[Mapping[str, Any]]) -> dict[str, list[tuple[int, float]]]:
    """Every figure of the "dev" lines, as pairs of word pieces seen and value, by its name (with its set's, if any)."""
    curves: dict[str, list[tuple[int, float]]] = defaultdict(list)
    for line in log:
        if line["kind"] == "dev":
            for name, value in _figures(line).items():
                curves[name].append((line["tokens"], value))
    return dict(curves)


def _figures(line: Mapping[str, Any]) -> dict[str, float]:
    found: dict[str, float] = {}
    for name, value in line.items():
        if isinstance(value, Mapping):
            found |= {f"{name} {part}": float(one) for part, one in value.items() if part != "questions"}
        elif name not in _PLACE:
            found[name] = float(value)
    return found


def draw(folders: Sequence[Path], path: Path) -> None:
    """Draw the runs to a PNG or SVG file: loss on the left, dev figures on the right. Needs matplotlib."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(12, 5), layout="constrained")
    FigureCanvasAgg(figure)  # draws to memory: no display, no global state
    losses, scores = figure.subplots(1, 2)
    for folder in folders:
        log = read_log(folder)
        prefix = f"{folder.name} " if len(folders) > 1 else ""
        seen = [(line["tokens"] / 1e6, line["loss"]) for line in log if line["kind"] == "train"]
        losses.plot(*zip(*seen, strict=True), label=f"{prefix}loss", linewidth=1)
        for name, points in dev_curves(log).items():
            scores.plot(*zip(*((x / 1e6, y) for x, y in points), strict=True), label=prefix + name, marker="o")
    for axes, label in ((losses, "loss"), (scores, "percent of the dev sample")):
        axes.set(xlabel="million word pieces seen", ylabel=label)
        axes.legend(fontsize=7)
    figure.savefig(path, dpi=140)


def main(arguments: Sequence[str] | None = None) -> None:
    """The command line; see the module's docstring."""
    parser = argparse.ArgumentParser(description="Draw training runs.")
    parser.add_argument("runs", type=Path, nargs="+")
    parser.add_argument("--out", type=Path, required=True, help="PNG or SVG")
    options = parser.parse_args(arguments)
    draw(options.runs, options.out)


if __name__ == "__main__":
    main()
