"""DenseNet in PyTorch, from Huang et al. 2017, "Densely Connected Convolutional Networks".

The DenseNet-BC of section 3, whose layers narrow their input by a 1x1 convolution first and whose
transitions halve the number of channels; growth and blocks (Table 1) stand in model.toml.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import Any, Dict, Sequence

import torch
import training_pytorch
from torch import nn
from torch.nn import functional

BOTTLENECK = 4  # a layer's 1x1 convolution makes 4 k channels, k being the growth: section 3


class DenseLayer(nn.Module):
    """[n, channels, h, w] -> [n, channels + growth, h, w]: what came in, and what is made of it."""

    def __init__(self, channels: int, growth: int) -> None:
        super().__init__()
        self.norm1 = nn.BatchNorm2d(channels)
        self.conv1 = nn.Conv2d(channels, BOTTLENECK * growth, 1, bias=False)
        self.norm2 = nn.BatchNorm2d(BOTTLENECK * growth)
        self.conv2 = nn.Conv2d(BOTTLENECK * growth, growth, 3, padding=1, bias=False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = self.conv1(functional.relu(self.norm1(x), inplace=True))
        y = self.conv2(functional.relu(self.norm2(y), inplace=True))
        return torch.cat([x, y], 1)


class Transition(nn.Module):
    """[n, channels, h, w] -> [n, channels / 2, h / 2, w / 2]."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.norm = nn.BatchNorm2d(channels)
        self.conv = nn.Conv2d(channels, channels // 2, 1, bias=False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return functional.avg_pool2d(self.conv(functional.relu(self.norm(x), inplace=True)), 2)


class DenseNet(nn.Module):
    """images [n, 3, h, w] -> logits [n, classes]; sides of at least 29 pixels."""

    def __init__(self, classes: int, growth: int, blocks: Sequence[int]) -> None:
        super().__init__()
        channels = 2 * growth
        features = OrderedDict(
            conv0=nn.Conv2d(3, channels, 7, stride=2, padding=3, bias=False),
            norm0=nn.BatchNorm2d(channels),
            relu0=nn.ReLU(inplace=True),
            pool0=nn.MaxPool2d(3, stride=2, padding=1),
        )
        for block, count in enumerate(blocks, 1):
            if block > 1:
                features["transition%d" % (block - 1)] = Transition(channels)
                channels //= 2
            layers = [DenseLayer(channels + number * growth, growth) for number in range(count)]
            features["block%d" % block] = nn.Sequential(*layers)
            channels += count * growth
        features["norm5"] = nn.BatchNorm2d(channels)
        self.features = nn.Sequential(features)
        self.fc = nn.Linear(channels, classes)
        self.apply(initialize)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = functional.relu(self.features(x), inplace=True)
        return self.fc(x.mean(dim=(2, 3)))


def initialize(layer: nn.Module) -> None:
    """As torchvision: He et al. 2015, equation 10 (fan-in), for convolutions; uniform +-1/sqrt(fan-in) for fc."""
    if isinstance(layer, nn.Conv2d):
        nn.init.kaiming_normal_(layer.weight, mode="fan_in", nonlinearity="relu")
    if isinstance(layer, nn.Linear):
        bound = layer.in_features**-0.5
        nn.init.uniform_(layer.weight, -bound, bound)
        nn.init.zeros_(layer.bias)


def build(classes: int, hparams: Dict[str, Any]) -> DenseNet:
    return DenseNet(classes, hparams["growth"], hparams["blocks"])


def train(run: Any) -> None:
    training_pytorch.train(run, build)


def speed(run: Any) -> None:
    training_pytorch.speed(run, build)
