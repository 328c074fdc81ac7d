"""A reader with a network that marks starts and ends, window by window; the first token stands for "no answer"."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

from askdoc.readers.question_type import kind_of
from askdoc.readers.spans import PER_PASSAGE, best_spans, distinct
from askdoc.types import Reading, Span

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from askdoc.models.bundle import Model
    from askdoc.models.words import TextTokenizer, Window


# The windows of the bundled reader, in word pieces: as it is trained, measured and shipped.
WINDOW_TOKENS, STRIDE_TOKENS, QUESTION_TOKENS = 384, 128, 64  # of all, shared by neighbours, of the question at most


class Network(Protocol):
    """What a span reader needs: a tokenizer, and logits of shape (tokens, 2) for each of its inputs."""

    @property
    def tokenizer(self) -> TextTokenizer: ...
    def run(self, ids: Sequence[int], types: Sequence[int] | None = None) -> npt.NDArray[np.float32]: ...


class SpanReader:
    """Reads passages in windows of `max_tokens` word pieces that overlap by `stride`; a longer question is cut."""

    def __init__(self, network: Network, model: Model, *, name: str, english: bool = False) -> None:
        self.name = name
        self.english = english
        self.fingerprint = model.fingerprint
        self._length = int(model.settings["max_tokens"])
        self._stride = int(model.settings["stride"])
        self._question = int(model.settings["max_question_tokens"])
        self._network = network

    def read(self, question: str, passages: Sequence[str]) -> list[Reading]:
        kind = kind_of(question)
        return [self._read(question, kind, passage) for passage in passages]

    def _read(self, question: str, kind: str, passage: str) -> Reading:
        windows = self._network.tokenizer.windows(
            question, passage, length=self._length, stride=self._stride, max_question=self._question
        )
        spans = [span for window in windows for span in self._spans(kind, passage, window)]
        return Reading(tuple(distinct(sorted(spans, key=lambda span: -span.score), PER_PASSAGE)))

    def _spans(self, kind: str, passage: str, window: Window) -> list[Span]:
        logits = self._network.run(window.ids, window.types)
        null_score = float(logits[0].sum())
        body = logits[window.first : window.first + len(window.offsets)]
        spans = best_spans(passage, window.offsets, body[:, 0], body[:, 1], kind=kind)
        return [Span(span.start, span.end, span.score - null_score) for span in spans]
