"""How long-running work reports its progress."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, TypeAlias

Stage: TypeAlias = Literal["reading", "embedding", "writing", "asking", "searching"]
# Called with the stage, and how much is done of how much: files read, bytes of text embedded, generations written,
# questions asked or searched.
Progress: TypeAlias = Callable[[Stage, int, int], None]


def no_progress(_stage: Stage, _done: int, _total: int, /) -> None:
    """The progress callback that does nothing."""
