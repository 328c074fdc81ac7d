"""The endless stream of training batches, and places in it to continue from."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

from askdoc.models.words import TextTokenizer
from askdoc.training.batches import Example, Feature, batched, feature, seeded
from askdoc.training.mixture import Source, described, round_examples

POOL = 2048  # examples that are sorted by length together


@dataclass(frozen=True, slots=True)
class Place:
    """A batch's place: its round of the mixture, its pool of examples in the round, its number in the pool."""

    round: int
    pool: int
    batch: int

    def after(self) -> Place:
        """The place of the next batch, or of the next pool's first after the last."""
        return replace(self, batch=self.batch + 1)


START = Place(0, 0, 0)
_Item = TypeVar("_Item")


def walk(
    start: Place,
    round_of: Callable[[int], Sequence[_Item]],
    batches_of: Callable[[Sequence[_Item], int, int], Sequence[list[Feature]]],
    *,
    size: int,
) -> Iterator[tuple[Place, list[Feature]]]:
    """The batches from `start` on, without end, each with its place.

    round_of: the items of a round. batches_of: the batches of a pool of `size` items, given its round and its number.
    """
    number, first_pool, first_batch = start.round, start.pool, start.batch
    while True:
        items = round_of(number)
        for pool in range(first_pool, -(-len(items) // size)):
            batches = batches_of(items[pool * size : (pool + 1) * size], number, pool)
            for batch in range(first_batch, len(batches)):
                yield Place(number, pool, batch), batches[batch]
            first_batch = 0
        number, first_pool = number + 1, 0


@dataclass(frozen=True, slots=True)
class Stream:
    """Batches of at most `tokens` tokens, of windows of at most `length`, from round after round of the sources.

    Every round also has all of `ready`, windows that have their targets (`distill`).
    """

    sources: Sequence[Source]
    tokenizer: TextTokenizer
    tokens: int
    length: int
    seed: int
    ready: Sequence[Feature] = ()

    @property
    def description(self) -> str:
        """What fixes the rounds besides the seed."""
        ready = [f"{len(self.ready)} windows"] if self.ready else []
        return "; ".join([*ready, *filter(None, [described(self.sources)])])

    def batches(self, start: Place) -> Iterator[tuple[Place, list[Feature]]]:
        """The batches from `start` on, without end, each with its place; the same for the same seed."""
        return walk(start, self._round, self._pool, size=POOL)

    def _round(self, number: int) -> list[Example | Feature]:
        items: list[Example | Feature] = [*round_examples(self.sources, number=number, seed=self.seed)]
        if self.ready:
            items += self.ready
            seeded(self.seed, number, "ready").shuffle(items)
        return items

    def _pool(self, items: Sequence[Example | Feature], number: int, pool: int) -> list[list[Feature]]:
        rng = seeded(f"{self.seed}/{number}/{pool}")
        features = [
            item if isinstance(item, Feature) else feature(item, self.tokenizer, length=self.length, rng=rng)
            for item in items
        ]
        batches = batched(filter(None, features), lambda item: len(item.ids), tokens=self.tokens)
        rng.shuffle(batches)
        return batches
