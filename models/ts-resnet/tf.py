"""Residual network for time series in TensorFlow: the twin of pytorch.py.

From Wang et al. 2017, section II C, trained as in the review of Ismail Fawaz et al. 2019.
Layers carry the names of their PyTorch twins.
"""

from __future__ import annotations

from typing import Any, Callable, Dict

import numpy
import tensorflow as tf
from plateau import Plateau

layers = tf.keras.layers

BLOCKS = (64, 128, 128)  # filters of each block, figure 1 (c)
KERNELS = (8, 5, 3)  # of the three convolutions of a block


def build(classes: int, hparams: Dict[str, Any]) -> tf.keras.Model:
    """series [n, length, 1] -> logits [n, classes]: three blocks, then the mean over time."""
    inputs = tf.keras.Input((None, 1))
    x = inputs
    for number, filters in enumerate(BLOCKS):
        x = block(x, "blocks.%d" % number, filters, hparams)
    return tf.keras.Model(inputs, layers.Dense(classes, name="fc")(layers.GlobalAveragePooling1D()(x)))


def block(x: Any, name: str, filters: int, hparams: Dict[str, Any]) -> Any:
    """[n, length, channels] -> [n, length, filters]: three convolutions, and the input is added before the last ReLU.

    The shortcut is normed too; it has a convolution only where the number of channels changes.
    """
    first, second, third = KERNELS
    y = layers.ReLU()(norm(conv(x, name + ".conv1", filters, first), name + ".norm1", hparams))
    y = layers.ReLU()(norm(conv(y, name + ".conv2", filters, second), name + ".norm2", hparams))
    y = norm(conv(y, name + ".conv3", filters, third), name + ".norm3", hparams)
    shortcut = x if x.shape[-1] == filters else conv(x, name + ".conv_shortcut", filters, 1)
    return layers.ReLU()(layers.Add()([norm(shortcut, name + ".norm_shortcut", hparams), y]))


def conv(x: Any, name: str, filters: int, kernel: int) -> Any:
    """Glorot uniform and zero biases are Keras' defaults."""
    return layers.Conv1D(filters, kernel, padding="same", name=name)(x)


def norm(x: Any, name: str, hparams: Dict[str, Any]) -> Any:
    momentum, epsilon = hparams["bn_momentum"], hparams["bn_epsilon"]
    return layers.BatchNormalization(momentum=momentum, epsilon=epsilon, name=name)(x)


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
