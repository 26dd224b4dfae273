"""Run in a framework's environment, MODELS FILE HPARAMS FOLDER: trains nano-gpt on a small text.

Prints what it reported, saves the logits and the gradient of the first batch.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy

sys.path.insert(0, str(Path(sys.argv[1]) / "nano-gpt"))
gpt, recipe = import_module(sys.argv[2]), import_module("recipe")


class Run:
    """What train() asks of a run."""

    def __init__(self) -> None:
        self.hparams: dict[str, Any] = json.loads(sys.argv[3])
        self.seed, self.device, self.classes = 0, "cpu", 27
        self.losses: list[float] = []
        self.told: dict[str, Any] = {"losses": self.losses, "sums": []}

    def arrays(self, split: str) -> tuple[numpy.ndarray, numpy.ndarray]:
        text = numpy.arange(4000 if split == "train" else 400) ** 2 % 27
        return text[:-1, None].astype(numpy.uint8), text[1:]

    def epochs(self) -> Iterable[int]:
        return range(self.hparams["epochs"])

    steps_done = 0

    def keep(self, **parts: Any) -> None:
        pass

    def steps(self, batches: Iterable[Any]) -> Iterator[Any]:
        yield from batches

    def saw_batch(self, x: numpy.ndarray, y: numpy.ndarray) -> None:
        self.told["sums"].append(int(x.sum() - 2 * y.sum()))

    def loss(self, value: Any) -> None:
        self.losses.append(float(value))

    def metric(self, name: str, value: float) -> None:
        self.told[name] = value

    def weights(self, _: str, model: Any) -> None:
        found = model.trainable_weights if hasattr(model, "trainable_weights") else list(model.parameters())
        self.told["parameters"] = sum(int(numpy.prod(tuple(each.shape))) for each in found)


def first_step(run: Run) -> dict[str, numpy.ndarray]:
    """The logits of the first batch, and the gradient of its loss by the names of the weights."""
    model = gpt.GPT(recipe.first_weights(run.classes, run.hparams, run.seed), run.hparams)
    x, y = next(recipe.windows(recipe.text_of(run, "train"), run.hparams, numpy.random.RandomState([run.seed, 1])))
    if sys.argv[2] == "pytorch":
        gpt.mean_loss(model, x, y, run).backward()
        gradients = {name: each.grad.numpy() for name, each in model.weights.items()}
        return {"logits": model(gpt.torch.from_numpy(x)).detach().numpy(), **gradients}
    with gpt.tf.GradientTape() as tape:
        logits = model(gpt.tf.constant(x))
        loss = gpt.tf.reduce_mean(gpt.tf.nn.sparse_softmax_cross_entropy_with_logits(y, logits))
    found = tape.gradient(loss, list(model.named.values()))
    gradients = {name: gpt.tf.convert_to_tensor(each).numpy() for name, each in zip(model.named, found, strict=True)}
    return {"logits": logits.numpy(), **gradients}


run = Run()
numpy.savez(Path(sys.argv[4]) / f"{sys.argv[2]}.npz", **first_step(run))  # type: ignore[arg-type]
gpt.train(run)
sys.stdout.write(json.dumps(run.told))
