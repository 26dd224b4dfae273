"""Dropout as a Bayesian approximation by Keras' ``fit``, as net.py builds it: a ``fit`` for each split in turn."""

from __future__ import annotations

import keras
from keras import layers

from benchmarks.public.task import Task, read_task
from benchmarks.public.theirs.fitting import name, options, prepare
from benchmarks.public.theirs.uci_splits import splits


def main() -> None:
    task = read_task()
    prepare(task)
    trainings = []
    for x, y, dropout, decay in splits(task):
        model = network(x.shape[1], dropout, decay, task)
        optimizer = keras.optimizers.Adam(task.hparams["learning_rate"], epsilon=task.hparams["epsilon"])
        model.compile(optimizer=optimizer, loss="mean_squared_error", **options(task, len(x)))
        trainings.append((model, x, y))
    for _ in task.turns(name(task)).epochs():
        for model, x, y in trainings:
            model.fit(x, y, task.hparams["batch_size"], task.hparams["epochs_multiplier"], verbose=0)


def network(features: int, dropout: float, decay: float, task: Task) -> keras.Model:
    penalty = keras.regularizers.L2(decay)
    inputs = keras.Input((features,))
    # ``training``: dropout in prediction too, of which nothing is measured here.
    x = layers.Dropout(dropout)(inputs, training=True)
    x = layers.Dense(task.hparams["hidden"], "relu", kernel_regularizer=penalty)(x)
    x = layers.Dropout(dropout)(x, training=True)
    return keras.Model(inputs, layers.Dense(1, kernel_regularizer=penalty)(x))


if __name__ == "__main__":
    main()
