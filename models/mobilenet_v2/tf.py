"""MobileNetV2 in TensorFlow with Keras layers: the twin of pytorch.py, layer by layer.

From Sandler et al. 2018, "MobileNetV2: Inverted Residuals and Linear Bottlenecks".  Layers carry the
names of their PyTorch twins.  Padding is written out wherever a stride is above one, because Keras'
"same" then pads unevenly.
"""

from __future__ import annotations

from typing import Any, Dict

import layers_tf
import tensorflow as tf
import training_tf
from convolutions_tf import conv, depthwise

layers = tf.keras.layers

# Table 2, one row a stage: how much a block widens, its output channels, blocks, stride of the first.
STAGES = (
    (1, 16, 1, 1),
    (6, 24, 2, 2),
    (6, 32, 3, 2),
    (6, 64, 4, 2),
    (6, 96, 3, 1),
    (6, 160, 3, 2),
    (6, 320, 1, 1),
)
STEM, LAST = 32, 1280  # the first and the last row


def conv_norm(x: Any, name: str, width: int, kernel: int, stride: int = 1) -> Any:
    return norm(conv(x, name + ".conv", width, kernel, stride), name)


def depthwise_norm(x: Any, name: str, kernel: int, stride: int) -> Any:
    return norm(depthwise(x, name + ".conv", kernel, stride), name)


def norm(x: Any, name: str) -> Any:
    """PyTorch's defaults: Keras' momentum is one minus PyTorch's."""
    return layers_tf.BatchNormalization(momentum=0.9, epsilon=1e-5, name=name + ".norm")(x)


def inverted_residual(x: Any, name: str, width: int, expansion: int, stride: int) -> Any:
    """Table 1: 1x1 widens, 3x3 works on each channel apart, 1x1 narrows and is not rectified.

    The input is added to the result where their shapes are the same (section 3.3).
    """
    channels = x.shape[-1]
    y = x
    if expansion > 1:
        y = layers.ReLU(6.0)(conv_norm(y, name + ".expand", expansion * channels, 1))
    y = layers.ReLU(6.0)(depthwise_norm(y, name + ".depthwise", 3, stride))
    y = conv_norm(y, name + ".project", width, 1)
    return layers.Add()([x, y]) if stride == 1 and channels == width else y


def build(classes: int, hparams: Dict[str, Any]) -> tf.keras.Model:
    """images [n, height, width, 3] -> logits [n, classes]"""
    images = tf.keras.Input((None, None, 3))
    x = layers.ReLU(6.0)(conv_norm(images, "stem", STEM, 3, stride=2))
    block = 0
    for expansion, width, repeats, first_stride in STAGES:
        for repeat in range(repeats):
            stride = first_stride if repeat == 0 else 1
            x = inverted_residual(x, "blocks.%d" % block, width, expansion, stride)
            block += 1
    x = layers.ReLU(6.0)(conv_norm(x, "last", LAST, 1))
    x = layers.GlobalAveragePooling2D()(x)
    x = layers_tf.Dropout(hparams.get("dropout", 0.0), name="dropout")(x)
    start = tf.keras.initializers.RandomNormal(stddev=0.01)
    return tf.keras.Model(images, layers.Dense(classes, kernel_initializer=start, dtype="float32", name="fc")(x))


def train(run: Any) -> None:
    training_tf.train(run, build)


def speed(run: Any) -> None:
    training_tf.speed(run, build)
