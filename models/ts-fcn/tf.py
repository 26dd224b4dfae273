"""Fully convolutional network for time series in TensorFlow: the twin of pytorch.py.

From Wang et al. 2017, section II B, trained as in the review of Ismail Fawaz et al. 2019.
"""

from __future__ import annotations

from typing import Any, Callable, Dict

import numpy
import tensorflow as tf
from plateau import Plateau

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
    best_loss, best_weights = float("inf"), model.get_weights()

    for _ in run.epochs():
        total = 0.0
        for x, y in run.steps(run.batches("train")):
            loss = train_step(series(x), tf.constant(y))
            run.loss(loss)
            total += float(loss) * len(y)
        epoch_loss = total / samples  # as Keras reports it: of each batch before its update
        if epoch_loss < best_loss:
            best_loss, best_weights = epoch_loss, model.get_weights()
        optimizer.learning_rate.assign(plateau.after_epoch(epoch_loss))

    model.set_weights(best_weights)
    run.metric("accuracy", accuracy(model, run))
    run.weights("final", model)


def make_train_step(model: tf.keras.Model, optimizer: Any) -> Callable[[tf.Tensor, tf.Tensor], tf.Tensor]:
    """The graph of one update; it returns the batch's mean loss."""
    weights = model.trainable_variables
    optimizer.build(weights)  # its own variables must exist before the graph is made

    # One graph for every batch size: the last batch of an epoch is smaller.
    @tf.function(input_signature=[tf.TensorSpec((None, None, 1), tf.float32), tf.TensorSpec((None,), tf.int64)])
    def train_step(x: tf.Tensor, y: tf.Tensor) -> tf.Tensor:
        with tf.GradientTape() as tape:
            losses = tf.nn.sparse_softmax_cross_entropy_with_logits(y, model(x, training=True))
            loss = tf.reduce_mean(losses)
        optimizer.apply_gradients(zip(tape.gradient(loss, weights), weights))
        return loss

    return train_step


def accuracy(model: tf.keras.Model, run: Any) -> float:
    """Share of the test series whose class has the highest logit."""
    x, y = run.arrays("test")
    predicted = model(series(x), training=False).numpy().argmax(axis=1)
    return float((predicted == y).mean())


def series(x: numpy.ndarray) -> tf.Tensor:
    """[n, 1, length] -> float32 [n, length, 1].  Not normalised: neither did the published code."""
    return tf.constant(x.transpose(0, 2, 1).astype(numpy.float32))
