"""Residual networks in PyTorch: ResNet-18 to -152, ResNeXt and Wide ResNet by the numbers of ``[architecture]``.

ResNet: He et al. 2016, "Deep Residual Learning for Image Recognition", Table 1 and Figure 5; those for small images
are of section 4.2, but with shortcut option B.
ResNeXt: Xie et al. 2017, "Aggregated Residual Transformations for Deep Neural Networks", Table 1.
Wide ResNet: Zagoruyko and Komodakis 2016, "Wide Residual Networks"; that of ImageNet is a bottleneck
network whose 3x3 convolutions are twice as wide (WRN-50-2-bottleneck).

One definition for every input size, with one change known as v1.5: a bottleneck that halves the
image does so in its 3x3 convolution and not in the first 1x1 (as torchvision's and NVIDIA's models
do; about 0.5 % better top-1 and 5 % slower, says NVIDIA).
"""

from __future__ import annotations

from typing import Any, Dict

import torch
import training_pytorch
from torch import nn
from torch.nn import functional


class Basic(nn.Module):
    """Figure 5, left: two 3x3 convolutions; the input is added to the result."""

    expansion = 1  # how much wider than ``width`` the output is

    def __init__(self, channels: int, width: int, stride: int, hparams: Dict[str, Any]) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels, width, 3, stride, padding=1, bias=False)
        self.norm1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, padding=1, bias=False)
        self.norm2 = nn.BatchNorm2d(width)
        nn.init.constant_(self.norm2.weight, hparams.get("last_gamma", 1.0))
        self.project = channels != width  # shortcut option B of section 4.1
        if self.project:
            self.conv_shortcut = nn.Conv2d(channels, width, 1, stride, bias=False)
            self.norm_shortcut = nn.BatchNorm2d(width)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        shortcut = self.norm_shortcut(self.conv_shortcut(x)) if self.project else x
        y = functional.relu(self.norm1(self.conv1(x)))
        y = self.norm2(self.conv2(y))
        return functional.relu(y + shortcut)


class Bottleneck(nn.Module):
    """Figure 5, right: 1x1 narrows, 3x3 works, 1x1 widens; the input is added to the result.

    The 3x3 works in ``groups`` (ResNeXt, Figure 3 c) of ``width_per_group`` channels each at the
    first stage's width of 64, of more in proportion later.
    """

    expansion = 4

    def __init__(self, channels: int, width: int, stride: int, hparams: Dict[str, Any]) -> None:
        super().__init__()
        out, groups = self.expansion * width, int(hparams["groups"])
        inner = width * int(hparams["width_per_group"]) // 64 * groups
        self.conv1 = nn.Conv2d(channels, inner, 1, bias=False)
        self.norm1 = nn.BatchNorm2d(inner)
        self.conv2 = nn.Conv2d(inner, inner, 3, stride, padding=1, groups=groups, bias=False)
        self.norm2 = nn.BatchNorm2d(inner)
        self.conv3 = nn.Conv2d(inner, out, 1, bias=False)
        self.norm3 = nn.BatchNorm2d(out)
        nn.init.constant_(self.norm3.weight, hparams.get("last_gamma", 1.0))
        self.project = channels != out  # shortcut option B of section 4.1
        if self.project:
            self.conv_shortcut = nn.Conv2d(channels, out, 1, stride, bias=False)
            self.norm_shortcut = nn.BatchNorm2d(out)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        shortcut = self.norm_shortcut(self.conv_shortcut(x)) if self.project else x
        y = functional.relu(self.norm1(self.conv1(x)))
        y = functional.relu(self.norm2(self.conv2(y)))
        y = self.norm3(self.conv3(y))
        return functional.relu(y + shortcut)


BLOCKS = {"basic": Basic, "bottleneck": Bottleneck}


class ResNet(nn.Module):
    """images [n, channels, height, width] -> logits [n, classes].

    Sides of at least 32 pixels, or, with ``stem`` "small" (section 4.2: one 3x3 convolution, and nothing halved
    before the second stage), of at least 4.
    """

    def __init__(self, classes: int, hparams: Dict[str, Any]) -> None:
        super().__init__()
        self.small = hparams.get("stem", "large") == "small"
        narrow, channels = int(hparams.get("width", 64)), int(hparams.get("channels", 3))
        kernel, stride = (3, 1) if self.small else (7, 2)
        self.conv1 = nn.Conv2d(channels, narrow, kernel, stride, padding=kernel // 2, bias=False)
        self.norm1 = nn.BatchNorm2d(narrow)
        block, channels = BLOCKS[hparams["block"]], narrow
        self.stages = ["stage%d" % (stage + 2) for stage in range(len(hparams["blocks"]))]  # conv2_x ... of Table 1
        for stage, blocks in enumerate(hparams["blocks"]):
            width, layers = narrow * 2**stage, []
            for index in range(blocks):
                stride = 2 if index == 0 and stage > 0 else 1
                layers.append(block(channels, width, stride, hparams))
                channels = block.expansion * width
            setattr(self, self.stages[stage], nn.Sequential(*layers))
        self.fc = nn.Linear(channels, classes)
        self.apply(initialize)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = functional.relu(self.norm1(self.conv1(x)))
        if not self.small:
            x = functional.max_pool2d(x, 3, stride=2, padding=1)
        for stage in self.stages:
            x = getattr(self, stage)(x)
        return self.fc(x.mean(dim=(2, 3)))


def initialize(layer: nn.Module) -> None:
    """He et al. 2015, equation 14 (fan-out) for convolutions; uniform +-1/sqrt(fan-in) for fc: as torchvision's."""
    if isinstance(layer, nn.Conv2d):
        nn.init.kaiming_normal_(layer.weight, mode="fan_out", nonlinearity="relu")
    if isinstance(layer, nn.Linear):
        bound = layer.in_features**-0.5
        nn.init.uniform_(layer.weight, -bound, bound)
        nn.init.uniform_(layer.bias, -bound, bound)


def build(classes: int, hparams: Dict[str, Any]) -> ResNet:
    """``last_gamma`` 0 lets every block start as the identity (Goyal et al. 2017, section 5.1)."""
    return ResNet(classes, hparams)


def train(run: Any) -> None:
    training_pytorch.train(run, build)


def speed(run: Any) -> None:
    training_pytorch.speed(run, build)
