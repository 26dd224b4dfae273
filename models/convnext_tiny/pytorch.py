"""ConvNeXt-T in PyTorch, from Liu et al. 2022, "A ConvNet for the 2020s".

Structure and initial weights are those of torchvision's convnext_tiny.
"""

from __future__ import annotations

from typing import Any, Dict

import layers_pytorch
import torch
import training_pytorch
from torch import nn
from torch.nn import functional

STAGES = ((96, 3), (192, 3), (384, 9), (768, 3))  # section 3, ConvNeXt-T: C and B of the four stages
BLOCKS = 18  # of all stages
EXPANSION = 4  # section 2.4: the inverted bottleneck
LAYER_SCALE = 1e-6  # Table 5
EPSILON = 1e-6  # of the norms, in the authors' code and torchvision's


class ConvNeXt(nn.Module):
    """images [n, 3, height, width] -> logits [n, classes]; sides of at least 32 pixels."""

    def __init__(self, classes: int, stochastic_depth: float) -> None:
        super().__init__()
        channels, number = 3, 0
        for stage, (width, blocks) in enumerate(STAGES):
            parts = [Stem(width) if stage == 0 else Downsample(channels, width)]
            for _ in range(blocks):  # Huang et al. 2016: blocks drop out the oftener the deeper they lie
                parts.append(Block(width, stochastic_depth * number / (BLOCKS - 1)))
                number += 1
            setattr(self, "stage%d" % (stage + 1), nn.Sequential(*parts))
            channels = width
        self.norm = nn.LayerNorm(channels, EPSILON)
        self.head = nn.Linear(channels, classes)
        self.apply(initialize)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        x = self.stage4(self.stage3(self.stage2(self.stage1(images))))
        return self.head(self.norm(x.mean(dim=(2, 3))))


class ChannelNorm(nn.LayerNorm):
    """x [n, c, h, w] -> the same, normalised over the channels of each pixel."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return super().forward(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)


class Stem(nn.Module):
    """images [n, 3, h, w] -> [n, width, h/4, w/4]: section 2.2, patchify."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, width, 4, stride=4)
        self.norm = ChannelNorm(width, EPSILON)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return self.norm(self.conv(images))


class Downsample(nn.Module):
    """x [n, channels, h, w] -> [n, width, h/2, w/2]: section 2.6, separate downsampling layers."""

    def __init__(self, channels: int, width: int) -> None:
        super().__init__()
        self.norm = ChannelNorm(channels, EPSILON)
        self.conv = nn.Conv2d(channels, width, 2, stride=2)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.conv(self.norm(x))


class Block(nn.Module):
    """x [n, width, h, w] -> the same: Figure 4, right."""

    def __init__(self, width: int, stochastic_depth: float) -> None:
        super().__init__()
        self.layer_scale = nn.Parameter(torch.full((width,), LAYER_SCALE))
        self.conv = nn.Conv2d(width, width, 7, padding=3, groups=width)
        self.norm = nn.LayerNorm(width, EPSILON)
        self.fc1 = nn.Linear(width, EXPANSION * width)
        self.fc2 = nn.Linear(EXPANSION * width, width)
        self.stochastic_depth = layers_pytorch.StochasticDepth(stochastic_depth)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = self.norm(self.conv(x).permute(0, 2, 3, 1))  # [n, h, w, width]
        y = self.fc2(functional.gelu(self.fc1(y)))
        y = (self.layer_scale * y).permute(0, 3, 1, 2)
        return x + self.stochastic_depth(y)


def initialize(layer: nn.Module) -> None:
    """As torchvision's convnext_tiny, which cuts the normal distribution off at +-2, a hundred deviations: not here."""
    if isinstance(layer, (nn.Conv2d, nn.Linear)):
        nn.init.normal_(layer.weight, std=0.02)
        nn.init.zeros_(layer.bias)


def build(classes: int, hparams: Dict[str, Any]) -> ConvNeXt:
    return ConvNeXt(classes, float(hparams.get("stochastic_depth", 0.0)))


def train(run: Any) -> None:
    training_pytorch.train(run, build)


def speed(run: Any) -> None:
    training_pytorch.speed(run, build)
