"""What torch.nn lacks."""

from __future__ import annotations

from collections import OrderedDict
from typing import Callable

import torch
from torch import nn

Activation = Callable[[torch.Tensor], torch.Tensor]


def conv_norm(
    channels: int,
    width: int,
    kernel: int,
    stride: int = 1,
    groups: int = 1,
    epsilon: float = 1e-5,
    momentum: float = 0.1,
) -> nn.Sequential:
    """A convolution without bias, padded by half its kernel, and its batch normalisation."""
    conv = nn.Conv2d(channels, width, kernel, stride, padding=kernel // 2, groups=groups, bias=False)
    return nn.Sequential(OrderedDict(conv=conv, norm=nn.BatchNorm2d(width, eps=epsilon, momentum=momentum)))


class SqueezeExcitation(nn.Module):
    """Hu et al. 2018: each channel is weighted by what the means of all channels say, ``squeezed`` in between."""

    def __init__(self, channels: int, squeezed: int, activation: Activation, gate: Activation = torch.sigmoid) -> None:
        super().__init__()
        self.activation, self.gate = activation, gate
        self.reduce = nn.Conv2d(channels, squeezed, 1)
        self.restore = nn.Conv2d(squeezed, channels, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        means = x.mean(dim=(2, 3), keepdim=True)
        return x * self.gate(self.restore(self.activation(self.reduce(means))))


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
