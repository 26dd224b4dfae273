"""Fully convolutional network for time series in TensorFlow: the twin of pytorch.py."""

from __future__ import annotations

from typing import Any, Dict

import tensorflow as tf
from plateau import Plateau

layers = tf.keras.layers

BLOCKS = ((128, 8), (256, 5), (128, 3))  # filters and kernel of each block, figure 1 (b)


def build(classes: int, hparams: Dict[str, Any]) -> tf.keras.Model:
    """series [n, length, 1] -> logits [n, classes]; Keras' own defaults for what is not said."""
    series = tf.keras.Input((None, 1))
    x = series
    for filters, kernel in BLOCKS:
        x = layers.Conv1D(filters, kernel, padding="same")(x)
        x = layers.BatchNormalization(momentum=hparams["bn_momentum"], epsilon=hparams["bn_epsilon"])(x)
        x = layers.ReLU()(x)
    return tf.keras.Model(series, layers.Dense(classes)(layers.GlobalAveragePooling1D()(x)))


def train(run: Any) -> None:
    model = build(run.classes, run.hparams)
    run.weights("initial", model)
    optimizer = tf.keras.optimizers.Adam(run.hparams["learning_rate"], epsilon=run.hparams["epsilon"])
    samples = len(run.arrays("train")[1])
    plateau = Plateau(run.hparams)
    best_loss, best_weights = float("inf"), model.get_weights()

    # One graph for every batch size: the last batch of an epoch is smaller.
    @tf.function(input_signature=[tf.TensorSpec((None, None, 1), tf.float32), tf.TensorSpec((None,), tf.int64)])
    def train_step(series: tf.Tensor, labels: tf.Tensor) -> tf.Tensor:
        with tf.GradientTape() as tape:
            logits = model(series, training=True)
            loss = tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(labels, logits))
        weights = model.trainable_variables
        optimizer.apply_gradients(zip(tape.gradient(loss, weights), weights))
        return loss

    for _ in run.epochs():
        total = 0.0
        for x, y in run.steps(run.batches("train")):
            loss = train_step(x.transpose(0, 2, 1), y)
            run.loss(loss)
            total += float(loss) * len(y)
        # What Keras calls the epoch's loss: the mean over the batches as they were trained on.
        epoch_loss = total / samples
        if epoch_loss < best_loss:
            best_loss, best_weights = epoch_loss, model.get_weights()
        optimizer.learning_rate.assign(plateau.after_epoch(epoch_loss))

    model.set_weights(best_weights)
    series, labels = run.arrays("test")
    predicted = model(series.transpose(0, 2, 1), training=False).numpy().argmax(axis=1)
    run.metric("accuracy", float((predicted == labels).mean()))
    run.weights("final", model)
