"""makemore's parts 3 and 5 by Keras' ``fit``, with its BatchNormalization; batches are drawn before they are needed."""

from __future__ import annotations

from typing import Any

import keras
import numpy
from keras import layers

from benchmarks.public.task import Task, read_task
from benchmarks.public.theirs.fitting import fit, prepare


def main() -> None:
    task = read_task()
    prepare(task)
    x, y = task.arrays("train")
    samples = task.hparams["steps_per_epoch"] * task.hparams["batch_size"]
    rows = numpy.random.RandomState(task.seed).randint(0, len(y), samples)
    letters = x[rows, -task.hparams["context"] :].astype("int32")
    inputs = keras.Input((task.hparams["context"],), dtype="int32")
    embedded = layers.Embedding(task.classes, task.hparams["embedding"])(inputs)
    hidden = {"char-mlp": mlp, "char-wavenet": wavenet}[task.model](embedded, task)
    model = keras.Model(inputs, layers.Dense(task.classes)(hidden))
    optimizer = keras.optimizers.SGD(task.hparams["learning_rate"])
    fit(task, model, optimizer, letters, y[rows].astype("int32"))


def mlp(x: Any, task: Task) -> Any:
    x = layers.Dense(task.hparams["hidden"], use_bias=False)(layers.Flatten()(x))
    x = layers.BatchNormalization(momentum=1 - task.hparams["running_momentum"], epsilon=1e-12)(x)
    return layers.Activation("tanh")(x)


def wavenet(x: Any, task: Task) -> Any:
    for _ in range(3):
        _, positions, width = x.shape
        x = layers.Reshape((2 * width,) if positions == 2 else (positions // 2, 2 * width))(x)
        x = layers.Dense(task.hparams["hidden"], use_bias=False)(x)
        momentum, epsilon = 1 - task.hparams["bn_momentum"], task.hparams["bn_epsilon"]
        x = layers.Activation("tanh")(layers.BatchNormalization(momentum=momentum, epsilon=epsilon)(x))
    return x


if __name__ == "__main__":
    main()
