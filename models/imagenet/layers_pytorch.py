"""What torch.nn lacks."""

from __future__ import annotations

import torch
from torch import nn


class StochasticDepth(nn.Module):
    """Drops the whole branch of an image with probability ``rate`` while training (Huang et al. 2016).

    [n, ...] -> [n, ...]; what stays is divided by the probability to stay.
    """

    def __init__(self, rate: float) -> None:
        super().__init__()
        self.rate = rate

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        if not self.training or self.rate == 0.0:
            return x
        stays = torch.rand((x.shape[0],) + (1,) * (x.dim() - 1), device=x.device) >= self.rate
        return x * (stays.to(x.dtype) / (1.0 - self.rate))
