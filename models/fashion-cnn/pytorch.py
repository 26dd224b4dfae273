"""Two-convolution network for Fashion-MNIST in PyTorch, as in the published notebook of ten runs.

Keras' defaults are written out, because the notebook ran on Keras.
"""

from __future__ import annotations

from typing import Any, Dict, Optional

import numpy
import torch
from parts import cut
from torch import nn
from torch.nn import functional

EVAL_BATCH = 1000


class CNN(nn.Module):
    """images [n, 1, 28, 28] -> logits [n, classes]."""

    def __init__(self, classes: int, hparams: Dict[str, Any]) -> None:
        super().__init__()
        filters, hidden = hparams["filters"], hparams["hidden"]
        self.conv1 = nn.Conv2d(1, filters, 3)
        self.conv2 = nn.Conv2d(filters, filters, 3)
        self.conv_dropout = nn.Dropout(hparams["conv_dropout"])
        self.fc1 = nn.Linear(filters * 5 * 5, hidden)
        self.hidden_dropout = nn.Dropout(hparams["hidden_dropout"])
        self.fc2 = nn.Linear(hidden, classes)
        self.apply(initialize)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        # The maximum before ReLU is the same number, and so is its gradient, from a quarter of the ReLUs.
        x = functional.relu(functional.max_pool2d(self.conv1(x), 2))  # 28 -> 26 -> 13 pixels
        x = functional.relu(functional.max_pool2d(self.conv2(x), 2))  # 13 -> 11 -> 5
        x = functional.relu(self.fc1(self.conv_dropout(x).flatten(1)))
        return self.fc2(self.hidden_dropout(x))


def initialize(layer: nn.Module) -> None:
    """Keras' default: Glorot and Bengio 2010, equation 16, and biases of zero."""
    if isinstance(layer, (nn.Conv2d, nn.Linear)):
        nn.init.xavier_uniform_(layer.weight)
        nn.init.zeros_(layer.bias)


def build(classes: int, hparams: Dict[str, Any]) -> CNN:
    return CNN(classes, hparams)


def train(run: Any) -> None:
    model = build(run.classes, run.hparams).to(run.device, memory_format=torch.channels_last)
    run.weights("initial", model)
    optimizer = optimizer_of(model, run.hparams)
    parts = cut(len(run.arrays("train")[1]), run.hparams)

    for _ in run.epochs():
        model.train()
        for x, y in run.steps(run.batches("train", rows=parts.train)):
            run.loss(train_step(model, optimizer, inputs(x, run.device), torch.from_numpy(y).to(run.device)))
        run.metric("val_accuracy", accuracy(model, run, "train", parts.val))
    run.metric("accuracy", accuracy(model, run, "test"))  # of the last epoch: nothing is selected
    run.weights("final", model)


def train_step(
    model: nn.Module, optimizer: torch.optim.Optimizer, images: torch.Tensor, labels: torch.Tensor
) -> torch.Tensor:
    """One update; the batch's mean loss, detached."""
    optimizer.zero_grad(set_to_none=True)
    loss = functional.cross_entropy(model(images), labels)
    loss.backward()
    optimizer.step()
    return loss.detach()


class KerasAdam(torch.optim.Adam):
    """Adam as at the end of section 2 of Kingma and Ba 2015, and in Keras: epsilon is added before the
    correction of the deviation, hence divided by it."""

    def __init__(self, parameters: Any, rate: float, epsilon: float) -> None:
        super().__init__(parameters, lr=rate, eps=epsilon)
        self._epsilon, self._steps = epsilon, 0

    def step(self, closure: Any = None) -> Any:
        self._steps += 1
        for group in self.param_groups:
            group["eps"] = self._epsilon / (1 - group["betas"][1] ** self._steps) ** 0.5
        return super().step(closure)


def optimizer_of(model: nn.Module, hparams: Dict[str, Any]) -> KerasAdam:
    return KerasAdam(model.parameters(), hparams["learning_rate"], hparams["epsilon"])


@torch.no_grad()
def accuracy(model: nn.Module, run: Any, split: str, rows: Optional[numpy.ndarray] = None) -> float:
    """Share of the split's images, or of its ``rows``, whose class has the highest logit."""
    model.eval()
    right = total = 0
    for x, y in run.batches(split, EVAL_BATCH, rows=rows, shuffle=False):
        predicted = model(inputs(x, run.device)).argmax(dim=1).cpu().numpy()
        right, total = right + int((predicted == y).sum()), total + len(y)
    return right / total


def inputs(pixels: numpy.ndarray, device: str) -> torch.Tensor:
    """pixels uint8 [n, 1, 28, 28] -> float32 from 0 to 1 on the device."""
    return torch.from_numpy(pixels).to(device).float() / 255
