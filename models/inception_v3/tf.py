"""Inception-v3 in TensorFlow with Keras layers: the twin of pytorch.py, layer by layer.

From Szegedy et al. 2016, "Rethinking the Inception Architecture for Computer Vision" (see
pytorch.py).  Layers carry the names of their PyTorch twins.
"""

from __future__ import annotations

from typing import Any, Dict, Tuple, Union

import layers_tf
import tensorflow as tf
import training_tf
from layers_tf import Dropout

layers = tf.keras.layers

Kernel = Union[int, Tuple[int, int]]  # height and width
ROW, COLUMN = (1, 7), (7, 1)  # together as good as 7x7, section 3.2


def build(classes: int, hparams: Dict[str, Any]) -> tf.keras.Model:
    """images [n, h, w, 3] -> logits [n, classes]; sides of at least 75 pixels, 299 as published.

    With ``aux``: (logits, those of the classifier on the last 17x17); the sides then have at least
    299 pixels, or nothing is left for it.
    """
    images = tf.keras.Input((None, None, 3))
    x = conv_norm(images, "conv1a", 32, 3, stride=2, padding="valid")
    x = conv_norm(x, "conv2a", 32, 3, padding="valid")
    x = conv_norm(x, "conv2b", 64, 3)
    x = conv_norm(layers.MaxPooling2D(3, 2)(x), "conv3b", 80, 1)
    x = conv_norm(x, "conv4a", 192, 3, padding="valid")
    x = layers.MaxPooling2D(3, 2)(x)
    for number, pool in enumerate((32, 64, 64)):
        x = block35(x, "mixed5.%d" % number, pool)
    x = reduce35(x, "mixed6.0")
    for number, width in enumerate((128, 160, 160, 192), 1):
        x = block17(x, "mixed6.%d" % number, width)
    last17 = x
    x = reduce17(x, "mixed7.0")
    x = block8(block8(x, "mixed7.1"), "mixed7.2")
    x = Dropout(hparams["dropout"], name="dropout")(layers.GlobalAveragePooling2D()(x))
    logits = dense(x, "fc", classes, 0.1)
    if not hparams["aux"]:
        return tf.keras.Model(images, logits)
    return tf.keras.Model(images, (logits, auxiliary(last17, "aux", classes)))


def block35(x: Any, name: str, pool: int) -> Any:
    """[n, 35, 35, channels] -> [n, 35, 35, 224 + pool]: figure 5, with a 5x5 for its single 3x3."""
    return layers.Concatenate()(
        [
            chain(x, name + ".one", (64, 1)),
            chain(x, name + ".five", (48, 1), (64, 5)),
            chain(x, name + ".three", (64, 1), (96, 3), (96, 3)),
            chain(average(x), name + ".pool", (pool, 1)),
        ]
    )


def reduce35(x: Any, name: str) -> Any:
    """[n, 35, 35, channels] -> [n, 17, 17, 480 + channels]: figure 10."""
    short = halve(x, name + ".short", 384)
    long = halve(chain(x, name + ".long.0", (64, 1), (96, 3)), name + ".long.1", 96)
    return layers.Concatenate()([short, long, layers.MaxPooling2D(3, 2)(x)])


def block17(x: Any, name: str, width: int) -> Any:
    """[n, 17, 17, 768] -> the same shape: figure 6 with n = 7."""
    return layers.Concatenate()(
        [
            chain(x, name + ".one", (192, 1)),
            chain(x, name + ".short", (width, 1), (width, ROW), (192, COLUMN)),
            chain(x, name + ".long", (width, 1), (width, COLUMN), (width, ROW), (width, COLUMN), (192, ROW)),
            chain(average(x), name + ".pool", (192, 1)),
        ]
    )


def reduce17(x: Any, name: str) -> Any:
    """[n, 17, 17, 768] -> [n, 8, 8, 1280]."""
    short = halve(chain(x, name + ".short.0", (192, 1)), name + ".short.1", 320)
    long = halve(chain(x, name + ".long.0", (192, 1), (192, ROW), (192, COLUMN)), name + ".long.1", 192)
    return layers.Concatenate()([short, long, layers.MaxPooling2D(3, 2)(x)])


def block8(x: Any, name: str) -> Any:
    """[n, 8, 8, channels] -> [n, 8, 8, 2048]: figure 7, whose branches end in 1x3 beside 3x1."""
    short = chain(x, name + ".short", (384, 1))
    long = chain(x, name + ".long", (448, 1), (384, 3))
    return layers.Concatenate()(
        [
            chain(x, name + ".one", (320, 1)),
            conv_norm(short, name + ".short_row", 384, (1, 3)),
            conv_norm(short, name + ".short_column", 384, (3, 1)),
            conv_norm(long, name + ".long_row", 384, (1, 3)),
            conv_norm(long, name + ".long_column", 384, (3, 1)),
            chain(average(x), name + ".pool", (192, 1)),
        ]
    )


def auxiliary(x: Any, name: str, classes: int) -> Any:
    """[n, 17, 17, 768] -> logits [n, classes]: the classifier that regularises the training (section 4)."""
    x = layers.AveragePooling2D(5, 3)(x)  # 17 x 17 -> 5 x 5
    x = conv_norm(x, name + ".conv0", 128, 1)
    x = conv_norm(x, name + ".conv1", 768, 5, padding="valid")
    return dense(layers.GlobalAveragePooling2D()(x), name + ".fc", classes, 0.001)


def chain(x: Any, name: str, *convolutions: Tuple[int, Kernel]) -> Any:
    """One branch: (width, kernel) of each convolution, none of which changes the size."""
    for number, (width, kernel) in enumerate(convolutions):
        x = conv_norm(x, "%s.%d" % (name, number), width, kernel)
    return x


def halve(x: Any, name: str, width: int) -> Any:
    """The last convolution of a branch that halves the size, rounded down."""
    return conv_norm(x, name, width, 3, stride=2, padding="valid")


def average(x: Any) -> Any:
    """[n, h, w, c] of the same size: means of 3x3, in which the border's zeros count."""
    return layers.AveragePooling2D(3, 1)(layers.ZeroPadding2D(1)(x))


def conv_norm(x: Any, name: str, width: int, kernel: Kernel, stride: int = 1, padding: str = "same") -> Any:
    """A convolution, its norm and its ReLU; ``padding`` "same" keeps the size, "valid" pads nothing."""
    start = normal(0.1)
    x = layers.Conv2D(width, kernel, stride, padding, use_bias=False, kernel_initializer=start, name=name + ".conv")(x)
    return layers.ReLU()(layers_tf.BatchNormalization(momentum=0.9, epsilon=1e-3, name=name + ".norm")(x))


def dense(x: Any, name: str, width: int, deviation: float) -> Any:
    bound = x.shape[-1] ** -0.5  # biases as PyTorch makes them
    start = tf.keras.initializers.RandomUniform(-bound, bound)
    return layers.Dense(
        width, kernel_initializer=normal(deviation), bias_initializer=start, dtype="float32", name=name
    )(x)


def normal(deviation: float) -> Any:
    """As torchvision, which cuts it at +-2, where nothing is left to cut."""
    return tf.keras.initializers.RandomNormal(stddev=deviation)


def train(run: Any) -> None:
    training_tf.train(run, build)


def speed(run: Any) -> None:
    training_tf.speed(run, build)
