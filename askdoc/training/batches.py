"""Examples → padded tensors: cropped passages, windows, soft span targets, batches of similar length.

A window holds a question and a stretch of a passage in tokens, `<s> question </s> </s> passage </s>` with the bundled
tokenizer; it is cut as the bundled reader cuts it. Position 0 means "no answer here". Token types are not used.
"""

from __future__ import annotations

import gzip
import json
import random
import re
from array import array
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TypeVar

import torch
from torch import Tensor

from askdoc.evaluation.squad import UNSPACED
from askdoc.models.library import read_tokenizer
from askdoc.models.words import TextTokenizer, Window
from askdoc.readers.windows import QUESTION_TOKENS

FRAME = 6  # kept free for the special tokens, and for the pieces that a word cut at either end may take more
_WORD, _PAIR = re.compile(rf"[^\W{UNSPACED}]+"), re.compile(rf"(?=([{UNSPACED}]{{2}}))")
_Item = TypeVar("_Item")


@dataclass(frozen=True, slots=True)
class Example:
    """A question on a passage.

    `spans` are its annotated answers as character offsets [start, end), with repetitions where annotators agree; none
    means that the passage does not answer.
    """

    question: str
    passage: str
    spans: tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class Feature:
    """A window with its targets: pairs of a token position and its share; the shares of starts and of ends sum to 1."""

    ids: array[int]
    starts: tuple[tuple[int, float], ...]
    ends: tuple[tuple[int, float], ...]

    @property
    def answerable(self) -> bool:
        """Whether the window holds an answer."""
        return self.starts[0][0] > 0


@dataclass(frozen=True, slots=True)
class Inputs:
    """A padded batch of windows: `ids` and `mask` (1 on tokens), each (windows, length)."""

    ids: Tensor
    mask: Tensor

    def to(self, device: torch.device) -> Inputs:
        """The same batch on another device."""
        return Inputs(self.ids.to(device), self.mask.to(device))


@dataclass(frozen=True, slots=True)
class Batch:
    """A padded batch with its target distributions: `starts` and `ends` are (windows, length), each row sums to 1."""

    inputs: Inputs
    starts: Tensor
    ends: Tensor

    def to(self, device: torch.device) -> Batch:
        """The same batch on another device."""
        return Batch(self.inputs.to(device), self.starts.to(device), self.ends.to(device))


def seeded(*parts: object) -> random.Random:
    """A random generator seeded by the parts, the same on every machine."""
    return random.Random("/".join(map(str, parts)))  # noqa: S311  # to be repeatable, not secret


def words(text: str) -> list[str]:
    """The text's words in lower case; of scripts without spaces, all pairs of letters side by side."""
    return _WORD.findall(text.lower()) + _PAIR.findall(text.lower())


def load_tokenizer(folder: Path) -> TextTokenizer:
    """The tokenizer of a model folder."""
    return read_tokenizer((folder / "tokenizer.json").read_bytes())


def windows(question: str, passage: str, tokenizer: TextTokenizer, *, length: int, stride: int = 0) -> list[Window]:
    """Every window of at most `length` tokens over the passage, in order; neighbours share `stride` tokens.

    A short passage gives one window, one without tokens none.
    """
    return list(tokenizer.windows(question, passage, length=length, stride=stride, max_question=QUESTION_TOKENS))


