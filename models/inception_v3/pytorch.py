"""Inception-v3 in PyTorch, from Szegedy et al. 2016, "Rethinking the Inception Architecture for Computer Vision".

The network as Google released it and torchvision keeps it.  It departs from the paper in two places:
the end of its stem is a 1x1 convolution of 80 channels, a 3x3 of 192 and a maximum pooling, where
Table 1 strides; and its 35x35 blocks have a 5x5 convolution where figure 5 has a single 3x3.
"""

from __future__ import annotations

from typing import Any, Dict, Tuple, Union

import torch
import training_pytorch
from torch import nn
from torch.nn import functional

Kernel = Union[int, Tuple[int, int]]  # height and width
ROW, COLUMN = (1, 7), (7, 1)  # together as good as 7x7, section 3.2


class ConvNorm(nn.Sequential):
    """A convolution, its norm and its ReLU; ``padding`` "same" keeps the size, "valid" pads nothing."""

    def __init__(self, channels: int, width: int, kernel: Kernel, stride: int = 1, padding: str = "same") -> None:
        super().__init__()
        h, w = (kernel, kernel) if isinstance(kernel, int) else kernel
        border = (h // 2, w // 2) if padding == "same" else (0, 0)
        self.conv = nn.Conv2d(channels, width, (h, w), stride, border, bias=False)
        self.norm = nn.BatchNorm2d(width, eps=1e-3)
        self.relu = nn.ReLU(inplace=True)


def chain(channels: int, *convolutions: Tuple[int, Kernel]) -> nn.Sequential:
    """One branch: (width, kernel) of each convolution, none of which changes the size."""
    layers = []
    for width, kernel in convolutions:
        layers.append(ConvNorm(channels, width, kernel))
        channels = width
    return nn.Sequential(*layers)


def halve(channels: int, width: int) -> ConvNorm:
    """The last convolution of a branch that halves the size, rounded down."""
    return ConvNorm(channels, width, 3, stride=2, padding="valid")


def average(x: torch.Tensor) -> torch.Tensor:
    """[n, c, h, w] of the same size: means of 3x3, in which the border's zeros count."""
    return functional.avg_pool2d(x, 3, stride=1, padding=1)


class Block35(nn.Module):
    """[n, channels, 35, 35] -> [n, 224 + pool, 35, 35]: figure 5, with a 5x5 for its single 3x3."""

    def __init__(self, channels: int, pool: int) -> None:
        super().__init__()
        self.one = chain(channels, (64, 1))
        self.five = chain(channels, (48, 1), (64, 5))
        self.three = chain(channels, (64, 1), (96, 3), (96, 3))
        self.pool = chain(channels, (pool, 1))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.cat([self.one(x), self.five(x), self.three(x), self.pool(average(x))], 1)


class Reduce35(nn.Module):
    """[n, channels, 35, 35] -> [n, 480 + channels, 17, 17]: figure 10."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.short = halve(channels, 384)
        self.long = nn.Sequential(chain(channels, (64, 1), (96, 3)), halve(96, 96))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.cat([self.short(x), self.long(x), functional.max_pool2d(x, 3, stride=2)], 1)


class Block17(nn.Module):
    """[n, 768, 17, 17] -> the same shape: figure 6 with n = 7."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.one = chain(768, (192, 1))
        self.short = chain(768, (width, 1), (width, ROW), (192, COLUMN))
        self.long = chain(768, (width, 1), (width, COLUMN), (width, ROW), (width, COLUMN), (192, ROW))
        self.pool = chain(768, (192, 1))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.cat([self.one(x), self.short(x), self.long(x), self.pool(average(x))], 1)


class Reduce17(nn.Module):
    """[n, 768, 17, 17] -> [n, 1280, 8, 8]."""

    def __init__(self) -> None:
        super().__init__()
        self.short = nn.Sequential(chain(768, (192, 1)), halve(192, 320))
        self.long = nn.Sequential(chain(768, (192, 1), (192, ROW), (192, COLUMN)), halve(192, 192))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.cat([self.short(x), self.long(x), functional.max_pool2d(x, 3, stride=2)], 1)


class Block8(nn.Module):
    """[n, channels, 8, 8] -> [n, 2048, 8, 8]: figure 7, whose branches end in 1x3 beside 3x1."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.one = chain(channels, (320, 1))
        self.short = chain(channels, (384, 1))
        self.short_row = ConvNorm(384, 384, (1, 3))
        self.short_column = ConvNorm(384, 384, (3, 1))
        self.long = chain(channels, (448, 1), (384, 3))
        self.long_row = ConvNorm(384, 384, (1, 3))
        self.long_column = ConvNorm(384, 384, (3, 1))
        self.pool = chain(channels, (192, 1))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        short, long = self.short(x), self.long(x)
        wide = [self.short_row(short), self.short_column(short), self.long_row(long), self.long_column(long)]
        return torch.cat([self.one(x), *wide, self.pool(average(x))], 1)


class Auxiliary(nn.Module):
    """[n, 768, 17, 17] -> logits [n, classes]: the classifier that regularises the training (section 4)."""

    def __init__(self, classes: int) -> None:
        super().__init__()
        self.conv0 = ConvNorm(768, 128, 1)
        self.conv1 = ConvNorm(128, 768, 5, padding="valid")
        self.fc = nn.Linear(768, classes)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = functional.avg_pool2d(x, 5, stride=3)  # 17 x 17 -> 5 x 5
        return self.fc(self.conv1(self.conv0(x)).mean(dim=(2, 3)))


class InceptionV3(nn.Module):
    """images [n, 3, h, w] -> logits [n, classes]; sides of at least 75 pixels, 299 as published.

    While training, with ``aux``: (logits, those of the classifier on the last 17x17); the sides then
    have at least 299 pixels, or nothing is left for it.
    """

    def __init__(self, classes: int, aux: bool, dropout: float) -> None:
        super().__init__()
        self.conv1a = ConvNorm(3, 32, 3, stride=2, padding="valid")
        self.conv2a = ConvNorm(32, 32, 3, padding="valid")
        self.conv2b = ConvNorm(32, 64, 3)
        self.conv3b = ConvNorm(64, 80, 1)
        self.conv4a = ConvNorm(80, 192, 3, padding="valid")
        self.mixed5 = nn.Sequential(Block35(192, 32), Block35(256, 64), Block35(288, 64))
        self.mixed6 = nn.Sequential(Reduce35(288), Block17(128), Block17(160), Block17(160), Block17(192))
        self.aux = Auxiliary(classes) if aux else None
        self.mixed7 = nn.Sequential(Reduce17(), Block8(1280), Block8(2048))
        self.dropout = nn.Dropout(dropout)
        self.fc = nn.Linear(2048, classes)
        self.apply(initialize)
        if self.aux is not None:
            nn.init.normal_(self.aux.fc.weight, std=0.001)

    def forward(self, x: torch.Tensor) -> Union[torch.Tensor, Tuple[torch.Tensor, torch.Tensor]]:
        x = self.conv2b(self.conv2a(self.conv1a(x)))
        x = functional.max_pool2d(x, 3, stride=2)
        x = self.conv4a(self.conv3b(x))
        x = functional.max_pool2d(x, 3, stride=2)
        last17 = self.mixed6(self.mixed5(x))
        x = self.mixed7(last17)
        logits = self.fc(self.dropout(x.mean(dim=(2, 3))))
        if self.aux is not None and self.training:
            return logits, self.aux(last17)
        return logits


def initialize(layer: nn.Module) -> None:
    """As torchvision: N(0, 0.1), which it cuts at +-2, where nothing is left to cut; biases as PyTorch makes them.

    Its 0.01 for the auxiliary head's 5x5 convolution never reaches the weights: the attribute is one module too high.
    """
    if isinstance(layer, (nn.Conv2d, nn.Linear)):
        nn.init.normal_(layer.weight, std=0.1)
    if isinstance(layer, nn.Linear):
        bound = layer.in_features**-0.5
        nn.init.uniform_(layer.bias, -bound, bound)


def build(classes: int, hparams: Dict[str, Any]) -> InceptionV3:
    return InceptionV3(classes, hparams["aux"], hparams["dropout"])


def train(run: Any) -> None:
    training_pytorch.train(run, build)


def speed(run: Any) -> None:
    training_pytorch.speed(run, build)
