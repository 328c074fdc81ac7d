"""A question-answering network of transformers, in PyTorch on the CPU. Imports torch, which takes some seconds."""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from askdoc.errors import ModelError
from askdoc.models.library import LibraryTokenizer

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from askdoc.models.bundle import Model


class PytorchModel:
    """Any `…ForQuestionAnswering` with a fast tokenizer, read from local files, in 32 bits."""

    def __init__(self, model: Model) -> None:
        try:
            import torch

            network, tokenizer = _load(model)
            self.tokenizer = LibraryTokenizer(tokenizer.backend_tokenizer)
        except Exception as error:  # the library raises errors of many types
            raise ModelError(f"the model in {model.folder} does not load: {error}", hint=model.hint) from error
        self._torch = torch
        self._network = network.eval()
        takes_types = "token_type_ids" in inspect.signature(network.forward).parameters
        self._types = takes_types and getattr(network.config, "type_vocab_size", 0) > 1

    def run(self, ids: Sequence[int], types: Sequence[int] | None = None) -> npt.NDArray[np.float32]:
        """The logits of start and end, shape (tokens, 2), for one input, special tokens and all."""
        torch = self._torch
        inputs = {"input_ids": torch.tensor([list(ids)]), "attention_mask": torch.ones((1, len(ids)), dtype=torch.long)}
        if self._types:
            inputs["token_type_ids"] = torch.tensor([list(types or [0] * len(ids))])
        with torch.inference_mode():
            output = self._network(**inputs)
            logits: Any = torch.stack([output.start_logits, output.end_logits], dim=-1)[0]
        result: npt.NDArray[np.float32] = logits.float().numpy()
        return result


def _load(model: Model) -> tuple[Any, Any]:
    import torch
    from transformers import AutoModelForQuestionAnswering, AutoTokenizer
    from transformers.utils import logging

    logging.set_verbosity_error()
    logging.disable_progress_bar()
    folder = str(model.folder)
    network, report = AutoModelForQuestionAnswering.from_pretrained(
        folder, dtype=torch.float32, local_files_only=True, output_loading_info=True
    )
    if report["missing_keys"]:  # transformers fills them with random numbers
        raise ValueError(f"its weights lack {', '.join(sorted(report['missing_keys'])[:3])}")
    return network, AutoTokenizer.from_pretrained(folder, local_files_only=True)
