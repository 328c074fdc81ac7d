"""The mean of several model folders' weights, as a model folder.

    python -m askdoc.training.average OUT MODEL_FOLDER MODEL_FOLDER… [--shares 0.6 0.4]

Models that were trained from one another lie close enough for it: the mean is often as good on what each was trained
for as the better one ("model soups", Wortsman et al. 2022), and half-way back to what it was trained from, a model
keeps most of what it gained and loses less on text unlike its training's ("robust fine-tuning", same year and author).
All other files, and what is stored beside the weights, are those of the last folder.
"""

from __future__ import annotations

import argparse
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

WEIGHTS = "model.safetensors"


def average(folders: Sequence[Path], out: Path, shares: Sequence[float] | None = None) -> None:
    """Write the mean to `out`, made anew. shares: of the models in it (equal), in any unit.

    Raises ValueError if the models do not have the same weights by name, or another number of shares is given.
    """
    shares = shares or [1.0] * len(folders)
    if len(shares) != len(folders):
        raise ValueError(f"{len(shares)} shares for {len(folders)} models")
    stored = [load_file(folder / WEIGHTS) for folder in folders]
    states = [_weights(each) for each in stored]
    for folder, state in zip(folders, states, strict=True):
        if state.keys() != states[0].keys():
            raise ValueError(f"{folder} has other weights than {folders[0]}")
    shutil.rmtree(out, ignore_errors=True)
    shutil.copytree(folders[-1], out)
    parts = {
        name: [share * state[name].float() for share, state in zip(shares, states, strict=True)] for name in states[0]
    }
    mean = {name: torch.stack(found).sum(dim=0) / sum(shares) for name, found in parts.items()}
    save_file(stored[-1] | mean, out / WEIGHTS, metadata={"format": "pt"})


def _weights(stored: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """What training changes: older folders also hold a table of positions, whole numbers."""
    return {name: value for name, value in stored.items() if value.is_floating_point()}


def main(arguments: Sequence[str] | None = None) -> None:
    """The command line; see the module's docstring."""
    parser = argparse.ArgumentParser(description="Average the weights of models.")
    parser.add_argument("out", type=Path)
    parser.add_argument("models", type=Path, nargs="+")
    parser.add_argument("--shares", type=float, nargs="+", help="of each model in the mean (equal)")
    options = parser.parse_args(arguments)
    average(options.models, options.out, options.shares)


if __name__ == "__main__":
    main()
