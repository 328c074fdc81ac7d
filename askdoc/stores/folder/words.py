"""Text → normalised words, in any script, separated by spaces and not yet stemmed. Pure.

Differences that people often leave out or cannot type are removed: case, accents, vowel points, tatweel, nukta, full
width, ligatures, invisible characters, the script of digits (Unicode's NFKC and case folding, without most diacritics).
Marks that make another letter stay: vowel signs, viramas, the kana's voicing marks, and Cyrillic й and ў.

Chinese, Japanese, Thai, Lao, Khmer, Burmese and some others do not separate words by spaces; Korean does not separate
words from their particles. Their text becomes overlapping pairs of characters, each with its marks.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from itertools import pairwise

WORDS = "NFKC, case and diacritics folded, character pairs where no spaces are, 1"  # for the index's recipe

# Texts without such characters, as most English ones, are in NFKC already and have no scripts without spaces.
_UNUSUAL = re.compile("[^\x00-\xa9\xab\xac\xae-\xb1\xb4\xb6-\xb8\xbb\xbf-\xff\u2010-\u2027\u2030-\u203b\u20a0-\u20c0™]")
_UNSPACED = re.compile(
    "["
    "\u0e01-\u0e3a\u0e40-\u0e4e"  # Thai
    "\u0e81-\u0ece\u0edc-\u0edf"  # Lao
    "\u1000-\u103f\u1050-\u108f\u109a-\u109d\ua9e0-\ua9ef\ua9fa-\ua9fe\uaa60-\uaa7f"  # Burmese
    "\u1780-\u17d3\u17d7\u17dc\u17dd"  # Khmer
    "\u1950-\u19c9\u1a20-\u1a7c\u1b00-\u1b4c\ua980-\ua9c0\uaa80-\uaadd"  # Tai scripts, Balinese, Javanese
    "\u1100-\u11ff\ua960-\ua97c\uac00-\ud7fb"  # Hangul
    "\u3041-\u3096\u3099\u309a\u309d-\u309f\u30a1-\u30fa\u30fc-\u30ff\u31f0-\u31ff"  # kana
    "\u3105-\u312f\u31a0-\u31bf\ua000-\ua48c"  # bopomofo, Yi
    "\u2e80-\u2fdf\u3005-\u3007\u3021-\u3029\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"  # Han
    "]+"
)
_KEPT_LETTERS = "ЙйЎў"  # letters of their own, not и and у with an accent
_VARIANTS = (
    {"ى": "ي", "ی": "ي", "ک": "ك", "ـ": ""}  # Arabic letters as typed in Egypt and Iran; tatweel
    | dict.fromkeys("ʼʻʹʺ", " ")  # apostrophes that Unicode counts as letters; most people type others
)
_TRADEMARKS = re.compile("[™℠]")  # NFKC would append them to a name as letters


def asked(text: str) -> str:
    """The words of a question."""
    return _paired(text, lambda _: None)


def indexed(text: str) -> str:
    """The words of a passage, and at the end the single characters of its scripts without spaces."""
    singles: dict[str, None] = {}
    words = _paired(text, lambda units: singles.update(dict.fromkeys(units)))
    return f"{words} {' '.join(singles)}" if singles else words


def _paired(text: str, on_units: Callable[[list[str]], None]) -> str:
    """The words of a text; calls `on_units` with the characters of each run in a script without spaces."""
    if not _UNUSUAL.search(text):
        return text.translate(_FOLDED)

    def pairs(run: re.Match[str]) -> str:
        units = _units(run[0])
        on_units(units)
        return f" {' '.join(first + second for first, second in pairwise(units)) or units[0]} "

    normal = unicodedata.normalize("NFKC", _TRADEMARKS.sub(" ", text)).translate(_FOLDED)
    return _UNSPACED.sub(pairs, normal)


def _units(run: str) -> list[str]:
    """The characters of a run, each with its marks."""
    units: list[str] = []
    for char in run:
        if units and unicodedata.category(char)[0] == "M":
            units[-1] += char
        else:
            units.append(char)
    return units


class _Folding(dict[int, str]):
    """Code point → its replacement, computed when it first occurs."""

    def __missing__(self, code: int) -> str:
        folded = self[code] = _folded(chr(code))
        return folded


_FOLDED = _Folding()


def _folded(char: str) -> str:
    if char in _KEPT_LETTERS:
        return char.lower()
    category = unicodedata.category(char)
    if category == "Cf":  # joiners, directions, soft hyphens
        return " " if char == "\u200b" else ""  # only ZERO WIDTH SPACE separates words
    if category[0] in "PSZ" or category in ("Cc", "Co", "Cs"):
        return " "
    if category == "Nd":
        return str(unicodedata.decimal(char))
    decomposed = unicodedata.normalize("NFD", char)
    kept = "".join(mark for mark in decomposed if not _is_diacritic(mark))
    folded = unicodedata.normalize("NFC", kept).casefold()
    return _VARIANTS.get(folded, folded)


def _is_diacritic(char: str) -> bool:
    """Is a character a mark that people leave out? Decided by its canonical combining class."""
    if unicodedata.category(char) == "Me" or "VARIATION SELECTOR" in unicodedata.name(char, "") or char == "\u034f":
        return True
    combining = unicodedata.combining(char)
    return combining in (1, 7) or 10 <= combining <= 36 or 200 <= combining <= 240  # overlays, nuktas, points, accents
