"""One ONNX session and its tokenizer: the only importer of onnxruntime and tokenizers.

Texts are run one at a time. The weights are 8-bit and activations are quantised per run, so what stands beside a text
in a batch would change its result; alone, a text always gives the same numbers, and on a CPU it is no slower.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np
import onnxruntime
from tokenizers import Tokenizer

from askdoc.errors import ModelError
from askdoc.models import REINSTALL, Model

if TYPE_CHECKING:
    import numpy.typing as npt


@dataclass(frozen=True, slots=True)
class Tokens:
    """A text's word pieces: their numbers, and the characters [start, end) of the text that each covers."""

    ids: Sequence[int]
    offsets: Sequence[tuple[int, int]]

    def __len__(self) -> int:
        return len(self.ids)


@cache
def _tokenizer(data: bytes) -> Tokenizer:
    """Embedder and reader share one: building it takes longer than using it."""
    tokenizer = Tokenizer.from_buffer(data)
    tokenizer.no_truncation()
    tokenizer.no_padding()
    return tokenizer


class OnnxModel:
    """A BERT-like network: `[CLS] first [SEP] second [SEP]` in, one array out."""

    def __init__(self, model: Model) -> None:
        options = onnxruntime.SessionOptions()
        options.log_severity_level = 3
        if model.settings.get("optimised"):  # when it was exported, so that no start has to
            options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
        # Waiting threads sleep instead of spinning: as fast on an idle machine, and twice as fast on a busy one.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        try:
            self._session = onnxruntime.InferenceSession(model.weights(), options, providers=["CPUExecutionProvider"])
            self._tokenizer = _tokenizer(model.read("tokenizer.json"))
        except ModelError:
            raise
        except Exception as error:  # each runtime raises types of its own, without a common base
            raise ModelError(f"the model in {model.folder} does not load: {error}", hint=REINSTALL) from error
        self._cls = self._special("[CLS]")
        self._sep = self._special("[SEP]")

    def _special(self, token: str) -> int:
        number = self._tokenizer.token_to_id(token)
        if number is None:
            raise ModelError(f"the tokenizer knows no {token}", hint="use a BERT-like model")
        return int(number)

    def tokens(self, text: str) -> Tokens:
        """Split a text into word pieces, without [CLS] and [SEP]."""
        encoding = self._tokenizer.encode(text, add_special_tokens=False)
        return Tokens(encoding.ids, encoding.offsets)

    def run(self, first: Sequence[int], second: Sequence[int] | None = None) -> npt.NDArray[np.float32]:
        """Run one text, or a pair; returns the output for it, without the batch axis."""
        outputs: list[Any] = self._session.run(None, self.inputs(first, second))
        result: npt.NDArray[np.float32] = outputs[0][0]
        return result

    def inputs(self, first: Sequence[int], second: Sequence[int] | None) -> dict[str, npt.NDArray[np.int64]]:
        """What the network is fed, by name: arrays of shape (1, word pieces)."""
        head = [self._cls, *first, self._sep]
        tail = [] if second is None else [*second, self._sep]
        return {
            "input_ids": np.array([head + tail], dtype=np.int64),
            "attention_mask": np.ones((1, len(head) + len(tail)), dtype=np.int64),
            "token_type_ids": np.array([[0] * len(head) + [1] * len(tail)], dtype=np.int64),
        }
