"""A small GPT by Keras' ``fit``: its MultiHeadAttention and AdamW in nanoGPT's sizes; batches drawn beforehand."""

from __future__ import annotations

from typing import Any

import keras
import numpy
from keras import layers

from benchmarks.public.task import Array, Task, read_task
from benchmarks.public.theirs.fitting import fit, prepare


class Places(layers.Layer):
    """Adds a learned vector to each place."""

    def build(self, shape: Any) -> None:
        self.table = self.add_weight(shape=shape[1:], initializer="random_normal")

    def call(self, x: Any) -> Any:
        return x + self.table


def main() -> None:
    task = read_task()
    prepare(task)
    hparams, random = task.hparams, numpy.random.RandomState(task.seed)
    x, y = windows(task, "train", hparams["steps_per_epoch"], random)
    validation = windows(task, "val", hparams["eval_batches"], random)
    tokens = layers.Embedding(task.classes, hparams["width"])
    inputs = keras.Input((hparams["block_size"],), dtype="int32")
    hidden = Places()(tokens(inputs))
    for _ in range(hparams["layers"]):
        hidden = block(hidden, hparams["width"], hparams["heads"])
    logits = layers.Dense(task.classes, use_bias=False)(norm(hidden))
    optimizer = keras.optimizers.AdamW(
        hparams["learning_rate"],
        weight_decay=hparams["weight_decay"],
        beta_1=hparams["beta1"],
        beta_2=hparams["beta2"],
        global_clipnorm=hparams["clip_norm"],
    )
    fit(task, keras.Model(inputs, logits), optimizer, x, y, validation=validation)


def norm(x: Any) -> Any:
    return layers.LayerNormalization(epsilon=1e-5, center=False)(x)


def block(x: Any, width: int, heads: int) -> Any:
    y = norm(x)
    x = x + layers.MultiHeadAttention(heads, width // heads, use_bias=False)(y, y, use_causal_mask=True)
    y = layers.Dense(4 * width, activation="gelu", use_bias=False)(norm(x))
    return x + layers.Dense(width, use_bias=False)(y)


def windows(task: Task, split: str, batches: int, random: numpy.random.RandomState) -> tuple[Array, Array]:
    characters, size = task.arrays(split)[1].astype("int32"), task.hparams["block_size"]
    places = random.randint(0, len(characters) - size, batches * task.hparams["batch_size"])[:, None]
    places = places + numpy.arange(size)
    return characters[places], characters[places + 1]


if __name__ == "__main__":
    main()
