"""Tokenizers: the only importer of `tokenizers`.

A model's `tokenizer.json` defines how a question and a passage become one input: `[CLS] q [SEP] p [SEP]` for BERT,
`<s>q</s></s>p</s>` for RoBERTa. The tokens before and after the passage frame every window of it.
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
    """The word pieces of a text."""

    ids: Sequence[int]
    offsets: Sequence[tuple[int, int]]  # the characters [start, end) of the text that each covers

    def __len__(self) -> int:
        return len(self.ids)


@dataclass(frozen=True, slots=True)
class Window:
    """An input for a network: a question and a stretch of a passage, with special tokens."""

    ids: Sequence[int]  # of all tokens
    types: Sequence[int]  # of all tokens: 0 for the question, 1 for the passage, if the tokenizer has types
    first: int  # index of the passage's first token
    offsets: Sequence[tuple[int, int]]  # for the passage's tokens: the characters [start, end) that each covers


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
        """The token ids of one text with special tokens, at most `length`; a longer text is cut."""
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
    """The tokens [first, last) of a sequence; if it has no tokens, the end of the encoding."""
    tokens = [index for index, number in enumerate(encoding.sequence_ids) if number == sequence]
    return (tokens[0], tokens[-1] + 1) if tokens else (len(encoding.ids), len(encoding.ids))


@cache
def read_tokenizer(data: bytes) -> TextTokenizer:
    """The tokenizer of a tokenizer.json. Embedder and reader share it: building it takes longer than using it."""
    return TextTokenizer(Tokenizer.from_buffer(data))
