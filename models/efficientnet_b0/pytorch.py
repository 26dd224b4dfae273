"""EfficientNet-B0 in PyTorch, from Tan and Le 2019, "EfficientNet: Rethinking Model Scaling for CNNs".

Structure and first weights as in torchvision 0.28.0 (models/efficientnet.py), whose batch norms have
PyTorch's momentum and epsilon unless a recipe says otherwise, as that of the authors does.
"""

from __future__ import annotations

from typing import Any, Dict

import torch
import training_pytorch
from layers_pytorch import SqueezeExcitation, StochasticDepth, conv_norm
from torch import nn
from torch.nn.functional import silu

# Table 1, one row a stage: how much a block widens, kernel, output channels, blocks, stride of the first.
STAGES = (
    (1, 3, 16, 1, 1),
    (6, 3, 24, 2, 2),
    (6, 5, 40, 2, 2),
    (6, 3, 80, 3, 2),
    (6, 5, 112, 3, 1),
    (6, 5, 192, 4, 2),
    (6, 3, 320, 1, 1),
)
STEM, LAST = 32, 1280  # the first and the last row
BLOCKS = sum(stage[3] for stage in STAGES)


class MBConv(nn.Module):
    """The block of MobileNetV2 with squeeze-and-excitation; a quarter of its input's channels is squeezed to.

    While training, the branch of an image is dropped with probability ``drop`` where there is a shortcut.
    """

    def __init__(self, channels: int, width: int, expansion: int, kernel: int, stride: int, drop: float) -> None:
        super().__init__()
        inner = expansion * channels
        self.widens = expansion > 1
        if self.widens:
            self.expand = conv_norm(channels, inner, 1)
        self.depthwise = conv_norm(inner, inner, kernel, stride, groups=inner)
        self.squeeze = SqueezeExcitation(inner, channels // 4, silu)
        self.project = conv_norm(inner, width, 1)
        self.drop = StochasticDepth(drop)
        self.adds = stride == 1 and channels == width

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = silu(self.expand(x)) if self.widens else x
        y = silu(self.depthwise(y))
        y = self.project(self.squeeze(y))
        return x + self.drop(y) if self.adds else y


class EfficientNet(nn.Module):
    """images [n, 3, height, width] -> logits [n, classes]

    ``stochastic_depth`` is the rate that would hold for one block more: the first is never dropped, and
    the rate grows by as much from each to the next.
    """

    def __init__(self, classes: int, dropout: float, stochastic_depth: float) -> None:
        super().__init__()
        self.stem = conv_norm(3, STEM, 3, stride=2)
        blocks, channels = [], STEM
        for expansion, kernel, width, repeats, first_stride in STAGES:
            for repeat in range(repeats):
                stride = first_stride if repeat == 0 else 1
                drop = stochastic_depth * len(blocks) / BLOCKS
                blocks.append(MBConv(channels, width, expansion, kernel, stride, drop))
                channels = width
        self.blocks = nn.Sequential(*blocks)
        self.last = conv_norm(channels, LAST, 1)
        self.dropout = nn.Dropout(dropout)
        self.fc = nn.Linear(LAST, classes)
        self.apply(initialize)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = silu(self.stem(x))
        x = self.blocks(x)
        x = silu(self.last(x))
        return self.fc(self.dropout(x.mean(dim=(2, 3))))


def initialize(layer: nn.Module) -> None:
    """He et al. 2015, equation 14 (fan-out), where a depthwise layer's fan is that of all its channels.

    The last layer is uniform within 1/sqrt(fan-out).
    """
    if isinstance(layer, nn.Conv2d):
        nn.init.kaiming_normal_(layer.weight, mode="fan_out", nonlinearity="relu")
    if isinstance(layer, nn.Linear):
        nn.init.uniform_(layer.weight, -(layer.out_features**-0.5), layer.out_features**-0.5)
    if isinstance(layer, (nn.Conv2d, nn.Linear)) and layer.bias is not None:
        nn.init.zeros_(layer.bias)


def build(classes: int, hparams: Dict[str, Any]) -> EfficientNet:
    model = EfficientNet(classes, float(hparams.get("dropout", 0.0)), float(hparams.get("stochastic_depth", 0.0)))
    for layer in model.modules():
        if isinstance(layer, nn.BatchNorm2d):
            layer.momentum = float(hparams.get("norm_momentum", 0.1))
            layer.eps = float(hparams.get("norm_epsilon", 1e-5))
    return model


def train(run: Any) -> None:
    training_pytorch.train(run, build)


def speed(run: Any) -> None:
    training_pytorch.speed(run, build)
