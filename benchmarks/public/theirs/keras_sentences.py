"""CNN-rand by Keras' ``fit``, as public Keras versions of it are written: a row of each class's weights has norm 3.

Its Adadelta is Keras' own, which moves all word vectors, as ours does.
"""

from __future__ import annotations

from typing import Any

import keras
from keras import layers

from benchmarks.public.task import read_task
from benchmarks.public.theirs.fitting import KeepBest, fit, prepare


def main() -> None:
    task = read_task()
    prepare(task)
    hparams = task.hparams
    x, y = task.arrays("train")
    x, batch_size = x.astype("int32"), hparams["batch_size"]
    stop = round(len(x) // batch_size * hparams["train_share"]) * batch_size
    words = 1 + max(int(task.arrays(split)[0].max()) for split in ("train", "test"))
    inputs = keras.Input(x.shape[1:], dtype="int32")
    vectors = layers.Embedding(words, hparams["dimensions"])(inputs)
    maxima = [layers.GlobalMaxPooling1D()(convolved(vectors, width, hparams)) for width in hparams["widths"]]
    hidden = layers.Dropout(hparams["dropout"])(layers.Concatenate()(maxima))
    norm = keras.constraints.UnitNorm(axis=0)
    model = keras.Model(inputs, layers.Dense(task.classes, kernel_constraint=norm)(hidden))
    optimizer = keras.optimizers.Adadelta(hparams["learning_rate"], rho=hparams["rho"], epsilon=hparams["epsilon"])
    best = KeepBest("val_accuracy", higher=True)
    validation = (x[stop:], y[stop:])
    fit(task, model, optimizer, x[:stop], y[:stop], validation=validation, callbacks=[best], accuracy=True)


def convolved(vectors: Any, width: int, hparams: dict[str, Any]) -> Any:
    return layers.Conv1D(hparams["filters"], width, activation="relu")(vectors)


if __name__ == "__main__":
    main()
