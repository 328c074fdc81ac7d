"""XLM-R's tokenizer, memory-mapped: what the library `tokenizers` makes of a text, without the 0.7 s that it loads.

The files, little-endian, are written out of the package that carries the encoder by a program that is not installed,
`pieces` in `training`:

pieces.trie: a double array, i32 bases then i32 checks. A node is a slot, the root is slot 0. The child of `node` for a
character is in slot `base[node] + code point`, if the check there is `node`. A piece that ends in a node without
children is `-1 - base`; in one with children it is the child for code point 0, which is such a node. The few private
characters from U+30000 up that pieces have, the card's `far`, count as code points 1, 2, …: the array is half as long.
scores.f32: the log-probability of each piece.
whole.bits: for each piece, the lowest bit first, whether a word that is equal to it is cut into nothing smaller.
characters.txt: UTF-8, `character NUL replacement NUL …`. characters.bin: the same map as `tokenizers` reads it.

Python walks a double array in 0.9 to 1.4 µs a character and needs nothing but memory; a marisa-trie (0.8 MB instead of
5) takes 1.5 to 1.9 µs, since each call encodes its text and returns its matches as objects.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from functools import cache, cached_property
from typing import TYPE_CHECKING

from askdoc.models.bundle import open_model
from askdoc.models.words import Frame, TextTokenizer, Tokens, encodable

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from tokenizers import Tokenizer

TRIE, SCORES, WHOLE = "pieces.trie", "scores.f32", "whole.bits"
CHARACTERS, COMPILED = "characters.txt", "characters.bin"
CACHED_WORDS = 20_000  # about 8 MB
LONGEST_CACHED = 40  # characters; a run of Chinese or Thai does not come again
UNKNOWN_PENALTY = 10.0  # an unknown character costs this more than the rarest piece
FAR = "\U00030000"
NO_CHARACTER = 0x10FFFF  # no piece has it; code point 0 is no character in the trie
WORD = re.compile(r"\S+")
DELETED_ASCII = re.compile("[\x01-\x08\x0b\x0e-\x1f\x7f]")
# Of the characters that continue the one before them, those that are no marks: vowels of Thai and Lao, and half-width
# voicing marks. Format characters and what this Python does not know yet are looked at by the library.
CONTINUING = "\u0e33\u0eb3\uff9e\uff9f"
CONTINUING_CATEGORIES = ("Mn", "Mc", "Me", "Cf", "Cn")
CLUSTER_BYTES = 6  # of shorter clusters the reference replaces the whole by what their first character becomes

Word = tuple[Sequence[int], Sequence[tuple[int, int]]]  # ids, and the characters [start, end) of the word


class Unigram(TextTokenizer):
    """The pieces of XLM-R. `tokens` gives the ids and offsets of `tokenizers`, odd ones included.

    trie, scores, whole: the files' bytes, memory-mapped or not. characters, compiled: read those files when a text
    needs them. special: the ids of `bos`, `eos` and `unk`. lowest: the least of the scores. far: see the module.
    """

    def __init__(
        self,
        trie: memoryview,
        scores: memoryview,
        whole: memoryview,
        *,
        characters: Callable[[], bytes],
        compiled: Callable[[], bytes],
        special: Mapping[str, int],
        lowest: float,
        far: str,
    ) -> None:
        numbers = trie.cast("B").cast("i")
        self._bases, self._checks = numbers[: len(numbers) // 2], numbers[len(numbers) // 2 :]
        self._scores, self._whole = scores.cast("B").cast("f")[::-1], whole  # at -1 - piece, as the trie has pieces
        self._read_characters, self._read_compiled = characters, compiled
        self._unknown, self._unknown_score = special["unk"], lowest - UNKNOWN_PENALTY
        self._labels = {0: NO_CHARACTER, **{ord(letter): label for label, letter in enumerate(far, start=1)}}
        self._words: dict[str, Word] = {}
        bos, eos = special["bos"], special["eos"]
        self.frame = Frame(
            single=([bos], [eos]),
            pair=([bos], [eos, eos], [eos]),
            pair_types=([0], [0, 0], [0]),
            text_types=(0, 0),
        )

    def tokens(self, text: str) -> Tokens:
        normal, origin = self._normalised(text)
        ids: list[int] = []
        offsets: list[tuple[int, int]] = []
        for match in WORD.finditer(normal):
            numbers, spans = self._word(match.group())
            begin = match.start()
            ids += numbers
            if origin is None:
                offsets += [(begin + start, begin + end) for start, end in spans]
            else:
                offsets += [(origin[begin + start][0], origin[begin + end - 1][1]) for start, end in spans]
        return Tokens(ids, offsets)

    def _normalised(self, text: str) -> tuple[str, Sequence[tuple[int, int]] | None]:
        """The text as pieces are looked up in it, and for each of its characters where it was, unless that is equal."""
        if text.isascii() and not DELETED_ASCII.search(text):
            return text, None
        text = encodable(text)
        replaced = {letter: self._replacements[letter] for letter in self._replacements.keys() & set(text)}
        if "" in replaced.values() or not unicodedata.is_normalized("NFC", text) or _swallows(text, replaced):
            return self._normalised_by_library(text)
        normal = text
        for letter, new in replaced.items():  # `translate` looks up every character, which takes three times as long
            normal = normal.replace(letter, new)
        if len(normal) == len(text):  # each by one
            return normal, None
        origin = list(zip(range(len(text)), range(1, len(text) + 1), strict=True))
        for place in reversed([place for place, letter in enumerate(text) if letter in replaced]):
            origin[place : place + 1] = [origin[place]] * len(replaced[text[place]])
        return normal, origin

    def _normalised_by_library(self, text: str) -> tuple[str, Sequence[tuple[int, int]]]:
        """The same by the reference itself, whose accounts of what was composed or deleted have rules of their own."""
        encoding = self._library.encode(text, add_special_tokens=False)
        return self._library.normalizer.normalize_str(text), encoding.offsets

    @cached_property
    def _replacements(self) -> dict[str, str]:
        parts = self._read_characters().decode().split("\0")
        return dict(zip(parts[::2], parts[1::2], strict=True))

    @cached_property
    def _library(self) -> Tokenizer:
        """Gives one token a character of the normalised text. Loaded in 30 ms, by texts that need it."""
        from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers

        library = Tokenizer(models.Unigram([("<unk>", 0.0)], 0, False))
        library.normalizer = normalizers.Sequence([normalizers.NFC(), normalizers.Precompiled(self._read_compiled())])
        library.pre_tokenizer = pre_tokenizers.Split(Regex(r"[\s\S]"), "isolated")
        return library

    def _word(self, word: str) -> Word:
        known = self._words.get(word)
        if known is None:
            known = self._best(word)
            if len(word) <= LONGEST_CACHED:
                if len(self._words) >= CACHED_WORDS:
                    self._words.clear()
                self._words[word] = known
        return known

    def _best(self, word: str) -> Word:
        """The most probable pieces of a word (Viterbi). Of equal ways the one found first wins, as in the library."""
        bases, checks, scores, unknown = self._bases, self._checks, self._scores, self._unknown_score
        codes = self._codes(word)
        length, root = len(codes), bases[0]
        # By the place of a way's last character. Place -1 is the last one: the empty way, before the word.
        best = [*[-float("inf")] * length, 0.0]  # the score of the best way
        starts, stored = [0] * length, [0] * length  # the first character of its last piece, and that piece
        for start in range(length):
            here, node, base = best[start - 1], 0, root
            try:
                for end in range(start, length):
                    slot = base + codes[end]
                    if checks[slot] != node:
                        break
                    node, base = slot, bases[slot]
                    piece = base if base < 0 else bases[base] if checks[base] == node else 0
                    if piece < 0:
                        score = here + scores[piece]
                        if score > best[end]:
                            best[end], starts[end], stored[end] = score, start, piece
                    if base < 0:
                        break
            except IndexError:  # beyond the last slot
                pass
            if not start and self._is_whole(-1 - stored[-1]):
                break
            if not node and here + unknown > best[start]:  # every character of a piece is a piece too
                best[start], starts[start], stored[start] = here + unknown, start, -1 - self._unknown
        return self._way(starts, stored)

    def _codes(self, word: str) -> list[int]:
        """The labels of the trie along a word."""
        if "\0" in word or max(word) >= FAR:
            word = word.translate(self._labels)
        return list(map(ord, "▁" + word))

    def _is_whole(self, piece: int) -> bool:
        return piece >= 0 and bool(self._whole[piece >> 3] >> (piece & 7) & 1)

    def _way(self, starts: Sequence[int], stored: Sequence[int]) -> Word:
        """The pieces along the way to the word's end. Neighbours that are unknown are one."""
        ids: list[int] = []
        spans: list[tuple[int, int]] = []
        end = len(starts) - 1
        while end >= 0:
            start, piece = starts[end], -1 - stored[end]
            # Places in the word without its ▁, which covers what the first character covers.
            span = max(start - 1, 0), max(end, 1)
            if piece == self._unknown and ids and ids[-1] == piece:
                spans[-1] = span[0], spans[-1][1]
            else:
                ids.append(piece)
                spans.append(span)
            end = start - 1
        return ids[::-1], spans[::-1]


@cache
def open_unigram(folder: Path) -> Unigram:
    """The tokenizer in a folder, as the bundled `words`; raises `ModelError` if it is not as written.

    Embedder and reader share one, and what it remembers.
    """
    model = open_model(folder)
    return Unigram(
        model.mapped(TRIE),
        model.mapped(SCORES),
        model.mapped(WHOLE),
        characters=lambda: model.read(CHARACTERS),
        compiled=lambda: model.read(COMPILED),
        special=model.settings["special"],
        lowest=model.settings["lowest_score"],
        far=model.settings["far"],
    )


def _swallows(text: str, replaced: Mapping[str, str]) -> bool:
    """Whether a character that is replaced may swallow a mark after it, as short clusters do in the reference."""
    return any(
        right > "\u02ff"
        and len((left + right).encode()) < CLUSTER_BYTES
        and (unicodedata.category(right) in CONTINUING_CATEGORIES or right in CONTINUING)
        for left in replaced
        for right in {part[0] for part in text.split(left)[1:] if part}
    )
