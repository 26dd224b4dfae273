from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import inputs
import loss
import training_pytorch
from torch import nn


def build(classes: int, _hparams: dict[str, Any]) -> Any:
    return nn.Sequential(nn.Conv2d(3, 8, 4, stride=4), nn.ReLU(), nn.Flatten(), nn.Linear(8 * 8 * 8, classes))


def train(run: Any) -> None:
    plain = inputs.batches

    def batches(*arguments: Any) -> Iterator[Any]:
        for number, batch in enumerate(plain(*arguments)):
            loss.lose(run, number)
            yield batch

    inputs.batches = batches
    training_pytorch.train(run, build)


def speed(run: Any) -> None:
    training_pytorch.speed(run, build)
