"""Tokenizers of other models, out of a `tokenizer.json`, by the library `tokenizers`.

Special tokens and their places are the file's own business: what is before and after the texts of a pair there
frames every window of it.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from tokenizers import Tokenizer

from askdoc.models.words import Frame, TextTokenizer, Tokens, encodable

if TYPE_CHECKING:
    from tokenizers import Encoding


class LibraryTokenizer(TextTokenizer):
    """A fast tokenizer, without truncation or padding of its own. Raises ValueError if it has no token for `a`."""

    def __init__(self, tokenizer: Tokenizer) -> None:
        tokenizer.no_truncation()
        tokenizer.no_padding()
        self._tokenizer = tokenizer
        self.frame = _frame(tokenizer)

    def tokens(self, text: str) -> Tokens:
        encoding = self._tokenizer.encode(encodable(text), add_special_tokens=False)
        return Tokens(encoding.ids, encoding.offsets)


@cache
def read_tokenizer(data: bytes) -> LibraryTokenizer:
    """The tokenizer of a tokenizer.json. Embedder and reader share it: building it takes longer than using it."""
    return LibraryTokenizer(Tokenizer.from_buffer(data))


def _frame(tokenizer: Tokenizer) -> Frame:
    """What is put around a text, and around two."""
    single, pair = tokenizer.encode("a"), tokenizer.encode("a", "a")
    start, end = _extent(single, 0)
    (first, first_end), (second, second_end) = _extent(pair, 0), _extent(pair, 1)
    gaps = slice(0, first), slice(first_end, second), slice(second_end, None)
    ids, types = ([part[gap] for gap in gaps] for part in (pair.ids, pair.type_ids))
    return Frame(
        single=(single.ids[:start], single.ids[end:]),
        pair=(ids[0], ids[1], ids[2]),
        pair_types=(types[0], types[1], types[2]),
        text_types=(pair.type_ids[first], pair.type_ids[second]),
    )


def _extent(encoding: Encoding, sequence: int) -> tuple[int, int]:
    """Where the tokens of a sequence stand. Raises ValueError if it has none."""
    places = [place for place, number in enumerate(encoding.sequence_ids) if number == sequence]
    if not places:
        raise ValueError("its tokenizer makes nothing of the letter a")
    return places[0], places[-1] + 1
