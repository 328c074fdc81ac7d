"""The mean of several readers' weights, as a reader's folder.

    python -m askdoc.training.average OUT READER_FOLDER READER_FOLDER… [--shares 0.6 0.4]

It works for readers of which one was trained from the other. On the data of each, the mean is often as good as the
better reader ("model soups", Wortsman et al. 2022). A mean with the reader that it was trained from keeps most of the
gain and loses less on text unlike the training data ("robust fine-tuning", same author and year).
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

import torch
from safetensors.torch import save_file

from askdoc.training.network import LAYERS, load_layers


def average(folders: Sequence[Path], out: Path, shares: Sequence[float] | None = None) -> None:
    """Write the mean to the new folder `out`. shares: of the readers in it (equal), in any unit.

    Raises ValueError if the readers do not have the same weights by name, or another number of shares is given.
    """
    shares = shares or [1.0] * len(folders)
    if len(shares) != len(folders):
        raise ValueError(f"{len(shares)} shares for {len(folders)} readers")
    readers = [load_layers(folder) for folder in folders]
    for folder, weights in zip(folders, readers, strict=True):
        if weights.keys() != readers[0].keys():
            raise ValueError(f"{folder} has other weights than {folders[0]}")
    parts = [share / sum(shares) for share in shares]
    mean = {
        name: torch.stack([part * weights[name] for part, weights in zip(parts, readers, strict=True)]).sum(dim=0)
        for name in readers[0]
    }
    out.mkdir(parents=True)
    save_file(mean, out / LAYERS)


def main(arguments: Sequence[str] | None = None) -> None:
    """The command line; see the module's docstring."""
    parser = argparse.ArgumentParser(description="Average the weights of readers.")
    parser.add_argument("out", type=Path, help="folder to write")
    parser.add_argument("readers", type=Path, nargs="+", help="folders, as a run writes them")
    parser.add_argument("--shares", type=float, nargs="+", help="of each reader in the mean (equal)")
    options = parser.parse_args(arguments)
    average(options.readers, options.out, options.shares)


if __name__ == "__main__":
    main()
