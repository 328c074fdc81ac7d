"""Training on several passages of a question together, so that scores compare across passages.

Shared normalisation (Clark and Gardner 2018, "Simple and Effective Multi-Paragraph Reading Comprehension"): the
softmax runs over the positions of all passages of a question. Here positions are scored against the passage's own "no
answer", since that difference is what ranks answers when questions are asked.
"""

from __future__ import annotations

import json
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from torch import Tensor

from askdoc.models.words import TextTokenizer
from askdoc.training.batches import Batch, Example, Feature, batched, feature, seeded
from askdoc.training.network import Logits, span_loss
from askdoc.training.stream import Place, walk

WINDOWS = 4  # of a group: one of the right passage, then one of each of three wrong ones
POOL = 512  # groups that are sorted by length together


@dataclass(frozen=True, slots=True)
class Group:
    """A question with its passage and spans as in `Example`, and `wrong` passages, best first."""

    question: str
    passage: str
    spans: tuple[tuple[int, int], ...]
    wrong: tuple[str, ...]


def load_groups(path: Path) -> list[Group]:
    """Read the groups that `retrieved` wrote. Raises `OSError`, or `ValueError` naming the line."""
    groups = []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        try:
            read = json.loads(line)
            spans = tuple((int(start), int(end)) for start, end in read["spans"])
            groups.append(Group(read["question"], read["passage"], spans, tuple(read["wrong"])))
        except (KeyError, TypeError, ValueError) as error:
            raise ValueError(f"{path}: line {number} is no group: {error}") from error
    return groups


@dataclass(frozen=True, slots=True)
class GroupStream:
    """Batches of whole groups, of at most `tokens` tokens, from round after round; fits in place of `Stream`."""

    groups: Sequence[Group]
    tokenizer: TextTokenizer
    tokens: int
    length: int
    seed: int

    @property
    def description(self) -> str:
        """What fixes the rounds besides the seed."""
        return f"{len(self.groups)} groups"

    def batches(self, start: Place) -> Iterator[tuple[Place, list[Feature]]]:
        """The batches from `start` on, without end, each with its place; `WINDOWS` features a group, one by one."""
        return walk(start, self._round, self._pool, size=POOL)

    def _round(self, number: int) -> list[Group]:
        return seeded(self.seed, number).sample(self.groups, len(self.groups))

    def _pool(self, groups: Sequence[Group], number: int, pool: int) -> list[list[Feature]]:
        rng = seeded(self.seed, number, pool)
        whole = [made for group in groups if len(made := self._features(group, rng)) == WINDOWS]
        batches = batched(whole, lambda made: WINDOWS * max(len(item.ids) for item in made), tokens=self.tokens)
        rng.shuffle(batches)
        return [[item for made in batch for item in made] for batch in batches]

    def _features(self, group: Group, rng: random.Random) -> list[Feature]:
        """The group's windows, the right one first; fewer than `WINDOWS` if a passage gives none."""
        wrong = [*group.wrong, *rng.choices(group.wrong, k=WINDOWS)][: WINDOWS - 1]
        examples = [Example(group.question, group.passage, group.spans)]
        examples += [Example(group.question, text, ()) for text in wrong]
        made = [feature(example, self.tokenizer, length=self.length, rng=rng) for example in examples]
        return [item for item in made if item]


def group_loss(logits: Logits, batch: Batch) -> Tensor:
    """The span loss over all windows plus the shared one over each group's."""
    shared = 0.5 * (_shared(logits.start_logits, batch.starts) + _shared(logits.end_logits, batch.ends))
    return span_loss(logits, batch) + shared


def _shared(logits: Tensor, targets: Tensor) -> Tensor:
    """Cross-entropy over the positions of a group together, with the right passage's targets; mean of the groups."""
    length = logits.shape[1]
    margins = (logits - logits[:, :1]).view(-1, WINDOWS * length)
    wanted = targets.view(-1, WINDOWS, length)[:, 0]
    return -(wanted * margins.log_softmax(dim=1)[:, :length]).sum(dim=1).mean()
