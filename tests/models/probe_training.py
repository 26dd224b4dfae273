"""Run in a framework's environment, MODELS FRAMEWORK CASES: trains a small model by each case's hyper-parameters.

FRAMEWORK is "pytorch" or "tf".  Images have two by two pixels; a layer normalisation, a scale called
``position_embedding`` and a dense layer lead to four classes, all from the same weights.  Prints a list, of each
case the losses, the weights after each step and what was predicted after each epoch.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy

FRAMEWORK = sys.argv[2]
sys.path.insert(0, str(Path(sys.argv[1]) / "imagenet"))
training = import_module(f"training_{FRAMEWORK}")

PIXELS = (numpy.arange(10 * 12) * 37 % 251).astype(numpy.uint8).reshape(10, 2, 2, 3)
LABELS = numpy.arange(10) * 7 % 4
KERNEL = numpy.sin(numpy.arange(48)).astype(numpy.float32).reshape(12, 4)
NAMES = ("scale", "gamma", "beta", "kernel", "bias")


class Run:
    """What train() asks of a run."""

    def __init__(self, hparams: dict[str, Any]) -> None:
        self.hparams, self.seed, self.device, self.classes = hparams, 0, "cpu", 4
        self.metrics = {"top1": "fraction"}
        self.steps_done = 0
        self.data = type("Data", (), {"folders": {}})
        self.said: dict[str, Any] = {"losses": [], "weights": [], "top1": [], "epochs_to_target": []}
        self.model: Any = None

    def arrays(self, _: str) -> tuple[numpy.ndarray, numpy.ndarray]:
        return PIXELS, LABELS

    def epochs(self) -> Iterable[int]:
        return range(self.hparams["epochs"])

    def steps(self, batches: Iterable[Any]) -> Iterator[Any]:
        for batch in batches:
            yield batch
            self.said["weights"].append(weights_of(self.model))

    def loss(self, value: Any) -> None:
        self.said["losses"].append(float(value))

    def metric(self, name: str, value: float) -> None:
        self.said[name].append(value)

    def weights(self, moment: str, model: Any) -> None:
        self.model = model
        self.said[moment] = weights_of(model)

    def together(self) -> tuple[int, int]:
        return 0, 1

    def total(self, values: list[float]) -> list[float]:
        return values

    def keep(self, **parts: Any) -> None:
        self.said["kept"] = sorted(parts)


def batches(_run: Run, _split: str, size: int) -> Iterator[tuple[numpy.ndarray, numpy.ndarray]]:
    for start in range(0, len(LABELS), size):
        yield PIXELS[start : start + size], LABELS[start : start + size]


def build_pytorch(classes: int, _: dict[str, Any]) -> Any:
    torch: Any = training.torch

    class Toy(torch.nn.Module):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.position_embedding = torch.nn.Parameter(torch.ones(12))
            self.norm = torch.nn.LayerNorm(12)
            self.dense = torch.nn.Linear(12, classes)
            with torch.no_grad():
                self.dense.weight.copy_(torch.from_numpy(KERNEL.T.copy()))
                self.dense.bias.zero_()

        def forward(self, x: Any) -> Any:
            x = x.permute(0, 2, 3, 1).flatten(1)
            return self.dense(self.norm(x * self.position_embedding))

    return Toy()


def build_tf(classes: int, _: dict[str, Any]) -> Any:
    tf: Any = training.tf

    class Scale(tf.keras.layers.Layer):  # type: ignore[misc,name-defined,unused-ignore]
        def build(self, _: Any) -> None:
            self.scale = self.add_weight(name="scale", shape=(12,), initializer="ones")

        def call(self, x: Any) -> Any:
            return x * self.scale

    images = tf.keras.Input((None, None, 3))
    x = tf.keras.layers.Reshape((12,))(images)
    x = Scale(name="position_embedding")(x)
    x = tf.keras.layers.LayerNormalization(epsilon=1e-5, name="norm")(x)
    kernel = tf.keras.initializers.Constant(KERNEL)
    return tf.keras.Model(images, tf.keras.layers.Dense(classes, kernel_initializer=kernel, name="dense")(x))


def weights_of(model: Any) -> dict[str, Any]:
    if FRAMEWORK == "pytorch":
        found = dict(zip(NAMES, (each.detach().numpy().copy() for each in model.parameters()), strict=True))
        found["kernel"] = found["kernel"].T
    else:
        found = dict(zip(NAMES, model.get_weights(), strict=True))
    return {name: array.astype(float).tolist() for name, array in found.items()}


training.inputs.batches = batches
runs = [Run(case) for case in json.loads(sys.argv[3])]
for run in runs:
    training.train(run, build_pytorch if FRAMEWORK == "pytorch" else build_tf)
sys.stdout.write(json.dumps([run.said for run in runs]) + "\n")
