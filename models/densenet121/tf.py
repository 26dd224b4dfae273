"""DenseNet in TensorFlow with Keras layers: the twin of pytorch.py, layer by layer.

From Huang et al. 2017, "Densely Connected Convolutional Networks" (see pytorch.py).  Layers carry
the names of their PyTorch twins.  Padding is written out wherever a stride is above one, because
Keras' "same" then pads unevenly.
"""

from __future__ import annotations

from typing import Any, Dict

import layers_tf
import tensorflow as tf
import training_tf

layers = tf.keras.layers

BOTTLENECK = 4  # a layer's 1x1 convolution makes 4 k channels, k being the growth: section 3

# He et al. 2015, equation 10 (fan-in).
HE_NORMAL = {"scale": 2.0, "mode": "fan_in", "distribution": "untruncated_normal"}


def build(classes: int, hparams: Dict[str, Any]) -> tf.keras.Model:
    """images [n, h, w, 3] -> logits [n, classes]; sides of at least 29 pixels."""
    growth = hparams["growth"]
    images = tf.keras.Input((None, None, 3))
    x = conv(layers.ZeroPadding2D(3)(images), "features.conv0", 2 * growth, 7, stride=2, padding="valid")
    x = norm_relu(x, "features.norm0")
    x = layers.ZeroPadding2D(1)(x)  # nothing is below zero after ReLU, so zeros never win the maximum
    x = layers.MaxPooling2D(3, 2)(x)
    for block, count in enumerate(hparams["blocks"], 1):
        if block > 1:
            x = transition(x, "features.transition%d" % (block - 1))
        for number in range(count):
            x = dense_layer(x, "features.block%d.%d" % (block, number), growth)
    x = layers.GlobalAveragePooling2D()(norm_relu(x, "features.norm5"))
    bound = x.shape[-1] ** -0.5  # uniform +-1/sqrt(fan-in)
    start = tf.keras.initializers.RandomUniform(-bound, bound)
    logits = layers.Dense(classes, kernel_initializer=start, dtype="float32", name="fc")(x)
    return tf.keras.Model(images, logits)


def dense_layer(x: Any, name: str, growth: int) -> Any:
    """[n, h, w, channels] -> [n, h, w, channels + growth]: what came in, and what is made of it."""
    y = conv(norm_relu(x, name + ".norm1"), name + ".conv1", BOTTLENECK * growth, 1)
    y = conv(norm_relu(y, name + ".norm2"), name + ".conv2", growth, 3)
    return layers.Concatenate()([x, y])


def transition(x: Any, name: str) -> Any:
    """[n, h, w, channels] -> [n, h / 2, w / 2, channels / 2]."""
    return layers.AveragePooling2D(2)(conv(norm_relu(x, name + ".norm"), name + ".conv", x.shape[-1] // 2, 1))


def conv(x: Any, name: str, width: int, kernel: int, stride: int = 1, padding: str = "same") -> Any:
    start = tf.keras.initializers.VarianceScaling(**HE_NORMAL)
    return layers.Conv2D(width, kernel, stride, padding, use_bias=False, kernel_initializer=start, name=name)(x)


def norm_relu(x: Any, name: str) -> Any:
    """PyTorch's defaults: Keras' momentum is one minus PyTorch's."""
    return layers.ReLU()(layers_tf.BatchNormalization(momentum=0.9, epsilon=1e-5, name=name)(x))


def train(run: Any) -> None:
    training_tf.train(run, build)


def speed(run: Any) -> None:
    training_tf.speed(run, build)
