"""ShuffleNetV2 1x in TensorFlow with Keras layers: the twin of pytorch.py, layer by layer.

From Ma et al. 2018, "ShuffleNet V2: Practical Guidelines for Efficient CNN Architecture Design".
Layers carry the names of their PyTorch twins.  Padding is written out wherever a stride is above one,
because Keras' "same" then pads unevenly.
"""

from __future__ import annotations

from typing import Any, Dict, Sequence

import layers_tf
import tensorflow as tf
import training_tf
from convolutions_tf import conv, depthwise, uniform

layers = tf.keras.layers

STAGES = ((116, 4), (232, 8), (464, 4))  # Table 5, the column of 1x: channels and blocks of stages 2 to 4
STEM, LAST = 24, 1024  # its first and its last convolution


def conv_norm(x: Any, name: str, width: int, kernel: int, stride: int = 1) -> Any:
    return norm(conv(x, name + ".conv", width, kernel, stride, uniform(kernel**2 * x.shape[-1])), name)


def depthwise_norm(x: Any, name: str, stride: int = 1) -> Any:
    return norm(depthwise(x, name + ".conv", 3, stride, uniform(3 * 3)), name)


def norm(x: Any, name: str) -> Any:
    """PyTorch's defaults: Keras' momentum is one minus PyTorch's."""
    return layers_tf.BatchNormalization(momentum=0.9, epsilon=1e-5, name=name + ".norm")(x)


class Halves(layers.Layer):
    """[n, h, w, 2c] -> the first and the last c channels"""

    def call(self, x: tf.Tensor) -> Any:
        return tf.split(x, 2, axis=-1)


class Shuffled(layers.Layer):
    """Two of [n, h, w, c] -> [n, h, w, 2c], a channel of each in turn."""

    def call(self, branches: Sequence[tf.Tensor]) -> tf.Tensor:
        pairs = tf.stack(branches, axis=-1)
        n, h, w = tf.unstack(tf.shape(pairs)[:3])
        return tf.reshape(pairs, (n, h, w, 2 * pairs.shape[3]))


def unit(x: Any, name: str) -> Any:
    """Figure 3 (c): half of the channels pass by, the others go through three convolutions; then they are shuffled."""
    left, right = Halves()(x)
    half = right.shape[-1]
    right = layers.ReLU()(conv_norm(right, name + ".narrow", half, 1))
    right = depthwise_norm(right, name + ".depthwise")
    right = layers.ReLU()(conv_norm(right, name + ".widen", half, 1))
    return Shuffled()([left, right])


def down_unit(x: Any, name: str, width: int) -> Any:
    """Figure 3 (d): both branches see all channels and halve the image; ``width`` channels leave it."""
    half = width // 2
    left = depthwise_norm(x, name + ".left_depthwise", stride=2)
    left = layers.ReLU()(conv_norm(left, name + ".left_widen", half, 1))
    right = layers.ReLU()(conv_norm(x, name + ".narrow", half, 1))
    right = depthwise_norm(right, name + ".depthwise", stride=2)
    right = layers.ReLU()(conv_norm(right, name + ".widen", half, 1))
    return Shuffled()([left, right])


def build(classes: int, hparams: Dict[str, Any]) -> tf.keras.Model:  # noqa: ARG001
    """images [n, height, width, 3] -> logits [n, classes]"""
    images = tf.keras.Input((None, None, 3))
    x = layers.ReLU()(conv_norm(images, "stem", STEM, 3, stride=2))
    x = layers.ZeroPadding2D(1)(x)  # nothing is below zero after ReLU, so zeros never win the maximum
    x = layers.MaxPooling2D(3, 2)(x)
    for stage, (width, units) in enumerate(STAGES, 2):
        x = down_unit(x, "stage%d.0" % stage, width)
        for number in range(1, units):
            x = unit(x, "stage%d.%d" % (stage, number))
    x = layers.ReLU()(conv_norm(x, "last", LAST, 1))
    x = layers.GlobalAveragePooling2D()(x)
    logits = layers.Dense(
        classes, kernel_initializer=uniform(LAST), bias_initializer=uniform(LAST), dtype="float32", name="fc"
    )(x)
    return tf.keras.Model(images, logits)


def train(run: Any) -> None:
    training_tf.train(run, build)


def speed(run: Any) -> None:
    training_tf.speed(run, build)
