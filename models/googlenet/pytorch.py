"""GoogLeNet in PyTorch, from Szegedy et al. 2015, "Going Deeper with Convolutions".

Table 1 with two changes, both torchvision's, so that the published count of parameters holds: every
convolution is normalised (Ioffe and Szegedy 2015) and has no bias, in place of local response
normalisation; and the branch that the paper calls 5x5 has a 3x3 convolution.
"""

from __future__ import annotations

from typing import Any, Dict, Tuple, Union

import torch
import training_pytorch
from torch import nn
from torch.nn import functional

# Table 1: channels of 1x1, 3x3 reduce, 3x3, 5x5 reduce, 5x5, pool proj.
INCEPTIONS = {
    "3a": (64, 96, 128, 16, 32, 32),
    "3b": (128, 128, 192, 32, 96, 64),
    "4a": (192, 96, 208, 16, 48, 64),
    "4b": (160, 112, 224, 24, 64, 64),
    "4c": (128, 128, 256, 24, 64, 64),
    "4d": (112, 144, 288, 32, 64, 64),
    "4e": (256, 160, 320, 32, 128, 128),
    "5a": (256, 160, 320, 32, 128, 128),
    "5b": (384, 192, 384, 48, 128, 128),
}

Outputs = Union[torch.Tensor, Tuple[torch.Tensor, torch.Tensor, torch.Tensor]]


class ConvNorm(nn.Sequential):
    """A convolution that keeps the size at stride 1, its norm and its ReLU."""

    def __init__(self, channels: int, width: int, kernel: int, stride: int = 1) -> None:
        super().__init__()
        self.conv = nn.Conv2d(channels, width, kernel, stride, padding=kernel // 2, bias=False)
        self.norm = nn.BatchNorm2d(width, eps=1e-3)
        self.relu = nn.ReLU(inplace=True)


class Inception(nn.Module):
    """[n, channels, h, w] -> [n, the branches' channels, h, w]: figure 2 (b), four branches side by side."""

    def __init__(self, channels: int, one: int, reduce3: int, three: int, reduce5: int, five: int, pool: int) -> None:
        super().__init__()
        self.one = ConvNorm(channels, one, 1)
        self.three = nn.Sequential(ConvNorm(channels, reduce3, 1), ConvNorm(reduce3, three, 3))
        self.five = nn.Sequential(ConvNorm(channels, reduce5, 1), ConvNorm(reduce5, five, 3))  # 3x3: see above
        self.pool = ConvNorm(channels, pool, 1)
        self.width = one + three + five + pool

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        pooled = functional.max_pool2d(x, 3, stride=1, padding=1)
        return torch.cat([self.one(x), self.three(x), self.five(x), self.pool(pooled)], 1)


class Auxiliary(nn.Module):
    """[n, channels, h, w] -> logits [n, classes]: the classifiers on 4a and 4d that help the training (section 5)."""

    def __init__(self, channels: int, classes: int, dropout: float) -> None:
        super().__init__()
        self.conv = ConvNorm(channels, 128, 1)
        self.fc1 = nn.Linear(4 * 4 * 128, 1024)
        self.fc2 = nn.Linear(1024, classes)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        # 14 x 14 become 4 x 4: by torchvision's windows, where the paper's are 5 x 5 with stride 3
        x = self.conv(functional.adaptive_avg_pool2d(x, 4))
        x = functional.relu(self.fc1(torch.flatten(x, 1)))
        return self.fc2(self.dropout(x))


class GoogLeNet(nn.Module):
    """images [n, 3, h, w] -> logits [n, classes]; sides of at least 15 pixels, 224 as published.

    While training, with ``aux``: (logits, those of 4a's classifier, those of 4d's).
    """

    def __init__(self, classes: int, aux: bool, dropout: float, aux_dropout: float) -> None:
        super().__init__()
        self.conv1 = ConvNorm(3, 64, 7, stride=2)
        self.conv2 = ConvNorm(64, 64, 1)
        self.conv3 = ConvNorm(64, 192, 3)
        channels, width = 192, {}
        for place, widths in INCEPTIONS.items():
            inception = Inception(channels, *widths)
            setattr(self, "inception" + place, inception)
            channels = width[place] = inception.width
        self.aux = aux
        if aux:
            self.aux1 = Auxiliary(width["4a"], classes, aux_dropout)
            self.aux2 = Auxiliary(width["4d"], classes, aux_dropout)
        self.dropout = nn.Dropout(dropout)
        self.fc = nn.Linear(channels, classes)
        self.apply(initialize)

    def forward(self, x: torch.Tensor) -> Outputs:
        x = pool(self.conv1(x), 3)
        x = pool(self.conv3(self.conv2(x)), 3)
        x = pool(self.inception3b(self.inception3a(x)), 3)
        first = x = self.inception4a(x)
        second = x = self.inception4d(self.inception4c(self.inception4b(x)))
        x = pool(self.inception4e(x), 2)
        x = self.inception5b(self.inception5a(x))
        logits = self.fc(self.dropout(x.mean(dim=(2, 3))))
        if self.aux and self.training:
            return logits, self.aux1(first), self.aux2(second)
        return logits


def pool(x: torch.Tensor, size: int) -> torch.Tensor:
    """[n, c, h, w] -> [n, c, h / 2, w / 2], rounded up: the last window may reach over the border."""
    return functional.max_pool2d(x, size, stride=2, ceil_mode=True)


def initialize(layer: nn.Module) -> None:
    """As torchvision: N(0, 0.01), which it cuts at +-2, where nothing is left to cut; biases as PyTorch makes them."""
    if isinstance(layer, (nn.Conv2d, nn.Linear)):
        nn.init.normal_(layer.weight, std=0.01)
    if isinstance(layer, nn.Linear):
        bound = layer.in_features**-0.5
        nn.init.uniform_(layer.bias, -bound, bound)


def build(classes: int, hparams: Dict[str, Any]) -> GoogLeNet:
    return GoogLeNet(classes, hparams["aux"], hparams["dropout"], hparams["aux_dropout"])


def train(run: Any) -> None:
    training_pytorch.train(run, build)


def speed(run: Any) -> None:
    training_pytorch.speed(run, build)
