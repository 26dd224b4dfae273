"""AlexNet in TensorFlow with Keras layers: the twin of pytorch.py, layer by layer.

From Krizhevsky 2014, "One weird trick for parallelizing convolutional neural networks" (see
pytorch.py).  Layers carry the names of their PyTorch twins.
"""

from __future__ import annotations

from typing import Any, Dict

import tensorflow as tf
import training_tf
from layers_tf import Dropout
from pooling_tf import AdaptiveAveragePooling

layers = tf.keras.layers


def build(classes: int, hparams: Dict[str, Any]) -> tf.keras.Model:
    """images [n, h, w, 3] -> logits [n, classes]; sides of at least 63 pixels, 224 as published."""
    images = tf.keras.Input((None, None, 3))
    x = layers.ZeroPadding2D(2)(images)
    x = conv(x, "features.conv1", 64, 11, stride=4, padding="valid")
    x = layers.MaxPooling2D(3, 2)(x)  # windows overlap: Krizhevsky et al. 2012, section 3.4
    x = conv(x, "features.conv2", 192, 5)
    x = layers.MaxPooling2D(3, 2)(x)
    x = conv(x, "features.conv3", 384, 3)
    x = conv(x, "features.conv4", 256, 3)
    x = conv(x, "features.conv5", 256, 3)
    x = layers.MaxPooling2D(3, 2)(x)
    x = AdaptiveAveragePooling(6)(x)  # changes nothing at 224 pixels
    x = layers.Flatten()(layers.Permute((3, 1, 2))(x))  # channels first, as fc6 counts them in PyTorch
    x = Dropout(hparams["dropout"], name="classifier.drop6")(x)
    x = layers.ReLU()(dense(x, "classifier.fc6", 4096))
    x = Dropout(hparams["dropout"], name="classifier.drop7")(x)
    x = layers.ReLU()(dense(x, "classifier.fc7", 4096))
    return tf.keras.Model(images, dense(x, "classifier.fc8", classes, dtype="float32"))


def conv(x: Any, name: str, width: int, kernel: int, stride: int = 1, padding: str = "same") -> Any:
    """A convolution and its ReLU."""
    start = uniform(kernel * kernel * x.shape[-1])
    return layers.ReLU()(layers.Conv2D(width, kernel, stride, padding, name=name, **start)(x))


def dense(x: Any, name: str, width: int, **keywords: Any) -> Any:
    return layers.Dense(width, name=name, **uniform(x.shape[-1]), **keywords)(x)


def uniform(fan_in: int) -> Dict[str, Any]:
    """Uniform within +-1/sqrt(fan-in), biases too: PyTorch's own initial weights, as torchvision leaves them."""
    bound = fan_in**-0.5
    return {
        "kernel_initializer": tf.keras.initializers.RandomUniform(-bound, bound),
        "bias_initializer": tf.keras.initializers.RandomUniform(-bound, bound),
    }


def train(run: Any) -> None:
    training_tf.train(run, build)


def speed(run: Any) -> None:
    training_tf.speed(run, build)
