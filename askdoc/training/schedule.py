"""The progress of a run, and the learning rate at each point."""

from __future__ import annotations

from dataclasses import dataclass, replace

from askdoc.training.stream import START, Place


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a run is: `tokens` trained on, optimiser `steps`, the data's next `place`, the `best` dev figure.

    The learning rate falls in a line from `anchor_rate` at `anchor_tokens` to 0 at `total_tokens`.
    """

    total_tokens: int
    anchor_tokens: int
    anchor_rate: float
    tokens: int = 0
    steps: int = 0
    place: Place = START
    best: float = 0.0

    @property
    def done(self) -> bool:
        """Whether all tokens are trained on."""
        return self.tokens >= self.total_tokens


def learning_rate(progress: Progress, warmup_tokens: int) -> float:
    """A line up over the warm-up's tokens times a line down from the anchor to 0 at the total."""
    left = max(0, progress.total_tokens - progress.tokens)
    falling = progress.anchor_rate * left / max(1, progress.total_tokens - progress.anchor_tokens)
    return falling * min(1.0, (progress.tokens + 1) / max(1, warmup_tokens))


def with_total(progress: Progress, tokens: int) -> Progress:
    """The same progress towards another total: the rate falls in a line from where it is now, without a jump.

    A run that is done stays at rate 0; see `with_rate`.
    """
    if tokens == progress.total_tokens:
        return progress
    rate = learning_rate(progress, warmup_tokens=0)
    return with_rate(replace(progress, total_tokens=tokens), rate)


def with_rate(progress: Progress, rate: float) -> Progress:
    """The same progress with a rate that falls in a line from `rate` here to 0 at the total."""
    return replace(progress, anchor_tokens=progress.tokens, anchor_rate=rate)
