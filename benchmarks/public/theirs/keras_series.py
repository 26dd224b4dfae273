"""MLP, FCN and ResNet for time series by Keras' ``fit``, as in Wang et al. 2017."""

from __future__ import annotations

from typing import Any

import keras
from keras import layers

from benchmarks.public.task import Task, read_task
from benchmarks.public.theirs.fitting import KeepBest, fit, prepare


def main() -> None:
    task = read_task()
    prepare(task)
    hparams = task.hparams
    x, y = task.arrays("train")
    x = x.transpose(0, 2, 1).astype("float32")
    plateau = keras.callbacks.ReduceLROnPlateau(
        monitor="loss",
        factor=hparams["plateau_factor"],
        patience=hparams["plateau_patience"],
        min_delta=hparams["plateau_min_delta"],
        min_lr=hparams["min_learning_rate"],
    )
    inputs = keras.Input(x.shape[1:])
    logits = {"ts-mlp": mlp, "ts-fcn": fcn, "ts-resnet": resnet}[task.model](inputs, task)
    fit(task, keras.Model(inputs, logits), optimizer(task), x, y, callbacks=[plateau, KeepBest("loss")])


def optimizer(task: Task) -> keras.optimizers.Optimizer:
    rate, epsilon = task.hparams["learning_rate"], task.hparams["epsilon"]
    if task.model == "ts-mlp":
        return keras.optimizers.Adadelta(rate, rho=task.hparams["rho"], epsilon=epsilon)
    return keras.optimizers.Adam(rate, epsilon=epsilon)


def mlp(x: Any, task: Task) -> Any:
    *hidden, last = task.hparams["dropout"]
    x = layers.Flatten()(x)
    for rate in hidden:
        x = layers.Dense(500, activation="relu")(layers.Dropout(rate)(x))
    return layers.Dense(task.classes)(layers.Dropout(last)(x))


def fcn(x: Any, task: Task) -> Any:
    for filters, kernel in ((128, 8), (256, 5), (128, 3)):
        x = layers.Activation("relu")(normed(layers.Conv1D(filters, kernel, padding="same")(x), task))
    return layers.Dense(task.classes)(layers.GlobalAveragePooling1D()(x))


def resnet(x: Any, task: Task) -> Any:
    for filters in (64, 128, 128):
        shortcut = x if x.shape[-1] == filters else layers.Conv1D(filters, 1, padding="same")(x)
        for kernel in (8, 5):
            x = layers.Activation("relu")(normed(layers.Conv1D(filters, kernel, padding="same")(x), task))
        x = normed(layers.Conv1D(filters, 3, padding="same")(x), task)
        x = layers.Activation("relu")(layers.add([normed(shortcut, task), x]))
    return layers.Dense(task.classes)(layers.GlobalAveragePooling1D()(x))


def normed(x: Any, task: Task) -> Any:
    momentum, epsilon = task.hparams["bn_momentum"], task.hparams["bn_epsilon"]
    return layers.BatchNormalization(momentum=momentum, epsilon=epsilon)(x)


if __name__ == "__main__":
    main()
