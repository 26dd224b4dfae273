"""Two-convolution network for Fashion-MNIST in TensorFlow: the twin of pytorch.py."""

from __future__ import annotations

from typing import Any, Callable, Dict, Optional

import numpy
import tensorflow as tf
from parts import cut

layers = tf.keras.layers

EVAL_BATCH = 1000


def build(classes: int, hparams: Dict[str, Any]) -> tf.keras.Model:
    """images [n, 28, 28, 1] -> logits [n, classes]; Glorot uniform and zero biases are Keras' defaults."""
    images = tf.keras.Input((28, 28, 1))
    x = images
    for name in ("conv1", "conv2"):
        x = layers.Conv2D(hparams["filters"], 3, name=name)(x)
        x = layers.ReLU()(layers.MaxPooling2D(2)(x))  # the other way round the same number, from fewer ReLUs
    x = layers.Flatten()(layers.Dropout(hparams["conv_dropout"])(x))
    x = layers.Dense(hparams["hidden"], activation="relu", name="fc1")(x)
    x = layers.Dropout(hparams["hidden_dropout"])(x)
    return tf.keras.Model(images, layers.Dense(classes, name="fc2")(x))


def train(run: Any) -> None:
    model = build(run.classes, run.hparams)
    run.weights("initial", model)
    train_step, predict = make_train_step(model, run.hparams), make_predict(model)
    parts = cut(len(run.arrays("train")[1]), run.hparams)

    for _ in run.epochs():
        for x, y in run.steps(run.batches("train", rows=parts.train)):
            run.loss(train_step(inputs(x), tf.constant(y)))
        run.metric("val_accuracy", accuracy(predict, run, "train", parts.val))
    run.metric("accuracy", accuracy(predict, run, "test"))  # of the last epoch: nothing is selected
    run.weights("final", model)


def make_train_step(model: tf.keras.Model, hparams: Dict[str, Any]) -> Callable[[tf.Tensor, tf.Tensor], tf.Tensor]:
    """The graph of one update; it returns the batch's mean loss."""
    optimizer = tf.keras.optimizers.Adam(hparams["learning_rate"], epsilon=hparams["epsilon"])
    weights = model.trainable_variables
    optimizer.build(weights)  # its own variables must exist before the graph is made

    @tf.function(input_signature=[tf.TensorSpec((None, 28, 28, 1), tf.float32), tf.TensorSpec((None,), tf.int64)])
    def train_step(images: tf.Tensor, labels: tf.Tensor) -> tf.Tensor:
        with tf.GradientTape() as tape:
            losses = tf.nn.sparse_softmax_cross_entropy_with_logits(labels, model(images, training=True))
            loss = tf.reduce_mean(losses)
        optimizer.apply_gradients(zip(tape.gradient(loss, weights), weights))
        return loss

    return train_step


def make_predict(model: tf.keras.Model) -> Callable[[tf.Tensor], tf.Tensor]:
    """The graph from images to the class of the highest logit, int64 [n]."""

    @tf.function(input_signature=[tf.TensorSpec((None, 28, 28, 1), tf.float32)])
    def predict(images: tf.Tensor) -> tf.Tensor:
        return tf.argmax(model(images, training=False), axis=1)

    return predict


def accuracy(
    predict: Callable[[tf.Tensor], tf.Tensor], run: Any, split: str, rows: Optional[numpy.ndarray] = None
) -> float:
    """Share of the split's images, or of its ``rows``, whose class has the highest logit."""
    right = total = 0
    for x, y in run.batches(split, EVAL_BATCH, rows=rows, shuffle=False):
        predicted = predict(inputs(x)).numpy()
        right, total = right + int((predicted == y).sum()), total + len(y)
    return right / total


def inputs(pixels: numpy.ndarray) -> tf.Tensor:
    """pixels uint8 [n, 1, 28, 28] -> float32 [n, 28, 28, 1] from 0 to 1."""
    return tf.cast(tf.constant(pixels.transpose(0, 2, 3, 1)), tf.float32) / 255
