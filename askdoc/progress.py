"""How far a long piece of work is."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

Progress: TypeAlias = Callable[[str, int, int], None]
"""Called with a stage ("reading": files, "embedding": bytes of text, "writing": generations), done, and total."""
