"""VGG in TensorFlow with Keras layers: the twin of pytorch.py, layer by layer.

From Simonyan and Zisserman 2015, "Very Deep Convolutional Networks for Large-Scale Image
Recognition" (see pytorch.py).  Layers carry the names of their PyTorch twins.
"""

from __future__ import annotations

from typing import Any, Dict

import layers_tf
import tensorflow as tf
import training_tf
from layers_tf import Dropout
from pooling_tf import AdaptiveAveragePooling

layers = tf.keras.layers

WIDTHS = (64, 128, 256, 512, 512)  # Table 1: channels of the five stages

# He et al. 2015, equation 14 (fan-out).
HE_NORMAL = {"scale": 2.0, "mode": "fan_out", "distribution": "untruncated_normal"}


def build(classes: int, hparams: Dict[str, Any]) -> tf.keras.Model:
    """images [n, h, w, 3] -> logits [n, classes]; sides of at least 32 pixels, 224 as published."""
    images = tf.keras.Input((None, None, 3))
    x = images
    for stage, (width, count) in enumerate(zip(WIDTHS, hparams["convolutions"]), 1):
        for number in range(1, count + 1):
            place = "%d_%d" % (stage, number)
            x = conv(x, "features.conv" + place, width)
            if hparams["batch_norm"]:
                x = layers_tf.BatchNormalization(momentum=0.9, epsilon=1e-5, name="features.norm" + place)(x)
            x = layers.ReLU()(x)
        x = layers.MaxPooling2D(2)(x)
    x = AdaptiveAveragePooling(7)(x)  # changes nothing at 224 pixels
    x = layers.Flatten()(layers.Permute((3, 1, 2))(x))  # channels first, as fc6 counts them in PyTorch
    x = layers.ReLU()(dense(x, "classifier.fc6", 4096))
    x = Dropout(hparams["dropout"], name="classifier.drop6")(x)
    x = layers.ReLU()(dense(x, "classifier.fc7", 4096))
    x = Dropout(hparams["dropout"], name="classifier.drop7")(x)
    return tf.keras.Model(images, dense(x, "classifier.fc8", classes, dtype="float32"))


def conv(x: Any, name: str, width: int) -> Any:
    start = tf.keras.initializers.VarianceScaling(**HE_NORMAL)
    return layers.Conv2D(width, 3, padding="same", kernel_initializer=start, name=name)(x)


def dense(x: Any, name: str, width: int, **keywords: Any) -> Any:
    start = tf.keras.initializers.RandomNormal(stddev=0.01)
    return layers.Dense(width, kernel_initializer=start, name=name, **keywords)(x)


def train(run: Any) -> None:
    training_tf.train(run, build)


def speed(run: Any) -> None:
    training_tf.speed(run, build)
