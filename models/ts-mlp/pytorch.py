"""Multi-layer perceptron for time series in PyTorch, from Wang et al. 2017, section II A.

Trained as in the review of Ismail Fawaz et al. 2019, whose ten runs are the published numbers.
Keras' defaults are written out, because that code ran on Keras.
"""

from __future__ import annotations

from typing import Any, Dict

import numpy
import torch
from plateau import Plateau
from series_pytorch import accuracy, copy_of, initialize
from torch import nn
from torch.nn import functional

WIDTH = 500  # of each hidden layer, figure 1 (a)


def build(length: int, classes: int, hparams: Dict[str, Any]) -> nn.Sequential:
    """series [n, length] -> logits [n, classes]: three hidden layers, dropout before each layer."""
    first, second, third, last = hparams["dropout"]
    model = nn.Sequential(
        nn.Dropout(first),
        nn.Linear(length, WIDTH),
        nn.ReLU(),
        nn.Dropout(second),
        nn.Linear(WIDTH, WIDTH),
        nn.ReLU(),
        nn.Dropout(third),
        nn.Linear(WIDTH, WIDTH),
        nn.ReLU(),
        nn.Dropout(last),
        nn.Linear(WIDTH, classes),
    )
    return model.apply(initialize)


def train(run: Any) -> None:
    torch.set_flush_denormal(True)  # averages of gradients that stay 0 end in numbers too small for fast arithmetic
    x, y = run.arrays("train")
    model = build(x.shape[2], run.classes, run.hparams).to(run.device)
    run.weights("initial", model)
    optimizer = adadelta(model, run.hparams)
    plateau = Plateau(run.hparams)
    best_loss, best_weights = float("inf"), copy_of(model)

    model.train()
    for _ in run.epochs():
        total = torch.zeros((), device=run.device)
        for series, labels in run.steps(run.batches("train")):
            optimizer.zero_grad(set_to_none=True)
            loss = functional.cross_entropy(model(flat(series, run)), torch.from_numpy(labels).to(run.device))
            loss.backward()
            optimizer.step()
            run.loss(loss.detach())
            total += loss.detach() * len(labels)
        epoch_loss = float(total) / len(y)  # as Keras reports it: of each batch before its update, with dropout
        if epoch_loss < best_loss:
            best_loss, best_weights = epoch_loss, copy_of(model)
        for group in optimizer.param_groups:
            group["lr"] = plateau.after_epoch(epoch_loss)

    model.load_state_dict(best_weights)
    x, y = run.arrays("test")
    run.metric("accuracy", accuracy(model, flat(x, run), y))
    run.weights("final", model)


def flat(x: numpy.ndarray, run: Any) -> torch.Tensor:
    """[n, 1, length] -> float32 [n, length] on the device.  Not normalised: neither did the published code."""
    return torch.from_numpy(x[:, 0].astype(numpy.float32)).to(run.device)


def adadelta(model: nn.Module, hparams: Dict[str, Any]) -> torch.optim.Adadelta:
    """Zeiler 2012, algorithm 1, its step times the rate.  PyTorch's own rho and epsilon are others than Keras'."""
    return torch.optim.Adadelta(
        model.parameters(), lr=hparams["learning_rate"], rho=hparams["rho"], eps=hparams["epsilon"]
    )
