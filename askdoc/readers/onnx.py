"""The bundled reader: a BERT-like span extractor in ONNX Runtime."""

from __future__ import annotations

from askdoc.models.bundle import bundled
from askdoc.models.onnx import OnnxModel
from askdoc.readers import DEFAULT
from askdoc.readers.windows import SpanReader


class OnnxReader(SpanReader):
    """The reader that comes with askdoc."""

    def __init__(self, argument: str = "") -> None:
        model = bundled("reader")
        super().__init__(OnnxModel(model), model, name=DEFAULT, english=True)
