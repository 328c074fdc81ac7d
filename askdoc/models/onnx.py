"""One ONNX session and its tokenizer: the only importer of onnxruntime.

Texts are run one at a time. The weights are 8-bit and activations are quantised per run, so the other texts in a batch
would change a text's result; alone, a text always gives the same numbers, and on a CPU it is no slower.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import onnxruntime

from askdoc.errors import ModelError
from askdoc.models.library import read_tokenizer

if TYPE_CHECKING:
    import numpy.typing as npt

    from askdoc.models.bundle import Model

_LOGITS = ["start_logits", "end_logits"]  # as exporters of question-answering models name them


class OnnxModel:
    """A BERT-like network: token ids in, one array out. A reader's two outputs become one, (tokens, 2)."""

    def __init__(self, model: Model) -> None:
        options = onnxruntime.SessionOptions()
        options.log_severity_level = 3
        if model.settings.get("optimised"):  # already optimised when it was exported, which saves time at start
            options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
        # Waiting threads sleep instead of spinning: as fast on an idle machine, and twice as fast on a busy one.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        try:
            self._session = onnxruntime.InferenceSession(model.weights(), options, providers=["CPUExecutionProvider"])
            self.tokenizer = read_tokenizer(model.read("tokenizer.json"))
        except ModelError:
            raise
        except Exception as error:  # the runtime's own types have no common base
            raise ModelError(f"the model in {model.folder} does not load: {error}", hint=model.hint) from error
        self._inputs = {node.name for node in self._session.get_inputs()}
        names = [node.name for node in self._session.get_outputs()]
        self._outputs = _LOGITS if set(_LOGITS) <= set(names) else names[:1]
        unknown = self._inputs - self.inputs([]).keys()
        if unknown:
            message = (
                f"the model in {model.folder} wants inputs that askdoc does not know: {', '.join(sorted(unknown))}"
            )
            raise ModelError(message, hint=model.hint)

    def run(self, ids: Sequence[int], types: Sequence[int] | None = None) -> npt.NDArray[np.float32]:
        """Run one text or pair, with its special tokens. Returns its output, shape (tokens, …) or (dimension,)."""
        feed = {name: array for name, array in self.inputs(ids, types).items() if name in self._inputs}
        outputs: list[Any] = self._session.run(self._outputs, feed)
        result: npt.NDArray[np.float32] = outputs[0][0] if len(outputs) == 1 else np.stack(outputs, axis=-1)[0]
        return result

    def inputs(self, ids: Sequence[int], types: Sequence[int] | None = None) -> dict[str, npt.NDArray[np.int64]]:
        """The inputs of the network, by name: arrays of shape (1, tokens)."""
        return {
            "input_ids": np.array([ids], dtype=np.int64),
            "attention_mask": np.ones((1, len(ids)), dtype=np.int64),
            "token_type_ids": np.array([types or [0] * len(ids)], dtype=np.int64),
        }
