"""Fully convolutional network for time series in PyTorch, from Wang et al. 2017, section II B.

Trained as in the review of Ismail Fawaz et al. 2019, whose ten runs are the published numbers.
Keras' defaults are written out, because that code ran on Keras.
"""

from __future__ import annotations

import inspect
from typing import Any, Dict, List

import torch
from plateau import Plateau
from torch import nn
from torch.nn import functional

BLOCKS = ((128, 8), (256, 5), (128, 3))  # filters and kernel of each block, figure 1 (b)


class FCN(nn.Module):
    """series [n, 1, length] -> logits [n, classes]: convolution, norm, ReLU, three times; then the mean over time."""

    def __init__(self, classes: int, hparams: Dict[str, Any]) -> None:
        super().__init__()
        self.convs, self.norms = nn.ModuleList(), nn.ModuleList()
        channels = 1
        for filters, kernel in BLOCKS:
            self.convs.append(nn.Conv1d(channels, filters, kernel))
            # Keras' momentum is one minus PyTorch's.
            momentum = 1.0 - hparams["bn_momentum"]
            self.norms.append(nn.BatchNorm1d(filters, eps=hparams["bn_epsilon"], momentum=momentum))
            channels = filters
        self.fc = nn.Linear(channels, classes)
        self.apply(initialize)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        for conv, norm in zip(self.convs, self.norms):
            rim = conv.kernel_size[0] - 1  # Keras' "same": of an odd rim the larger part comes after
            x = functional.relu(norm(conv(functional.pad(x, (rim // 2, rim - rim // 2)))))
        return self.fc(x.mean(dim=2))


def initialize(layer: nn.Module) -> None:
    """Keras' default: Glorot and Bengio 2010, equation 16, and biases of zero."""
    if isinstance(layer, (nn.Conv1d, nn.Linear)):
        nn.init.xavier_uniform_(layer.weight)
        nn.init.zeros_(layer.bias)


def build(classes: int, hparams: Dict[str, Any]) -> FCN:
    return FCN(classes, hparams)


def train(run: Any) -> None:
    model = build(run.classes, run.hparams).to(run.device)
    run.weights("initial", model)
    optimizer = adam(model, run.hparams)
    series, labels = load(run, "train")
    plateau = Plateau(run.hparams)
    best_loss, best_weights = float("inf"), copy_weights(model)

    model.train()
    for epoch in run.epochs():
        total = torch.zeros((), device=run.device)
        for rows in run.steps(run.indices("train")):
            x, y = series[rows], labels[rows]
            if epoch == 0:
                run.saw_batch(x.cpu().numpy(), y.cpu().numpy())
            run.batch_of(len(rows))
            optimizer.zero_grad(set_to_none=True)
            loss = functional.cross_entropy(model(x), y)
            loss.backward()
            optimizer.step()
            run.loss(loss.detach())
            total += loss.detach() * len(rows)
        # What Keras calls the epoch's loss: the mean over the batches as they were trained on.
        epoch_loss = float(total) / len(labels)
        if epoch_loss < best_loss:
            best_loss, best_weights = epoch_loss, copy_weights(model)
        for group in optimizer.param_groups:
            group["lr"] = plateau.after_epoch(epoch_loss)

    model.load_state_dict(best_weights)
    run.metric("accuracy", accuracy(model, *load(run, "test")))
    run.weights("final", model)
