"""MobileNetV3-Large in PyTorch, from Howard et al. 2019, "Searching for MobileNetV3".

Structure and first weights as in torchvision 0.28.0 (models/mobilenetv3.py), whose accuracies are the references.
"""

from __future__ import annotations

from typing import Any, Dict

import layers_pytorch
import torch
import training_pytorch
from layers_pytorch import SqueezeExcitation
from torch import nn
from torch.nn.functional import hardsigmoid, hardswish, relu

# Table 1, one row a block: kernel, inner width, output channels, squeeze-and-excitation, nonlinearity, stride.
BLOCKS = (
    (3, 16, 16, False, relu, 1),
    (3, 64, 24, False, relu, 2),
    (3, 72, 24, False, relu, 1),
    (5, 72, 40, True, relu, 2),
    (5, 120, 40, True, relu, 1),
    (5, 120, 40, True, relu, 1),
    (3, 240, 80, False, hardswish, 2),
    (3, 200, 80, False, hardswish, 1),
    (3, 184, 80, False, hardswish, 1),
    (3, 184, 80, False, hardswish, 1),
    (3, 480, 112, True, hardswish, 1),
    (3, 672, 112, True, hardswish, 1),
    (5, 672, 160, True, hardswish, 2),
    (5, 960, 160, True, hardswish, 1),
    (5, 960, 160, True, hardswish, 1),
)
STEM, LAST, HIDDEN = 16, 960, 1280  # the first row and the two before the classes


def divisible(channels: float, divisor: int = 8) -> int:
    """The nearest multiple; the next one where that would take away more than a tenth.

    As in the authors' code (tensorflow/models, slim/nets/mobilenet), on which the counts of parameters rest.
    """
    nearest = max(divisor, int(channels + divisor / 2) // divisor * divisor)
    return nearest if nearest >= 0.9 * channels else nearest + divisor


def conv_norm(channels: int, width: int, kernel: int, stride: int = 1, groups: int = 1) -> nn.Sequential:
    """Moving averages with a decay of 0.99 (section 6.1.1); the epsilon is torchvision's."""
    return layers_pytorch.conv_norm(channels, width, kernel, stride, groups, epsilon=1e-3, momentum=0.01)


def squeeze_excitation(channels: int) -> SqueezeExcitation:
    """A quarter of the channels in between (section 5.3)."""
    return SqueezeExcitation(channels, divisible(channels // 4), relu, hardsigmoid)


class InvertedResidual(nn.Module):
    """Figure 4: 1x1 widens, a convolution works on each channel apart, 1x1 narrows and has no nonlinearity."""

    def __init__(
        self, channels: int, kernel: int, inner: int, width: int, squeezes: bool, activation: Any, stride: int
    ) -> None:
        super().__init__()
        self.activation = activation
        self.widens = inner != channels
        if self.widens:
            self.expand = conv_norm(channels, inner, 1)
        self.depthwise = conv_norm(inner, inner, kernel, stride, groups=inner)
        self.squeeze = squeeze_excitation(inner) if squeezes else nn.Identity()
        self.project = conv_norm(inner, width, 1)
        self.adds = stride == 1 and channels == width

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = self.activation(self.expand(x)) if self.widens else x
        y = self.activation(self.depthwise(y))
        y = self.project(self.squeeze(y))
        return x + y if self.adds else y


class MobileNetV3(nn.Module):
    """images [n, 3, height, width] -> logits [n, classes]"""

    def __init__(self, classes: int, dropout: float) -> None:
        super().__init__()
        self.stem = conv_norm(3, STEM, 3, stride=2)
        blocks, channels = [], STEM
        for kernel, inner, width, squeezes, activation, stride in BLOCKS:
            blocks.append(InvertedResidual(channels, kernel, inner, width, squeezes, activation, stride))
            channels = width
        self.blocks = nn.Sequential(*blocks)
        self.last = conv_norm(channels, LAST, 1)
        self.hidden = nn.Linear(LAST, HIDDEN)
        self.dropout = nn.Dropout(dropout)
        self.fc = nn.Linear(HIDDEN, classes)
        self.apply(initialize)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = hardswish(self.stem(x))
        x = self.blocks(x)
        x = hardswish(self.last(x))
        x = hardswish(self.hidden(x.mean(dim=(2, 3))))
        return self.fc(self.dropout(x))


def initialize(layer: nn.Module) -> None:
    """He et al. 2015, equation 14 (fan-out), where a depthwise layer's fan is that of all its channels."""
    if isinstance(layer, nn.Conv2d):
        nn.init.kaiming_normal_(layer.weight, mode="fan_out", nonlinearity="relu")
    if isinstance(layer, nn.Linear):
        nn.init.normal_(layer.weight, std=0.01)
    if isinstance(layer, (nn.Conv2d, nn.Linear)) and layer.bias is not None:
        nn.init.zeros_(layer.bias)


def build(classes: int, hparams: Dict[str, Any]) -> MobileNetV3:
    return MobileNetV3(classes, float(hparams.get("dropout", 0.0)))


def train(run: Any) -> None:
    training_pytorch.train(run, build)


def speed(run: Any) -> None:
    training_pytorch.speed(run, build)
