"""AlexNet in PyTorch, from Krizhevsky 2014, "One weird trick for parallelizing convolutional neural networks".

The one-column variant of that paper (footnote 1), as torchvision trains it: 64 filters in the first
layer, no local response normalisation, no groups.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import Any, Dict

import torch
import training_pytorch
from torch import nn


class AlexNet(nn.Module):
    """images [n, 3, h, w] -> logits [n, classes]; sides of at least 63 pixels, 224 as published."""

    def __init__(self, classes: int, dropout: float) -> None:
        super().__init__()
        self.features = nn.Sequential(
            OrderedDict(
                conv1=nn.Conv2d(3, 64, 11, stride=4, padding=2),
                relu1=nn.ReLU(inplace=True),
                pool1=nn.MaxPool2d(3, stride=2),  # windows overlap: Krizhevsky et al. 2012, section 3.4
                conv2=nn.Conv2d(64, 192, 5, padding=2),
                relu2=nn.ReLU(inplace=True),
                pool2=nn.MaxPool2d(3, stride=2),
                conv3=nn.Conv2d(192, 384, 3, padding=1),
                relu3=nn.ReLU(inplace=True),
                conv4=nn.Conv2d(384, 256, 3, padding=1),
                relu4=nn.ReLU(inplace=True),
                conv5=nn.Conv2d(256, 256, 3, padding=1),
                relu5=nn.ReLU(inplace=True),
                pool5=nn.MaxPool2d(3, stride=2),
            )
        )
        self.pool = nn.AdaptiveAvgPool2d(6)  # changes nothing at 224 pixels
        self.classifier = nn.Sequential(
            OrderedDict(
                drop6=nn.Dropout(dropout),
                fc6=nn.Linear(6 * 6 * 256, 4096),
                relu6=nn.ReLU(inplace=True),
                drop7=nn.Dropout(dropout),
                fc7=nn.Linear(4096, 4096),
                relu7=nn.ReLU(inplace=True),
                fc8=nn.Linear(4096, classes),
            )
        )
        self.apply(initialize)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.classifier(torch.flatten(self.pool(self.features(x)), 1))


def initialize(layer: nn.Module) -> None:
    """Uniform within +-1/sqrt(fan-in), biases too: what PyTorch's layers do by themselves, as torchvision leaves it."""
    if isinstance(layer, (nn.Conv2d, nn.Linear)):
        bound = layer.weight[0].numel() ** -0.5
        nn.init.uniform_(layer.weight, -bound, bound)
        nn.init.uniform_(layer.bias, -bound, bound)


def build(classes: int, hparams: Dict[str, Any]) -> AlexNet:
    return AlexNet(classes, hparams["dropout"])


def train(run: Any) -> None:
    training_pytorch.train(run, build)


def speed(run: Any) -> None:
    training_pytorch.speed(run, build)
