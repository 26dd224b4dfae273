"""Residual network for time series in PyTorch, from Wang et al. 2017, section II C.

Trained as in the review of Ismail Fawaz et al. 2019, whose ten runs are the published numbers.
Keras' defaults are written out, because that code ran on Keras.
"""

from __future__ import annotations

from typing import Any, Dict

import torch
from plateau import Plateau
from series_pytorch import accuracy, adam, copy_of, initialize, series
from torch import nn
from torch.nn import functional

BLOCKS = (64, 128, 128)  # filters of each block, figure 1 (c)
KERNELS = (8, 5, 3)  # of the three convolutions of a block


class Block(nn.Module):
    """[n, channels, length] -> [n, filters, length]: three convolutions, and the input is added before the last ReLU.

    The shortcut is normed too; it has a convolution only where the number of channels changes.
    """

    def __init__(self, channels: int, filters: int, hparams: Dict[str, Any]) -> None:
        super().__init__()
        first, second, third = KERNELS
        self.conv1, self.norm1 = conv(channels, filters, first), norm(filters, hparams)
        self.conv2, self.norm2 = conv(filters, filters, second), norm(filters, hparams)
        self.conv3, self.norm3 = conv(filters, filters, third), norm(filters, hparams)
        self.conv_shortcut = nn.Conv1d(channels, filters, 1) if channels != filters else nn.Identity()
        self.norm_shortcut = norm(filters, hparams)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = functional.relu(self.norm1(self.conv1(x)))
        y = functional.relu(self.norm2(self.conv2(y)))
        y = self.norm3(self.conv3(y))
        return functional.relu(self.norm_shortcut(self.conv_shortcut(x)) + y)


class ResNet(nn.Module):
    """series [n, 1, length] -> logits [n, classes]: three blocks, then the mean over time."""

    def __init__(self, classes: int, hparams: Dict[str, Any]) -> None:
        super().__init__()
        self.blocks = nn.ModuleList()
        channels = 1
        for filters in BLOCKS:
            self.blocks.append(Block(channels, filters, hparams))
            channels = filters
        self.fc = nn.Linear(channels, classes)
        self.apply(initialize)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        for block in self.blocks:
            x = block(x)
        return self.fc(x.mean(dim=2))


def norm(filters: int, hparams: Dict[str, Any]) -> nn.BatchNorm1d:
    """Keras' momentum counts what is kept, PyTorch's what is new."""
    return nn.BatchNorm1d(filters, eps=hparams["bn_epsilon"], momentum=1.0 - hparams["bn_momentum"])


def conv(channels: int, filters: int, kernel: int) -> nn.Conv1d:
    """As in Keras, of an odd rim the larger part comes last; an even one is padded inside, without a copy."""
    return nn.Conv1d(channels, filters, kernel, padding="same")


def build(classes: int, hparams: Dict[str, Any]) -> ResNet:
    return ResNet(classes, hparams)


def train(run: Any) -> None:
    model = build(run.classes, run.hparams).to(run.device)
    run.weights("initial", model)
    optimizer = adam(model, run.hparams)
    plateau = Plateau(run.hparams)
    samples = len(run.arrays("train")[1])
    best_loss, best_weights = float("inf"), copy_of(model)

    model.train()
    for _ in run.epochs():
        total = torch.zeros((), device=run.device)
        for x, y in run.steps(run.batches("train")):
            optimizer.zero_grad(set_to_none=True)
            loss = functional.cross_entropy(model(series(x, run)), torch.from_numpy(y).to(run.device))
            loss.backward()
            optimizer.step()
            run.loss(loss.detach())
            total += loss.detach() * len(y)
        epoch_loss = float(total) / samples  # as Keras reports it: of each batch before its update
        if epoch_loss < best_loss:
            best_loss, best_weights = epoch_loss, copy_of(model)
        for group in optimizer.param_groups:
            group["lr"] = plateau.after_epoch(epoch_loss)

    model.load_state_dict(best_weights)
    x, y = run.arrays("test")
    run.metric("accuracy", accuracy(model, series(x, run), y))
    run.weights("final", model)
