"""RegNetY in PyTorch, from Radosavovic et al. 2020, "Designing Network Design Spaces".

Structure and first weights as in torchvision 0.28.0 (models/regnet.py), whose accuracies are the
references.  Which RegNet it is stands in model.toml.
"""

from __future__ import annotations

from typing import Any, Dict

import torch
import training_pytorch
from layers_pytorch import SqueezeExcitation, conv_norm
from torch import nn
from torch.nn.functional import relu
from widths import stages

STEM = 32  # section 3.1


class YBlock(nn.Module):
    """Figure 4 with a bottleneck ratio of 1: 1x1, 3x3 in groups, squeeze-and-excitation, 1x1, and a shortcut.

    The squeeze is ``se_ratio`` of the block's input, not of what it squeezes.
    """

    def __init__(self, channels: int, width: int, stride: int, group_width: int, se_ratio: float) -> None:
        super().__init__()
        self.projects = channels != width or stride > 1
        if self.projects:
            self.shortcut = conv_norm(channels, width, 1, stride)
        self.a = conv_norm(channels, width, 1)
        self.b = conv_norm(width, width, 3, stride, groups=width // group_width)
        self.squeeze = SqueezeExcitation(width, round(se_ratio * channels), relu)
        self.c = conv_norm(width, width, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        shortcut = self.shortcut(x) if self.projects else x
        y = relu(self.a(x), inplace=True)
        y = relu(self.b(y), inplace=True)
        y = self.c(self.squeeze(y))
        return relu(y + shortcut, inplace=True)


class RegNetY(nn.Module):
    """images [n, 3, height, width] -> logits [n, classes]"""

    def __init__(
        self, classes: int, depth: int, w_0: int, w_a: float, w_m: float, group_width: int, se_ratio: float
    ) -> None:
        super().__init__()
        self.stem = conv_norm(3, STEM, 3, stride=2)
        parts, channels = [], STEM
        for width, blocks in stages(depth, w_0, w_a, w_m):
            first = YBlock(channels, width, 2, group_width, se_ratio)
            others = [YBlock(width, width, 1, group_width, se_ratio) for _ in range(blocks - 1)]
            parts.append(nn.Sequential(first, *others))
            channels = width
        self.stages = nn.Sequential(*parts)
        self.fc = nn.Linear(channels, classes)
        self.apply(initialize)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.stages(relu(self.stem(x), inplace=True))
        return self.fc(x.mean(dim=(2, 3)))


def initialize(layer: nn.Module) -> None:
    """Normal, with a variance of 2 / (kernel area x output channels), whatever the groups.

    As in torchvision the biases of squeeze-and-excitation stay PyTorch's, uniform within 1/sqrt(fan-in).
    """
    if isinstance(layer, nn.Conv2d):
        fan_out = layer.kernel_size[0] * layer.kernel_size[1] * layer.out_channels
        nn.init.normal_(layer.weight, std=(2.0 / fan_out) ** 0.5)
    if isinstance(layer, nn.Linear):
        nn.init.normal_(layer.weight, std=0.01)
        nn.init.zeros_(layer.bias)


DESIGN = ("depth", "w_0", "w_a", "w_m", "group_width", "se_ratio")


def build(classes: int, hparams: Dict[str, Any]) -> RegNetY:
    return RegNetY(classes, **{name: hparams[name] for name in DESIGN})


def train(run: Any) -> None:
    training_pytorch.train(run, build)


def speed(run: Any) -> None:
    training_pytorch.speed(run, build)
