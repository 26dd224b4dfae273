"""MobileNetV3-Large in TensorFlow with Keras layers: the twin of pytorch.py, layer by layer.

From Howard et al. 2019, "Searching for MobileNetV3".  Layers carry the names of their PyTorch twins.
Padding is written out wherever a stride is above one, because Keras' "same" then pads unevenly.
"""

from __future__ import annotations

from typing import Any, Dict

import layers_tf
import tensorflow as tf
import training_tf
from convolutions_tf import conv, depthwise, he_normal

layers = tf.keras.layers


def hard_sigmoid(x: tf.Tensor) -> tf.Tensor:
    """Section 5.2.  Keras 2 has a function of that name with another slope."""
    return tf.nn.relu6(x + 3.0) / 6.0


def hard_swish(x: tf.Tensor) -> tf.Tensor:
    return x * hard_sigmoid(x)


relu = tf.nn.relu

# Table 1, one row a block: kernel, inner width, output channels, squeeze-and-excitation, nonlinearity, stride.
BLOCKS = (
    (3, 16, 16, False, relu, 1),
    (3, 64, 24, False, relu, 2),
    (3, 72, 24, False, relu, 1),
    (5, 72, 40, True, relu, 2),
    (5, 120, 40, True, relu, 1),
    (5, 120, 40, True, relu, 1),
    (3, 240, 80, False, hard_swish, 2),
    (3, 200, 80, False, hard_swish, 1),
    (3, 184, 80, False, hard_swish, 1),
    (3, 184, 80, False, hard_swish, 1),
    (3, 480, 112, True, hard_swish, 1),
    (3, 672, 112, True, hard_swish, 1),
    (5, 672, 160, True, hard_swish, 2),
    (5, 960, 160, True, hard_swish, 1),
    (5, 960, 160, True, hard_swish, 1),
)
STEM, LAST, HIDDEN = 16, 960, 1280  # the first row and the two before the classes


def divisible(channels: float, divisor: int = 8) -> int:
    """The nearest multiple; the next one where that would take away more than a tenth.

    As in the authors' code (tensorflow/models, slim/nets/mobilenet), on which the counts of parameters rest.
    """
    nearest = max(divisor, int(channels + divisor / 2) // divisor * divisor)
    return nearest if nearest >= 0.9 * channels else nearest + divisor


def conv_norm(x: Any, name: str, width: int, kernel: int, stride: int = 1) -> Any:
    return norm(conv(x, name + ".conv", width, kernel, stride), name)


def depthwise_norm(x: Any, name: str, kernel: int, stride: int) -> Any:
    return norm(depthwise(x, name + ".conv", kernel, stride), name)


def norm(x: Any, name: str) -> Any:
    """Moving averages with a decay of 0.99 (section 6.1.1); the epsilon is torchvision's."""
    return layers_tf.BatchNormalization(momentum=0.99, epsilon=1e-3, name=name + ".norm")(x)


def squeeze_excitation(x: Any, name: str) -> Any:
    """Hu et al. 2018: each channel is weighted by what the means of all channels say; a quarter in between (5.3)."""
    channels = x.shape[-1]
    squeezed = divisible(channels // 4)
    y = layers.GlobalAveragePooling2D(keepdims=True)(x)
    y = layers.Conv2D(squeezed, 1, kernel_initializer=he_normal(squeezed), name=name + ".reduce")(y)
    y = layers.ReLU()(y)
    y = layers.Conv2D(channels, 1, kernel_initializer=he_normal(channels), name=name + ".restore")(y)
    return layers.Multiply()([x, layers.Activation(hard_sigmoid)(y)])


def inverted_residual(
    x: Any, name: str, kernel: int, inner: int, width: int, squeezes: bool, activation: Any, stride: int
) -> Any:
    """Figure 4: 1x1 widens, a convolution works on each channel apart, 1x1 narrows and has no nonlinearity."""
    channels = x.shape[-1]
    y = x
    if inner != channels:
        y = layers.Activation(activation)(conv_norm(y, name + ".expand", inner, 1))
    y = layers.Activation(activation)(depthwise_norm(y, name + ".depthwise", kernel, stride))
    if squeezes:
        y = squeeze_excitation(y, name + ".squeeze")
    y = conv_norm(y, name + ".project", width, 1)
    return layers.Add()([x, y]) if stride == 1 and channels == width else y


def build(classes: int, hparams: Dict[str, Any]) -> tf.keras.Model:
    """images [n, height, width, 3] -> logits [n, classes]"""
    images = tf.keras.Input((None, None, 3))
    x = layers.Activation(hard_swish)(conv_norm(images, "stem", STEM, 3, stride=2))
    for block, row in enumerate(BLOCKS):
        x = inverted_residual(x, "blocks.%d" % block, *row)
    x = layers.Activation(hard_swish)(conv_norm(x, "last", LAST, 1))
    x = layers.GlobalAveragePooling2D()(x)
    x = layers.Dense(HIDDEN, kernel_initializer=normal(), name="hidden")(x)
    x = layers.Activation(hard_swish)(x)
    x = layers_tf.Dropout(hparams.get("dropout", 0.0), name="dropout")(x)
    logits = layers.Dense(classes, kernel_initializer=normal(), dtype="float32", name="fc")(x)
    return tf.keras.Model(images, logits)


def normal() -> Any:
    return tf.keras.initializers.RandomNormal(stddev=0.01)


def train(run: Any) -> None:
    training_tf.train(run, build)


def speed(run: Any) -> None:
    training_tf.speed(run, build)
