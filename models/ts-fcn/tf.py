"""Fully convolutional network for time series in TensorFlow: the twin of pytorch.py.

From Wang et al. 2017, section II B, trained as in the review of Ismail Fawaz et al. 2019.
"""

from __future__ import annotations

from typing import Any, Dict

import tensorflow as tf
from plateau import Plateau
from series_tf import accuracy, make_train_step, series

layers = tf.keras.layers

BLOCKS = ((128, 8), (256, 5), (128, 3))  # filters and kernel of each block, figure 1 (b)


def build(classes: int, hparams: Dict[str, Any]) -> tf.keras.Model:
    """series [n, length, 1] -> logits [n, classes]; Glorot uniform and zero biases are Keras' defaults."""
    inputs = tf.keras.Input((None, 1))
    x = inputs
    for filters, kernel in BLOCKS:
        x = layers.Conv1D(filters, kernel, padding="same")(x)
        x = layers.BatchNormalization(momentum=hparams["bn_momentum"], epsilon=hparams["bn_epsilon"])(x)
        x = layers.ReLU()(x)
    return tf.keras.Model(inputs, layers.Dense(classes)(layers.GlobalAveragePooling1D()(x)))


def train(run: Any) -> None:
    model = build(run.classes, run.hparams)
    run.weights("initial", model)
    optimizer = tf.keras.optimizers.Adam(run.hparams["learning_rate"], epsilon=run.hparams["epsilon"])
    train_step = make_train_step(model, optimizer)
    plateau = Plateau(run.hparams)
    samples = len(run.arrays("train")[1])
    seen = {"total": 0.0, "best_loss": float("inf"), "best_weights": model.get_weights()}
    run.keep(model=model, optimizer=optimizer, plateau=plateau, seen=seen)

    for _ in run.epochs():
        for x, y in run.steps(run.batches("train")):
            loss = train_step(series(x), tf.constant(y))
            run.loss(loss)
            seen["total"] += float(loss) * len(y)
        epoch_loss = seen["total"] / samples  # as Keras reports it: of each batch before its update
        seen["total"] = 0.0
        if epoch_loss < seen["best_loss"]:
            seen.update(best_loss=epoch_loss, best_weights=model.get_weights())
        optimizer.learning_rate.assign(plateau.after_epoch(epoch_loss))

    model.set_weights(seen["best_weights"])
    x, y = run.arrays("test")
    run.metric("accuracy", accuracy(model, series(x), y))
    run.weights("final", model)
