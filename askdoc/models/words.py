"""What a tokenizer makes of texts: their word pieces, and the inputs of a network with special tokens in their places.

There are two kinds: `unigram` is the bundled models' own and opens in no time, `library` reads the `tokenizer.json` of
any other model. How texts are framed and passages are cut into windows is the same for both, and is here.
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

_SURROGATE = re.compile("[\ud800-\udfff]")


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


@dataclass(frozen=True, slots=True)
class Frame:
    """The special tokens around texts: `[CLS] q [SEP] p [SEP]` for BERT, `<s> q </s> </s> p </s>` for XLM-R."""

    single: tuple[Sequence[int], Sequence[int]]  # before and after a text that is alone
    pair: tuple[Sequence[int], Sequence[int], Sequence[int]]  # before, between and after a question and a passage
    pair_types: tuple[Sequence[int], Sequence[int], Sequence[int]]  # of the tokens of `pair`
    text_types: tuple[int, int]  # of the question's tokens, and of the passage's


class TextTokenizer(ABC):
    """Cuts texts into word pieces, and makes a network's inputs of them."""

    frame: Frame

    @abstractmethod
    def tokens(self, text: str) -> Tokens:
        """Split a text into word pieces, without special tokens."""

    def framed(self, text: str, length: int) -> Sequence[int]:
        """The token ids of one text with special tokens, at most `length`; a longer text is cut."""
        before, after = self.frame.single
        return [*before, *self.tokens(text).ids[: length - len(before) - len(after)], *after]

    def windows(self, question: str, passage: str, *, length: int, stride: int, max_question: int) -> Iterator[Window]:
        """The inputs for a pair, each of at most `length` tokens; neighbours share `stride` tokens of the passage.

        A question of more than `max_question` tokens is cut. A passage without tokens has no windows.
        """
        asked, read = self.tokens(question).ids[:max_question], self.tokens(passage)
        before, between, after = self.frame.pair
        before_types, between_types, after_types = self.frame.pair_types
        question_type, passage_type = self.frame.text_types
        head = [*before, *asked, *between]
        head_types = [*before_types, *[question_type] * len(asked), *between_types]
        size = length - len(head) - len(after)
        for start in range(0, max(min(1, len(read)), len(read) - stride), max(1, size - stride)):
            part = read.ids[start : start + size]
            yield Window(
                [*head, *part, *after],
                [*head_types, *[passage_type] * len(part), *after_types],
                len(head),
                read.offsets[start : start + size],
            )


def encodable(text: str) -> str:
    """The text with halves of surrogate pairs, which no encoding has, as replacement characters."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return _SURROGATE.sub("\ufffd", text)
    return text
