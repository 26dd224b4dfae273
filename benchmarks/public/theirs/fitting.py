"""Keras' own ``fit`` with a stop before each round, on the TensorFlow or the PyTorch backend."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras

from benchmarks.public.task import Array, Task
from benchmarks.public.turns import Turns

EPOCHS = 10**6  # it is stopped from outside


def prepare(task: Task) -> None:
    """Threads and seed, as our worker sets them."""
    if keras.backend.backend() == "torch":
        import torch

        torch.set_num_threads(task.threads)
    else:
        import tensorflow as tf

        tf.config.threading.set_intra_op_parallelism_threads(task.threads)
        tf.config.threading.set_inter_op_parallelism_threads(1)
    keras.utils.set_random_seed(task.seed)


def options(task: Task, samples: int) -> dict[str, Any]:
    """Of ``compile``.  Variants: "fit" with Keras' defaults, "epoch" with an epoch in one call of the graph and no
    XLA, "xla-epoch" with both."""
    steps = -(-samples // task.hparams["batch_size"])
    variants: dict[str, dict[str, Any]] = {
        "fit": {},
        "epoch": {"steps_per_execution": steps, "jit_compile": False},
        "xla-epoch": {"steps_per_execution": steps, "jit_compile": True},
    }
    return variants[task.variant]


def fit(
    task: Task,
    model: keras.Model,
    optimizer: keras.optimizers.Optimizer,
    x: Array,
    y: Array,
    *,
    callbacks: Sequence[keras.callbacks.Callback] = (),
    validation: tuple[Array, Array] | None = None,
    accuracy: bool = False,
    shuffle: bool = True,
) -> None:
    """Logits against class numbers."""
    model.compile(
        optimizer=optimizer,
        loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=["accuracy"] if accuracy else [],
        **options(task, len(x)),
    )
    model.fit(
        x,
        y,
        batch_size=task.hparams["batch_size"],
        epochs=EPOCHS,
        shuffle=shuffle,
        verbose=0,
        validation_data=validation,
        callbacks=[*callbacks, InTurns(task.turns(name(task)))],
    )


def name(task: Task) -> str:
    how = {"fit": "", "epoch": ", an epoch a call", "xla-epoch": ", an epoch a call, XLA"}[task.variant]
    backend = " on PyTorch" if keras.backend.backend() == "torch" else ""
    return f"Keras {keras.__version__} fit{backend}{how}"


class InTurns(keras.callbacks.Callback):
    def __init__(self, turns: Turns) -> None:
        super().__init__()
        self._turns = turns

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:  # noqa: ARG002
        self._turns.epoch_starts()


class KeepBest(keras.callbacks.Callback):
    """The weights of the epoch with the best value, in memory."""

    def __init__(self, monitor: str, higher: bool = False) -> None:
        super().__init__()
        self._monitor, self._sign, self._best = monitor, -1.0 if higher else 1.0, float("inf")
        self.weights: list[Array] = []

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:  # noqa: ARG002
        if self._sign * logs[self._monitor] < self._best:
            self._best = self._sign * logs[self._monitor]
            self.weights = self.model.get_weights()
