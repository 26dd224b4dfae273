"""ShuffleNetV2 1x in PyTorch, from Ma et al. 2018, "ShuffleNet V2: Practical Guidelines for Efficient CNN ...".

Structure and first weights as in torchvision 0.28.0 (models/shufflenetv2.py): weights are PyTorch's
defaults, uniform within 1/sqrt(fan-in).
"""

from __future__ import annotations

from typing import Any, Dict

import torch
import training_pytorch
from layers_pytorch import conv_norm
from torch import nn
from torch.nn.functional import max_pool2d, relu

STAGES = ((116, 4), (232, 8), (464, 4))  # Table 5, the column of 1x: channels and blocks of stages 2 to 4
STEM, LAST = 24, 1024  # its first and its last convolution


def shuffled(left: torch.Tensor, right: torch.Tensor) -> torch.Tensor:
    """Both [n, c, h, w] -> [n, 2c, h, w], a channel of each in turn, in the layout of ``right``."""
    if right.is_contiguous(memory_format=torch.channels_last):
        pairs = torch.stack((left.permute(0, 2, 3, 1), right.permute(0, 2, 3, 1)), dim=4)
        return pairs.flatten(3).permute(0, 3, 1, 2)
    return torch.stack((left, right), dim=2).flatten(1, 2)


class Unit(nn.Module):
    """Figure 3 (c): half of the channels pass by, the others go through three convolutions; then they are shuffled."""

    def __init__(self, width: int) -> None:
        super().__init__()
        half = width // 2
        self.narrow = conv_norm(half, half, 1)
        self.depthwise = conv_norm(half, half, 3, groups=half)
        self.widen = conv_norm(half, half, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        left, right = x.chunk(2, dim=1)
        right = relu(self.narrow(right), inplace=True)
        right = relu(self.widen(self.depthwise(right)), inplace=True)
        return shuffled(left, right)


class DownUnit(nn.Module):
    """Figure 3 (d): both branches see all channels and halve the image; ``width`` channels leave it."""

    def __init__(self, channels: int, width: int) -> None:
        super().__init__()
        half = width // 2
        self.left_depthwise = conv_norm(channels, channels, 3, stride=2, groups=channels)
        self.left_widen = conv_norm(channels, half, 1)
        self.narrow = conv_norm(channels, half, 1)
        self.depthwise = conv_norm(half, half, 3, stride=2, groups=half)
        self.widen = conv_norm(half, half, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        left = relu(self.left_widen(self.left_depthwise(x)), inplace=True)
        right = relu(self.narrow(x), inplace=True)
        right = relu(self.widen(self.depthwise(right)), inplace=True)
        return shuffled(left, right)


class ShuffleNetV2(nn.Module):
    """images [n, 3, height, width] -> logits [n, classes]"""

    def __init__(self, classes: int) -> None:
        super().__init__()
        self.stem = conv_norm(3, STEM, 3, stride=2)
        channels = STEM
        for stage, (width, units) in enumerate(STAGES, 2):
            down = DownUnit(channels, width)
            setattr(self, "stage%d" % stage, nn.Sequential(down, *(Unit(width) for _ in range(units - 1))))
            channels = width
        self.last = conv_norm(channels, LAST, 1)
        self.fc = nn.Linear(LAST, classes)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = relu(self.stem(x), inplace=True)
        x = max_pool2d(x, 3, stride=2, padding=1)
        x = self.stage4(self.stage3(self.stage2(x)))
        x = relu(self.last(x), inplace=True)
        return self.fc(x.mean(dim=(2, 3)))


def build(classes: int, hparams: Dict[str, Any]) -> ShuffleNetV2:  # noqa: ARG001
    return ShuffleNetV2(classes)


def train(run: Any) -> None:
    training_pytorch.train(run, build)


def speed(run: Any) -> None:
    training_pytorch.speed(run, build)
