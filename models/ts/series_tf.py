"""What the time-series models do alike in TensorFlow."""

from __future__ import annotations

from typing import Any, Callable

import numpy
import tensorflow as tf


def make_train_step(model: tf.keras.Model, optimizer: Any) -> Callable[[tf.Tensor, tf.Tensor], tf.Tensor]:
    """The graph of one update; it returns the batch's mean loss."""
    shape = model.inputs[0].shape
    weights = model.trainable_variables
    optimizer.build(weights)  # its own variables must exist before the graph is made

    # One graph for every batch size: the last batch of an epoch is smaller.
    @tf.function(input_signature=[tf.TensorSpec(shape, tf.float32), tf.TensorSpec((None,), tf.int64)])
    def train_step(x: tf.Tensor, y: tf.Tensor) -> tf.Tensor:
        with tf.GradientTape() as tape:
            losses = tf.nn.sparse_softmax_cross_entropy_with_logits(y, model(x, training=True))
            loss = tf.reduce_mean(losses)
        optimizer.apply_gradients(zip(tape.gradient(loss, weights), weights))
        return loss

    return train_step


def accuracy(model: tf.keras.Model, x: tf.Tensor, y: numpy.ndarray) -> float:
    """Share of the series whose class has the highest logit."""
    predicted = model(x, training=False).numpy().argmax(axis=1)
    return float((predicted == y).mean())


def series(x: numpy.ndarray) -> tf.Tensor:
    """[n, 1, length] -> float32 [n, length, 1].  Not normalised: neither did the published code."""
    return tf.constant(x.transpose(0, 2, 1).astype(numpy.float32))
