"""EfficientNet-B0 in TensorFlow with Keras layers: the twin of pytorch.py, layer by layer.

From Tan and Le 2019, "EfficientNet: Rethinking Model Scaling for Convolutional Neural Networks".
Layers carry the names of their PyTorch twins.  Padding is written out wherever a stride is above one,
because Keras' "same" then pads unevenly.
"""

from __future__ import annotations

from typing import Any, Dict

import layers_tf
import tensorflow as tf
import training_tf
from convolutions_tf import conv, depthwise, he_normal

layers = tf.keras.layers

# Table 1, one row a stage: how much a block widens, kernel, output channels, blocks, stride of the first.
STAGES = (
    (1, 3, 16, 1, 1),
    (6, 3, 24, 2, 2),
    (6, 5, 40, 2, 2),
    (6, 3, 80, 3, 2),
    (6, 5, 112, 3, 1),
    (6, 5, 192, 4, 2),
    (6, 3, 320, 1, 1),
)
STEM, LAST = 32, 1280  # the first and the last row
BLOCKS = sum(stage[3] for stage in STAGES)


def silu(x: Any) -> Any:
    return layers.Activation(tf.nn.silu)(x)


def conv_norm(x: Any, name: str, width: int, kernel: int, stride: int = 1) -> Any:
    return norm(conv(x, name + ".conv", width, kernel, stride), name)


def depthwise_norm(x: Any, name: str, kernel: int, stride: int) -> Any:
    return norm(depthwise(x, name + ".conv", kernel, stride), name)


def norm(x: Any, name: str) -> Any:
    return layers_tf.BatchNormalization(name=name + ".norm")(x)  # momentum and epsilon: build


def squeeze_excitation(x: Any, name: str, squeezed: int) -> Any:
    """Hu et al. 2018: each channel is weighted by what the means of all channels say, ``squeezed`` in between."""
    channels = x.shape[-1]
    y = layers.GlobalAveragePooling2D(keepdims=True)(x)
    y = silu(layers.Conv2D(squeezed, 1, kernel_initializer=he_normal(squeezed), name=name + ".reduce")(y))
    y = layers.Conv2D(channels, 1, kernel_initializer=he_normal(channels), name=name + ".restore")(y)
    return layers.Multiply()([x, layers.Activation(tf.nn.sigmoid)(y)])


def mbconv(x: Any, name: str, width: int, expansion: int, kernel: int, stride: int, drop: float) -> Any:
    """The block of MobileNetV2 with squeeze-and-excitation; a quarter of its input's channels is squeezed to.

    While training, the branch of an image is dropped with probability ``drop`` where there is a shortcut.
    """
    channels = x.shape[-1]
    y = x
    if expansion > 1:
        y = silu(conv_norm(y, name + ".expand", expansion * channels, 1))
    y = silu(depthwise_norm(y, name + ".depthwise", kernel, stride))
    y = squeeze_excitation(y, name + ".squeeze", channels // 4)
    y = conv_norm(y, name + ".project", width, 1)
    if stride > 1 or channels != width:
        return y
    return layers.Add()([x, layers_tf.StochasticDepth(drop, name=name + ".drop")(y)])


def build(classes: int, hparams: Dict[str, Any]) -> tf.keras.Model:
    """images [n, height, width, 3] -> logits [n, classes]

    ``stochastic_depth`` is the rate that would hold for one block more: the first is never dropped, and
    the rate grows by as much from each to the next.
    """
    images = tf.keras.Input((None, None, 3))
    x = silu(conv_norm(images, "stem", STEM, 3, stride=2))
    block = 0
    for expansion, kernel, width, repeats, first_stride in STAGES:
        for repeat in range(repeats):
            stride = first_stride if repeat == 0 else 1
            drop = hparams.get("stochastic_depth", 0.0) * block / BLOCKS
            x = mbconv(x, "blocks.%d" % block, width, expansion, kernel, stride, drop)
            block += 1
    x = silu(conv_norm(x, "last", LAST, 1))
    x = layers.GlobalAveragePooling2D()(x)
    x = layers_tf.Dropout(hparams.get("dropout", 0.0), name="dropout")(x)
    start = tf.keras.initializers.RandomUniform(-(classes**-0.5), classes**-0.5)
    logits = layers.Dense(classes, kernel_initializer=start, dtype="float32", name="fc")(x)
    model = tf.keras.Model(images, logits)
    for layer in model.layers:
        if isinstance(layer, layers.BatchNormalization):
            layer.momentum = 1.0 - float(hparams.get("norm_momentum", 0.1))  # PyTorch counts what is new
            layer.epsilon = float(hparams.get("norm_epsilon", 1e-5))
    return model


def train(run: Any) -> None:
    training_tf.train(run, build)


def speed(run: Any) -> None:
    training_tf.speed(run, build)
