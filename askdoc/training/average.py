"""The mean of several model folders' weights, as a model folder.

    python -m askdoc.training.average OUT MODEL_FOLDER MODEL_FOLDER…

Models that were trained from one another lie close enough for it: the mean is often as good on what each was trained
for as the better one ("model soups", Wortsman et al. 2022). All other files are those of the last folder.
"""

from __future__ import annotations

import argparse
import shutil
from collections.abc import Sequence
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file

WEIGHTS = "model.safetensors"


def average(folders: Sequence[Path], out: Path) -> None:
    """Write the mean to `out`, made anew. Raises ValueError if the models do not have the same weights by name."""
    states = [load_file(folder / WEIGHTS) for folder in folders]
    for folder, state in zip(folders, states, strict=True):
        if state.keys() != states[0].keys():
            raise ValueError(f"{folder} has other weights than {folders[0]}")
    shutil.rmtree(out, ignore_errors=True)
    shutil.copytree(folders[-1], out)
    mean = {name: torch.stack([state[name].float() for state in states]).mean(dim=0) for name in states[0]}
    save_file(mean, out / WEIGHTS, metadata={"format": "pt"})


def main(arguments: Sequence[str] | None = None) -> None:
    """The command line; see the module's docstring."""
    parser = argparse.ArgumentParser(description="Average the weights of models.")
    parser.add_argument("out", type=Path)
    parser.add_argument("models", type=Path, nargs="+")
    options = parser.parse_args(arguments)
    average(options.models, options.out)


if __name__ == "__main__":
    main()
