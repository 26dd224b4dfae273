"""MobileNetV2 in PyTorch, from Sandler et al. 2018, "MobileNetV2: Inverted Residuals and Linear Bottlenecks".

Structure and first weights as in torchvision 0.28.0 (models/mobilenetv2.py), whose accuracies are the references.
"""

from __future__ import annotations

from typing import Any, Dict

import torch
import training_pytorch
from layers_pytorch import conv_norm
from torch import nn
from torch.nn.functional import relu6

# Table 2, one row a stage: how much a block widens, its output channels, blocks, stride of the first.
STAGES = (
    (1, 16, 1, 1),
    (6, 24, 2, 2),
    (6, 32, 3, 2),
    (6, 64, 4, 2),
    (6, 96, 3, 1),
    (6, 160, 3, 2),
    (6, 320, 1, 1),
)
STEM, LAST = 32, 1280  # the first and the last row


class InvertedResidual(nn.Module):
    """Table 1: 1x1 widens, 3x3 works on each channel apart, 1x1 narrows and is not rectified.

    The input is added to the result where their shapes are the same (section 3.3).
    """

    def __init__(self, channels: int, width: int, expansion: int, stride: int) -> None:
        super().__init__()
        inner = expansion * channels
        self.widens = expansion > 1
        if self.widens:
            self.expand = conv_norm(channels, inner, 1)
        self.depthwise = conv_norm(inner, inner, 3, stride, groups=inner)
        self.project = conv_norm(inner, width, 1)
        self.adds = stride == 1 and channels == width

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = relu6(self.expand(x), inplace=True) if self.widens else x
        y = relu6(self.depthwise(y), inplace=True)
        y = self.project(y)
        return x + y if self.adds else y


class MobileNetV2(nn.Module):
    """images [n, 3, height, width] -> logits [n, classes]"""

    def __init__(self, classes: int, dropout: float) -> None:
        super().__init__()
        self.stem = conv_norm(3, STEM, 3, stride=2)
        blocks, channels = [], STEM
        for expansion, width, repeats, first_stride in STAGES:
            for repeat in range(repeats):
                stride = first_stride if repeat == 0 else 1
                blocks.append(InvertedResidual(channels, width, expansion, stride))
                channels = width
        self.blocks = nn.Sequential(*blocks)
        self.last = conv_norm(channels, LAST, 1)
        self.dropout = nn.Dropout(dropout)
        self.fc = nn.Linear(LAST, classes)
        self.apply(initialize)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = relu6(self.stem(x), inplace=True)
        x = self.blocks(x)
        x = relu6(self.last(x), inplace=True)
        return self.fc(self.dropout(x.mean(dim=(2, 3))))


def initialize(layer: nn.Module) -> None:
    """He et al. 2015, equation 14 (fan-out), where a depthwise layer's fan is that of all its channels."""
    if isinstance(layer, nn.Conv2d):
        nn.init.kaiming_normal_(layer.weight, mode="fan_out", nonlinearity="relu")
    if isinstance(layer, nn.Linear):
        nn.init.normal_(layer.weight, std=0.01)
        nn.init.zeros_(layer.bias)


def build(classes: int, hparams: Dict[str, Any]) -> MobileNetV2:
    return MobileNetV2(classes, float(hparams.get("dropout", 0.0)))


def train(run: Any) -> None:
    training_pytorch.train(run, build)


def speed(run: Any) -> None:
    training_pytorch.speed(run, build)
