"""Residual network for time series in TensorFlow: the twin of pytorch.py.

From Wang et al. 2017, section II C, trained as in the review of Ismail Fawaz et al. 2019.
Layers carry the names of their PyTorch twins.
"""

from __future__ import annotations

from typing import Any, Dict

import tensorflow as tf
from plateau import Plateau
from series_tf import accuracy, make_train_step, series

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
    x, y = run.arrays("test")
    run.metric("accuracy", accuracy(model, series(x), y))
    run.weights("final", model)
