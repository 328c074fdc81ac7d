"""Training on several passages of a question together, so that scores compare across passages.

Shared normalisation (Clark and Gardner 2018, "Simple and Effective Multi-Paragraph Reading Comprehension"): the
softmax runs over the positions of all passages of a question. Here positions are scored against the passage's own "no
answer", since that difference is what ranks answers when questions are asked.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from askdoc.tokens import TextTokenizer
from askdoc.training.batches import Batch, Example, Feature, feature, seeded
from askdoc.training.network import Logits, span_loss
from askdoc.training.retrieved import Group
from askdoc.training.stream import Place, walk

SHARED = 3  # windows that are normalised together: the right passage's and two wrong ones'
WINDOWS = SHARED + 1  # of a group; the last one has the edited question, or a wrong passage more
POOL = 512  # groups that are sorted by length together


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
        made = [self._features(group, rng) for group in groups]
        batches = list(_cut(sorted(made, key=_longest), self.tokens))
        rng.shuffle(batches)
        return [[item for group in batch for item in group] for batch in batches]

    def _features(self, group: Group, rng: random.Random) -> list[Feature]:
        wrong = [*group.wrong, *rng.choices(group.wrong, k=WINDOWS)][:WINDOWS]
        examples = [Example(group.question, group.passage, group.spans)]
        examples += [Example(group.question, text, ()) for text in wrong[: WINDOWS - 1]]
        if group.edited:
            examples[-1] = Example(group.edited, group.passage, ())
        made = [feature(example, self.tokenizer, length=self.length, rng=rng) for example in examples]
        return [item for item in made if item]


def group_loss(logits: Logits, batch: Batch) -> Tensor:
    """The span loss over all windows plus the shared one over each group's first `SHARED`."""
    shared = 0.5 * (_shared(logits.start_logits, batch.starts) + _shared(logits.end_logits, batch.ends))
    return span_loss(logits, batch) + shared


def _shared(logits: Tensor, targets: Tensor) -> Tensor:
    """Cross-entropy over a group's positions together, averaged over the groups whose first window has an answer."""
    length = logits.shape[1]
    margins = (logits - logits[:, :1]).view(-1, WINDOWS, length)[:, :SHARED].reshape(-1, SHARED * length)
    wanted = targets.view(-1, WINDOWS, length)[:, 0]
    answered = wanted[:, 0] == 0
    losses = -(wanted * margins.log_softmax(dim=1)[:, :length]).sum(dim=1)
    return losses[answered].mean() if bool(answered.any()) else torch.zeros((), device=logits.device)


def _longest(group: Sequence[Feature]) -> int:
    return max(len(item.ids) for item in group)


def _cut(ordered: Sequence[list[Feature]], tokens: int) -> Iterator[list[list[Feature]]]:
    batch: list[list[Feature]] = []
    for group in ordered:  # by length, so the newest is the longest
        if batch and _longest(group) * WINDOWS * (len(batch) + 1) > tokens:
            yield batch
            batch = []
        batch.append(group)
    if batch:
        yield batch
