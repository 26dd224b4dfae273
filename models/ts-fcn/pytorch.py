"""Fully convolutional network for time series in PyTorch, from Wang et al. 2017, section II B.

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

BLOCKS = ((128, 8), (256, 5), (128, 3))  # filters and kernel of each block, figure 1 (b)


class FCN(nn.Module):
    """series [n, 1, length] -> logits [n, classes]: convolution, norm and ReLU, thrice; the mean over time."""

    def __init__(self, classes: int, hparams: Dict[str, Any]) -> None:
        super().__init__()
        self.convs, self.norms = nn.ModuleList(), nn.ModuleList()
        momentum = 1.0 - hparams["bn_momentum"]  # Keras counts what is kept, PyTorch what is new
        channels = 1
        for filters, kernel in BLOCKS:
            # As in Keras, of an odd rim the larger part comes last; an even one is padded inside, without a copy.
            self.convs.append(nn.Conv1d(channels, filters, kernel, padding="same"))
            self.norms.append(nn.BatchNorm1d(filters, eps=hparams["bn_epsilon"], momentum=momentum))
            channels = filters
        self.fc = nn.Linear(channels, classes)
        self.apply(initialize)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        for conv, norm in zip(self.convs, self.norms):
            x = functional.relu(norm(conv(x)))
        return self.fc(x.mean(dim=2))


def build(classes: int, hparams: Dict[str, Any]) -> FCN:
    return FCN(classes, hparams)


def train(run: Any) -> None:
    model = build(run.classes, run.hparams).to(run.device)
    run.weights("initial", model)
    optimizer = adam(model, run.hparams)
    plateau = Plateau(run.hparams)
    samples = len(run.arrays("train")[1])
    seen = {"total": torch.zeros((), device=run.device), "best_loss": float("inf"), "best_weights": copy_of(model)}
    run.keep(model=model, optimizer=optimizer, plateau=plateau, seen=seen)

    model.train()
    for _ in run.epochs():
        for x, y in run.steps(run.batches("train")):
            optimizer.zero_grad(set_to_none=True)
            loss = functional.cross_entropy(model(series(x, run)), torch.from_numpy(y).to(run.device))
            loss.backward()
            optimizer.step()
            run.loss(loss.detach())
            seen["total"] += loss.detach() * len(y)
        epoch_loss = float(seen["total"]) / samples  # as Keras reports it: of each batch before its update
        seen["total"].zero_()
        if epoch_loss < seen["best_loss"]:
            seen.update(best_loss=epoch_loss, best_weights=copy_of(model))
        for group in optimizer.param_groups:
            group["lr"] = plateau.after_epoch(epoch_loss)

    model.load_state_dict(seen["best_weights"])
    x, y = run.arrays("test")
    run.metric("accuracy", accuracy(model, series(x, run), y))
    run.weights("final", model)
