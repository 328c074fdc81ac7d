"""The reader's network as it is trained: float32 weights, bfloat16 inside where the hardware has it (CUDA)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from transformers import AutoConfig, AutoModelForQuestionAnswering, PreTrainedConfig, PreTrainedModel

from askdoc.training.batches import Batch
from askdoc.training.dropout import PooledDropout

LAYERS = "layers.safetensors"  # all of a reader but what it shares with its encoder
_IMPOSSIBLE = -1e4  # the logit of padding


@dataclass(frozen=True, slots=True)
class Logits:
    """Start and end logits, each (windows, length) in float32."""

    start_logits: Tensor
    end_logits: Tensor


class Reader(nn.Module):
    """A span model; on CUDA it computes in bfloat16, its last layer in float32.

    The embeddings, and the first `frozen` layers above them, are not trained: they are passed once instead of twice.
    """

    def __init__(self, model: PreTrainedModel, *, dropout: float, frozen: int = 0) -> None:
        super().__init__()
        self.network = model
        body = model.base_model
        body.embeddings.requires_grad_(False)
        if not _is_bert(model.config):
            body.encoder.relative_attention_bias.requires_grad_(False)  # the frozen layers use it too
        for layer in body.encoder.layer[:frozen]:
            layer.requires_grad_(False)
        _drop_out(body, PooledDropout(dropout))

    def forward(self, input_ids: Tensor, attention_mask: Tensor) -> Logits:
        """The logits of the windows, each (windows, length)."""
        with torch.autocast("cuda", torch.bfloat16, enabled=input_ids.is_cuda):
            encoded = self.network.base_model(
                input_ids=input_ids, attention_mask=attention_mask
            ).last_hidden_state  # (windows, length, width)
        start, end = self.network.qa_outputs(encoded.float()).unbind(dim=-1)
        padding = attention_mask == 0
        return Logits(start.masked_fill(padding, _IMPOSSIBLE), end.masked_fill(padding, _IMPOSSIBLE))

    def trained(self) -> dict[str, nn.Parameter]:
        """The parameters that training changes, by their names in the model."""
        return {name: value for name, value in self.network.named_parameters() if value.requires_grad}

    def show(self, values: Mapping[str, Tensor]) -> None:
        """Put these values into the trained parameters."""
        with torch.no_grad():
            for name, parameter in self.trained().items():
                parameter.copy_(values[name])


class Weights:
    """The float32 weights that the optimiser changes, and their moving average.

    `average` is how much of the moving average a step keeps, less in the first steps; `decay` is AdamW's.
    """

    def __init__(self, network: Reader, *, average: float, decay: float, clip: float) -> None:
        self.network, self.keep, self.clip = network, average, clip
        self.master = {name: value.detach().float().clone() for name, value in network.trained().items()}
        self.average = {name: value.clone() for name, value in self.master.items()}
        matrices = [value for value in self.master.values() if value.dim() > 1]
        vectors = [value for value in self.master.values() if value.dim() <= 1]
        groups = [{"params": matrices, "weight_decay": decay}, {"params": vectors, "weight_decay": 0.0}]
        self.optimizer = torch.optim.AdamW(groups, betas=(0.9, 0.98), eps=1e-6)

    def step(self, *, rate: float, number: int) -> float:
        """Apply the network's gradients, as step `number` of the run; returns their norm before clipping."""
        for name, parameter in self.network.trained().items():
            self.master[name].grad = None if parameter.grad is None else parameter.grad.float()
            parameter.grad = None
        norm = nn.utils.clip_grad_norm_(list(self.master.values()), self.clip)
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        self.optimizer.step()
        kept = min(self.keep, (1 + number) / (10 + number))
        torch._foreach_lerp_(list(self.average.values()), list(self.master.values()), 1.0 - kept)
        self.network.show(self.master)
        return float(norm)

    def state(self) -> dict[str, Any]:
        """All of it, for a checkpoint."""
        return {"master": self.master, "average": self.average, "optimizer": self.optimizer.state_dict()}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go back to a checkpoint's state."""
        for mine, stored in ((self.master, state["master"]), (self.average, state["average"])):
            for name, value in mine.items():
                value.copy_(stored[name])
        self.optimizer.load_state_dict(state["optimizer"])
        self.network.show(self.master)


def span_loss(logits: Logits, batch: Batch) -> Tensor:
    """The cross-entropy of the start and end distributions with their targets, averaged over both and the windows."""
    start = -(batch.starts * logits.start_logits.log_softmax(dim=1)).sum(dim=1)
    end = -(batch.ends * logits.end_logits.log_softmax(dim=1)).sum(dim=1)
    return 0.5 * (start + end).mean()


def load_model(encoder: Path, start: Path | None = None) -> PreTrainedModel:
    """The encoder of a folder with a span head, in float32.

    start: a reader's folder, as `save_layers` writes it; without it the head is new. Raises ValueError if its weights
    are another network's.
    """
    attention = "sdpa" if _is_bert(AutoConfig.from_pretrained(encoder)) else "eager"  # MPNet has no other
    model: PreTrainedModel = AutoModelForQuestionAnswering.from_pretrained(
        encoder, dtype=torch.float32, attn_implementation=attention
    )
    if start is not None:
        stored, own = load_layers(start), model.state_dict()
        missing = [name for name in own if name not in stored and "embeddings" not in name]
        strange = [name for name, value in stored.items() if name not in own or own[name].shape != value.shape]
        if missing or strange:
            raise ValueError(f"{start}: not a reader on {encoder}: {[*strange, *missing][:3]} …")
        model.load_state_dict(stored, strict=False)
    return model


def load_layers(folder: Path) -> dict[str, Tensor]:
    """The weights in a reader's folder, by name, in float32."""
    file = next(folder.glob("*.safetensors"), folder / LAYERS)
    return {name: value.float() for name, value in load_file(file).items()}


def save_layers(model: PreTrainedModel, folder: Path) -> None:
    """Write all of a reader but its word table, which is its encoder's, to a new folder."""
    folder.mkdir(parents=True)
    shared = model.get_input_embeddings().weight.data_ptr()
    kept = {name: value.contiguous() for name, value in model.state_dict().items() if value.data_ptr() != shared}
    save_file(kept, folder / LAYERS)


def device() -> torch.device:
    """Where to compute: an accelerator if there is one."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def _is_bert(config: PreTrainedConfig) -> bool:
    return bool(config.model_type == "bert")


def _drop_out(body: nn.Module, pooled: PooledDropout) -> None:
    """Put `pooled` wherever the body drops activations, and drop no attention.

    Masks as large as the attention are not worth their time.
    """
    for owner in list(body.modules()):
        for name, child in list(owner.named_children()):
            if not isinstance(child, nn.Dropout):
                continue
            if hasattr(owner, "num_attention_heads"):
                child.p = 0.0
            else:
                setattr(owner, name, pooled)
