"""Multi-layer perceptron for time series in TensorFlow: the twin of pytorch.py.

From Wang et al. 2017, section II A, trained as in the review of Ismail Fawaz et al. 2019.
"""

from __future__ import annotations

from typing import Any, Dict

import numpy
import tensorflow as tf
from adadelta_tf import Adadelta
from plateau import Plateau
from series_tf import accuracy, make_train_step

layers = tf.keras.layers

WIDTH = 500  # of each hidden layer, figure 1 (a)


def build(length: int, classes: int, hparams: Dict[str, Any]) -> tf.keras.Model:
    """series [n, length] -> logits [n, classes]: three hidden layers, dropout before each layer.

    Glorot uniform and zero biases are Keras' defaults.
    """
    *hidden, last = hparams["dropout"]
    inputs = tf.keras.Input((length,))
    x = inputs
    for rate in hidden:
        x = layers.Dense(WIDTH, activation="relu")(layers.Dropout(rate)(x))
    return tf.keras.Model(inputs, layers.Dense(classes)(layers.Dropout(last)(x)))


def train(run: Any) -> None:
    x, y = run.arrays("train")
    model = build(x.shape[2], run.classes, run.hparams)
    run.weights("initial", model)
    optimizer = Adadelta(run.hparams)  # the rate is 1, as in stand-alone Keras; tf.keras has 0.001
    train_step = make_train_step(model, optimizer)
    plateau = Plateau(run.hparams)
    best_loss, best_weights = float("inf"), model.get_weights()

    for _ in run.epochs():
        total = 0.0
        for series, labels in run.steps(run.batches("train")):
            loss = train_step(flat(series), tf.constant(labels))
            run.loss(loss)
            total += float(loss) * len(labels)
        epoch_loss = total / len(y)  # as Keras reports it: of each batch before its update, with dropout
        if epoch_loss < best_loss:
            best_loss, best_weights = epoch_loss, model.get_weights()
        optimizer.learning_rate.assign(plateau.after_epoch(epoch_loss))

    model.set_weights(best_weights)
    x, y = run.arrays("test")
    run.metric("accuracy", accuracy(model, flat(x), y))
    run.weights("final", model)


def flat(x: numpy.ndarray) -> tf.Tensor:
    """[n, 1, length] -> float32 [n, length].  Not normalised: neither did the published code."""
    return tf.constant(x[:, 0].astype(numpy.float32))
