"""VGG in PyTorch: Simonyan and Zisserman 2015, "Very Deep Convolutional Networks for Large-Scale Image Recognition".

Five stages of 3x3 convolutions and three dense layers; how many convolutions a stage has, and
whether each is normalised (Ioffe and Szegedy 2015), stands in a member's model.toml.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import Any, Dict, Sequence

import torch
import training_pytorch
from torch import nn

WIDTHS = (64, 128, 256, 512, 512)  # Table 1: channels of the five stages


class VGG(nn.Module):
    """images [n, 3, h, w] -> logits [n, classes]; sides of at least 32 pixels, 224 as published."""

    def __init__(self, classes: int, convolutions: Sequence[int], batch_norm: bool, dropout: float) -> None:
        super().__init__()
        channels, features = 3, OrderedDict()
        for stage, (width, count) in enumerate(zip(WIDTHS, convolutions), 1):
            for number in range(1, count + 1):
                place = "%d_%d" % (stage, number)
                features["conv" + place] = nn.Conv2d(channels, width, 3, padding=1)
                if batch_norm:
                    features["norm" + place] = nn.BatchNorm2d(width)
                features["relu" + place] = nn.ReLU(inplace=True)
                channels = width
            features["pool%d" % stage] = nn.MaxPool2d(2)
        self.features = nn.Sequential(features)
        self.pool = nn.AdaptiveAvgPool2d(7)  # changes nothing at 224 pixels
        self.classifier = nn.Sequential(
            OrderedDict(
                fc6=nn.Linear(7 * 7 * 512, 4096),
                relu6=nn.ReLU(inplace=True),
                drop6=nn.Dropout(dropout),
                fc7=nn.Linear(4096, 4096),
                relu7=nn.ReLU(inplace=True),
                drop7=nn.Dropout(dropout),
                fc8=nn.Linear(4096, classes),
            )
        )
        self.apply(initialize)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.classifier(torch.flatten(self.pool(self.features(x)), 1))


def initialize(layer: nn.Module) -> None:
    """As torchvision: He et al. 2015, equation 14 (fan-out), for convolutions, N(0, 0.01) for dense layers, no bias."""
    if isinstance(layer, nn.Conv2d):
        nn.init.kaiming_normal_(layer.weight, mode="fan_out", nonlinearity="relu")
    if isinstance(layer, nn.Linear):
        nn.init.normal_(layer.weight, std=0.01)
    if isinstance(layer, (nn.Conv2d, nn.Linear)):
        nn.init.zeros_(layer.bias)


def build(classes: int, hparams: Dict[str, Any]) -> VGG:
    return VGG(classes, hparams["convolutions"], hparams["batch_norm"], hparams["dropout"])


def train(run: Any) -> None:
    training_pytorch.train(run, build)


def speed(run: Any) -> None:
    training_pytorch.speed(run, build)
