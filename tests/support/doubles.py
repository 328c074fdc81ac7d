"""Stand-ins that remember how they were used."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import pytest

from askdoc.embedders.hashing import HashingEmbedder

if TYPE_CHECKING:
    from askdoc.types import Vectors


class CountingEmbedder(HashingEmbedder):
    """Remembers which passages it embedded. In the table of embedders as "counting"."""

    name = "counting"
    fingerprint = "c0" * 32
    embedded: list[str] = []  # noqa: RUF012  # one list for all: the build opens its own instance

    def embed_passages(self, texts: Sequence[str]) -> Vectors:
        self.embedded.extend(texts)
        return super().embed_passages(texts)


def stand_in(monkeypatch: pytest.MonkeyPatch, owner: object, name: str, double: Callable[..., object]) -> None:
    """Replace a function by a double that takes its arguments by name, after the real signature has accepted them."""
    signature = inspect.signature(getattr(owner, name))

    def checked(*positional: Any, **named: Any) -> object:
        given = signature.bind(*positional, **named)
        given.apply_defaults()
        return double(**given.arguments)

    monkeypatch.setattr(owner, name, checked)


def parameters(function: Callable[..., object]) -> list[tuple[str, object, object]]:
    """What a caller must know of a function: names, kinds and defaults of its parameters."""
    found = inspect.signature(function).parameters.values()
    return [(parameter.name, parameter.kind, parameter.default) for parameter in found]
