"""From examples to padded tensors: windows over long passages, soft span targets, batches of like length.

A window is `[CLS] question [SEP] part of the passage [SEP]`. Position 0, the [CLS], stands for "no answer here".
"""

from __future__ import annotations

import gzip
import json
import random
from array import array
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from tokenizers import Tokenizer
from torch import Tensor

QUESTION_TOKENS = 64  # longer questions are cut


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
class Window:
    """One input of the reader, and how its tokens map back to the passage.

    `ids` has [CLS], the question, [SEP], part of the passage, [SEP]. Token `passage_from + i` of it covers the
    passage's characters `offsets[i]`.
    """

    ids: array[int]
    passage_from: int
    offsets: tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class Feature:
    """A window with its targets: pairs of a token position and its share; the shares of starts and of ends sum to 1."""

    ids: array[int]
    passage_from: int
    starts: tuple[tuple[int, float], ...]
    ends: tuple[tuple[int, float], ...]

    @property
    def answerable(self) -> bool:
        """Whether the window holds an answer."""
        return self.starts[0][0] > 0


@dataclass(frozen=True, slots=True)
class Inputs:
    """A padded batch of windows: `ids`, `types` (1 on the passage) and `mask` (1 on tokens), each (windows, length)."""

    ids: Tensor
    types: Tensor
    mask: Tensor

    def to(self, device: torch.device) -> Inputs:
        """The same batch on another device."""
        return Inputs(self.ids.to(device), self.types.to(device), self.mask.to(device))


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
    """A generator that follows from the parts alone, the same on every machine."""
    return random.Random("/".join(map(str, parts)))  # noqa: S311  # to be repeatable, not secret


def load_tokenizer(folder: Path) -> Tokenizer:
    """The tokenizer of a model folder, cleared of the truncation and padding that a sentence embedder's may carry."""
    tokenizer: Tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    tokenizer.no_truncation()
    tokenizer.no_padding()
    return tokenizer


def windows(
    question: str, passage: str, tokenizer: Tokenizer, *, length: int, stride: int | None = None
) -> list[Window]:
    """Every window of at most `length` tokens over the passage, in order; neighbours share `stride` tokens.

    Without `stride` they share a third of what fits. A short passage gives one window, and so does an empty one.
    """
    asked = tokenizer.encode(question, add_special_tokens=False).ids[:QUESTION_TOKENS]
    encoded = tokenizer.encode(passage, add_special_tokens=False)
    cls, sep = _special(tokenizer, "[CLS]"), _special(tokenizer, "[SEP]")
    room = length - len(asked) - 3
    shared = room // 3 if stride is None else min(stride, room - 1)
    result = []
    for first in range(0, max(1, len(encoded.ids) - shared), room - shared):
        ids = array("i", (cls, *asked, sep, *encoded.ids[first : first + room], sep))
        result.append(Window(ids, len(asked) + 2, tuple(encoded.offsets[first : first + room])))
    return result


def feature(example: Example, tokenizer: Tokenizer, *, length: int, rng: random.Random) -> Feature:
    """One training window for the example: of those that hold an answer one at random, else "no answer" on any."""
    parts = windows(example.question, example.passage, tokenizer, length=length)
    candidates = [labelled(part, example.spans) for part in parts]
    answered = [candidate for candidate in candidates if candidate.answerable]
    return rng.choice(answered or candidates)


def labelled(window: Window, spans: Sequence[tuple[int, int]]) -> Feature:
    """The window with targets: the spans that lie wholly in it, each weighted by how often it was annotated."""
    inside = [found for start, end in spans if (found := token_span(window, start, end))]
    if not inside:
        return Feature(window.ids, window.passage_from, starts=((0, 1.0),), ends=((0, 1.0),))
    share = 1.0 / len(inside)
    starts = tuple((start, share) for start, _ in inside)
    ends = tuple((end, share) for _, end in inside)
    return Feature(window.ids, window.passage_from, starts, ends)


def token_span(window: Window, start: int, end: int) -> tuple[int, int] | None:
    """The first and last position in `window.ids` of the characters [start, end), None if they are not all inside."""
    touched = [number for number, (left, right) in enumerate(window.offsets) if left < end and right > start]
    if not touched or window.offsets[0][0] > start or window.offsets[-1][1] < end:
        return None
    return window.passage_from + touched[0], window.passage_from + touched[-1]


def pad(some: Sequence[Window | Feature]) -> Inputs:
    """The windows as one batch, padded with zeros (BERT's [PAD]) to the longest."""
    length = max(len(window.ids) for window in some)
    ids, types, mask = (torch.zeros(len(some), length, dtype=torch.long) for _ in range(3))
    for row, window in enumerate(some):
        ids[row, : len(window.ids)] = torch.tensor(window.ids)
        types[row, window.passage_from : len(window.ids)] = 1
        mask[row, : len(window.ids)] = 1
    return Inputs(ids, types, mask)


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


def bucketed(features: Sequence[Feature], *, tokens: int, rng: random.Random) -> list[list[Feature]]:
    """The features in batches of at most `tokens` tokens, padding counted, lengths alike, batches in random order."""
    groups = list(_cut(sorted(features, key=lambda item: len(item.ids)), tokens))
    rng.shuffle(groups)
    return groups


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
                features.append(Feature(array("i", read["ids"]), int(read["passage_from"]), starts, ends))
            except (KeyError, TypeError, ValueError) as error:
                raise ValueError(f"{path}: line {number} is no window with targets: {error}") from error
    return features


def _special(tokenizer: Tokenizer, name: str) -> int:
    found: int | None = tokenizer.token_to_id(name)
    if found is None:
        raise ValueError(f"the tokenizer has no {name}, so it is not BERT's")
    return found


def _cut(ordered: Sequence[Feature], tokens: int) -> Iterator[list[Feature]]:
    group: list[Feature] = []
    for item in ordered:  # by length, so the newest is the longest of its group
        if group and len(item.ids) * (len(group) + 1) > tokens:
            yield group
            group = []
        group.append(item)
    if group:
        yield group
