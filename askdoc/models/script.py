"""The script of a text: all that can be known of its language without a model. Pure."""

from __future__ import annotations

_LATIN_ENDS = "\u024f"
_MORE_LATIN = ("\u1e00", "\u1eff")


def is_foreign(text: str) -> bool:
    """Are most letters of a text not Latin, so that it cannot be English? False for a text without letters."""
    if text.isascii():
        return False
    letters = [char for char in text if char.isalpha()]
    latin = sum(char <= _LATIN_ENDS or _MORE_LATIN[0] <= char <= _MORE_LATIN[1] for char in letters)
    return 2 * latin < len(letters)
