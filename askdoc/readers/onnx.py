"""The bundled reader: a BERT-like span extractor in ONNX Runtime."""

from __future__ import annotations

from askdoc.models import bundled
from askdoc.onnx_model import OnnxModel
from askdoc.readers import DEFAULT
from askdoc.readers.windows import SpanReader


class OnnxReader(SpanReader):
    """The reader that comes with askdoc."""

    def __init__(self, argument: str = "") -> None:
        model = bundled("reader")
        super().__init__(OnnxModel(model), model, name=DEFAULT, english=True)
