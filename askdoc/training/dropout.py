"""Dropout that a CPU can afford."""

import torch
from torch import Tensor, nn

POOL = 1 << 22  # elements, several times a layer's activations


class PooledDropout(nn.Module):
    """Dropout whose masks are random stretches of one fixed random mask.

    PyTorch draws masks on a CPU in a single thread, a tenth of a training step; a stretch costs one multiplication. On
    other devices, or where the input is larger than the pool, it is ordinary dropout. The pool follows from `seed`, its
    stretches from PyTorch's global generator.
    """

    def __init__(self, probability: float, *, seed: int = 0) -> None:
        super().__init__()
        self.probability = probability
        drawn = torch.rand(POOL, generator=torch.Generator().manual_seed(seed))
        pool = (drawn >= probability).float() / (1.0 - probability)
        self.register_buffer("pool", pool, persistent=False)

    def forward(self, values: Tensor) -> Tensor:
        """The values with a share of `probability` set to zero and the others scaled up; unchanged in evaluation."""
        if not self.training or self.probability == 0.0:
            return values
        if values.device.type != "cpu" or values.numel() >= POOL:
            return nn.functional.dropout(values, self.probability)
        first = int(torch.randint(POOL - values.numel(), (1,)))
        pool: Tensor = self.get_buffer("pool")
        return values * pool[first : first + values.numel()].view(values.shape)