def crop(example: Example, tokenizer: TextTokenizer, *, length: int, rng: random.Random) -> Example:
    """The example with a part of its passage that fits into one window of `length` tokens.

    With an answer, the part holds the first annotated one, anywhere in it, if there is room for it. Without, it is the
    part, of about one every eighth of `length`, that shares most of the question's words, so that an unanswerable
    question stays a hard one.
    """
    offsets = tokenizer.tokens(example.passage).offsets
    room = length - min(QUESTION_TOKENS, len(tokenizer.tokens(example.question).offsets)) - FRAME
    if len(offsets) <= room:
        return example
    last = len(offsets) - room
    if example.spans:
        start, end = example.spans[0]
        touched = [number for number, (left, right) in enumerate(offsets) if left < end and right > start] or [0]
        lowest = max(0, touched[-1] + 1 - room)
        first = rng.randint(lowest, max(lowest, min(last, touched[0])))
    else:
        asked = set(words(example.question))
        starts = sorted({rng.randint(0, last) for _ in range(1 + 8 * len(offsets) // length)})
        shared = [
            len(asked.intersection(words(example.passage[offsets[at][0] : offsets[at + room - 1][1]]))) for at in starts
        ]
        first = starts[shared.index(max(shared))]
    left, right = offsets[first][0], offsets[first + room - 1][1]
    inside = tuple((start - left, end - left) for start, end in example.spans if left <= start and end <= right)
    return Example(example.question, example.passage[left:right], inside)


def feature(example: Example, tokenizer: TextTokenizer, *, length: int, rng: random.Random) -> Feature | None:
    """One training window for the example, its passage cropped; None if that has no tokens, or its answer no room."""
    cropped = crop(example, tokenizer, length=length, rng=rng)
    parts = windows(cropped.question, cropped.passage, tokenizer, length=length)
    made = labelled(parts[0], cropped.spans) if parts else None
    return made if made and made.answerable == bool(example.spans) else None


def labelled(window: Window, spans: Sequence[tuple[int, int]]) -> Feature:
    """The window with targets: the spans that lie wholly in it, each weighted by how often it was annotated."""
    inside = [found for start, end in spans if (found := token_span(window, start, end))]
    ids = array("i", window.ids)
    if not inside:
        return Feature(ids, starts=((0, 1.0),), ends=((0, 1.0),))
    share = 1.0 / len(inside)
    return Feature(ids, tuple((start, share) for start, _ in inside), tuple((end, share) for _, end in inside))


def token_span(window: Window, start: int, end: int) -> tuple[int, int] | None:
    """The first and last position in `window.ids` of the characters [start, end), None if they are not all inside."""
    touched = [number for number, (left, right) in enumerate(window.offsets) if left < end and right > start]
    if not touched or window.offsets[0][0] > start or window.offsets[-1][1] < end:
        return None
    return window.first + touched[0], window.first + touched[-1]


def pad(some: Sequence[Window | Feature]) -> Inputs:
    """The windows as one batch, padded to the longest."""
    length = max(len(window.ids) for window in some)
    ids, mask = (torch.zeros(len(some), length, dtype=torch.long) for _ in range(2))
    for row, window in enumerate(some):
        ids[row, : len(window.ids)] = torch.tensor(window.ids)
        mask[row, : len(window.ids)] = 1
    return Inputs(ids, mask)


def collate(features: Sequence[Feature]) -> Batch:
    """The features as one padded batch with dense targets."""
    inputs = pad(features)
    starts, ends = torch.zeros(inputs.ids.shape), torch.zeros(inputs.ids.shape)
    for row, item in enumerate(features):
        for position, share in item.starts:
            starts[row, position] += share
        for position, share in item.ends:
            ends[row, position] += share
    return Batch(inputs, starts, ends)


def batched(items: Iterable[_Item], size: Callable[[_Item], int], *, tokens: int) -> list[list[_Item]]:
    """The items, by size, in batches of at most `tokens` tokens, each counted as long as the longest of its batch."""
    batches: list[list[_Item]] = []
    for item in sorted(items, key=size):  # so the newest is the longest of its batch
        if not batches or size(item) * (len(batches[-1]) + 1) > tokens:
            batches.append([])
        batches[-1].append(item)
    return batches


def write_features(path: Path, batches: Iterable[Sequence[Feature]]) -> int:
    """Write windows with their targets, one a line, gzipped; returns how many."""
    count = 0
    with gzip.open(path, "wt", encoding="utf-8", compresslevel=3) as out:
        for batch in batches:
            for item in batch:
                out.write(json.dumps({**asdict(item), "ids": item.ids.tolist()}) + "\n")
                count += 1
    return count


def load_features(path: Path) -> list[Feature]:
    """What `write_features` wrote. Raises OSError, or ValueError naming the line."""
    features = []
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        for number, line in enumerate(lines, start=1):
            try:
                read = json.loads(line)
                starts, ends = (tuple((int(at), float(value)) for at, value in read[key]) for key in ("starts", "ends"))
                features.append(Feature(array("i", read["ids"]), starts, ends))
            except (KeyError, TypeError, ValueError) as error:
                raise ValueError(f"{path}: line {number} is no window with targets: {error}") from error
    return features
