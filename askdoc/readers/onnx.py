"""The bundled reader: a BERT-like span extractor in ONNX Runtime, with [CLS] as its "no answer"."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Protocol

from askdoc.models import bundled
from askdoc.onnx_model import OnnxModel, Tokens
from askdoc.questions import kind_of
from askdoc.readers import DEFAULT
from askdoc.readers.spans import PER_PASSAGE, best_spans, distinct
from askdoc.types import Reading, Span

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from askdoc.models import Model


class Network(Protocol):
    """What a span reader needs: word pieces, and logits of shape (tokens, 2) for `[CLS] first [SEP] second [SEP]`."""

    def tokens(self, text: str) -> Tokens: ...
    def run(self, first: Sequence[int], second: Sequence[int] | None = None) -> npt.NDArray[np.float32]: ...


class SpanReader:
    """Reads passages in windows of `max_tokens` word pieces that overlap by `stride`; a longer question is cut."""

    def __init__(self, network: Network, model: Model) -> None:
        self.name = DEFAULT
        self.fingerprint = model.fingerprint
        self._length = int(model.settings["max_tokens"])
        self._stride = int(model.settings["stride"])
        self._question = int(model.settings["max_question_tokens"])
        self._network = network

    def read(self, question: str, passages: Sequence[str]) -> list[Reading]:
        asked = self._network.tokens(question).ids[: self._question]
        kind = kind_of(question)
        return [self._read(asked, kind, passage) for passage in passages]

    def _read(self, asked: Sequence[int], kind: str, passage: str) -> Reading:
        spans = [span for window in self._windows(asked, passage) for span in self._spans(asked, kind, passage, window)]
        return Reading(tuple(distinct(sorted(spans, key=lambda span: -span.score), PER_PASSAGE)))

    def _windows(self, asked: Sequence[int], passage: str) -> Iterator[Tokens]:
        tokens = self._network.tokens(passage)
        size = self._length - len(asked) - 3  # beside [CLS] and two [SEP]
        for first in range(0, max(1, len(tokens) - self._stride), size - self._stride):
            yield Tokens(tokens.ids[first : first + size], tokens.offsets[first : first + size])

    def _spans(self, asked: Sequence[int], kind: str, passage: str, window: Tokens) -> list[Span]:
        if not window.ids:
            return []
        logits = self._network.run(asked, window.ids)
        none = float(logits[0].sum())  # [CLS] to [CLS] is "no answer"
        body = logits[len(asked) + 2 : -1]
        spans = best_spans(passage, window.offsets, body[:, 0], body[:, 1], kind=kind)
        return [Span(span.start, span.end, span.score - none) for span in spans]


class OnnxReader(SpanReader):
    """The reader that comes with askdoc."""

    def __init__(self, argument: str = "") -> None:
        model = bundled("reader")
        super().__init__(OnnxModel(model), model)
