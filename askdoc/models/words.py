"""Tokenizers: the only importer of `tokenizers`. Special tokens and their places are the tokenizer's own business.

A model's `tokenizer.json` says how a question and a passage become one input: `[CLS] q [SEP] p [SEP]` for BERT,
`<s>q</s></s>p</s>` for RoBERTa. What stands before and after the passage there frames every window of it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from tokenizers import Tokenizer

if TYPE_CHECKING:
    from tokenizers import Encoding


@dataclass(frozen=True, slots=True)
class Tokens:
    """A text's word pieces: their numbers, and the characters [start, end) of the text that each covers."""

    ids: Sequence[int]
    offsets: Sequence[tuple[int, int]]

    def __len__(self) -> int:
        return len(self.ids)


@dataclass(frozen=True, slots=True)
class Window:
    """An input for a network: a question and a part of a passage.

    ids, types: of all tokens. first: the place of the passage's first token. offsets: the characters [start, end) of
    the passage that each of its tokens covers.
    """

    ids: Sequence[int]
    types: Sequence[int]
    first: int
    offsets: Sequence[tuple[int, int]]


class TextTokenizer:
    """A fast tokenizer, without truncation or padding of its own."""

    def __init__(self, tokenizer: Tokenizer) -> None:
        tokenizer.no_truncation()
        tokenizer.no_padding()
        self._tokenizer = tokenizer

    def tokens(self, text: str) -> Tokens:
        """Split a text into word pieces, without special tokens."""
        encoding = self._tokenizer.encode(text, add_special_tokens=False)
        return Tokens(encoding.ids, encoding.offsets)

    def framed(self, text: str, length: int) -> Sequence[int]:
        """The input for one text, special tokens and all, of at most `length` tokens: the text is cut."""
        encoding = self._tokenizer.encode(text)
        first, last = _extent(encoding, 0)
        frame = len(encoding.ids) - (last - first)
        return [*encoding.ids[: min(last, first + length - frame)], *encoding.ids[last:]]

    def windows(self, question: str, passage: str, *, length: int, stride: int, max_question: int) -> Iterator[Window]:
        """The inputs for a pair, each of at most `length` tokens; neighbours share `stride` tokens of the passage.

        A question of more than `max_question` tokens is cut. A passage without tokens has no windows.
        """
        encoding = self._tokenizer.encode(self._cut(question, max_question), passage)
        first, last = _extent(encoding, 1)
        size = length - (len(encoding.ids) - (last - first))
        for start in range(first, max(min(first + 1, last), last - stride), max(1, size - stride)):
            end = min(last, start + size)
            yield Window(
                [*encoding.ids[:first], *encoding.ids[start:end], *encoding.ids[last:]],
                [*encoding.type_ids[:first], *encoding.type_ids[start:end], *encoding.type_ids[last:]],
                first,
                encoding.offsets[start:end],
            )

    def _cut(self, question: str, limit: int) -> str:
        offsets = self.tokens(question).offsets
        return question if len(offsets) <= limit else question[: offsets[limit - 1][1]]


def _extent(encoding: Encoding, sequence: int) -> tuple[int, int]:
    """Where the tokens of a sequence stand; the end of the encoding, if it has none."""
    places = [place for place, number in enumerate(encoding.sequence_ids) if number == sequence]
    return (places[0], places[-1] + 1) if places else (len(encoding.ids), len(encoding.ids))


@cache
def read_tokenizer(data: bytes) -> TextTokenizer:
    """A tokenizer.json. Embedder and reader share one: building it takes longer than using it."""
    return TextTokenizer(Tokenizer.from_buffer(data))
