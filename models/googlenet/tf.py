"""GoogLeNet in TensorFlow with Keras layers: the twin of pytorch.py, layer by layer.

From Szegedy et al. 2015, "Going Deeper with Convolutions", normalised, and with 3x3 convolutions in
the branch that the paper calls 5x5 (see pytorch.py).  Layers carry the names of their PyTorch
twins.  Padding is written out wherever a stride is above one, because Keras' "same" then pads
unevenly.
"""

from __future__ import annotations

from typing import Any, Dict, Tuple

import layers_tf
import tensorflow as tf
import training_tf
from layers_tf import Dropout
from pooling_tf import AdaptiveAveragePooling

layers = tf.keras.layers

# Table 1: channels of 1x1, 3x3 reduce, 3x3, 5x5 reduce, 5x5, pool proj.
INCEPTIONS = {
    "3a": (64, 96, 128, 16, 32, 32),
    "3b": (128, 128, 192, 32, 96, 64),
    "4a": (192, 96, 208, 16, 48, 64),
    "4b": (160, 112, 224, 24, 64, 64),
    "4c": (128, 128, 256, 24, 64, 64),
    "4d": (112, 144, 288, 32, 64, 64),
    "4e": (256, 160, 320, 32, 128, 128),
    "5a": (256, 160, 320, 32, 128, 128),
    "5b": (384, 192, 384, 48, 128, 128),
}


def build(classes: int, hparams: Dict[str, Any]) -> tf.keras.Model:
    """images [n, h, w, 3] -> logits [n, classes]; sides of at least 15 pixels, 224 as published.

    With ``aux``: (logits, those of 4a's classifier, those of 4d's).
    """
    images = tf.keras.Input((None, None, 3))
    x = conv_norm(layers.ZeroPadding2D(3)(images), "conv1", 64, 7, stride=2, padding="valid")
    x = conv_norm(pool(x, 3), "conv2", 64, 1)
    x = pool(conv_norm(x, "conv3", 192, 3), 3)
    seen = {}
    for place, widths in INCEPTIONS.items():
        seen[place] = x = inception(x, "inception" + place, widths)
        if place in ("3b", "4e"):
            x = pool(x, {"3b": 3, "4e": 2}[place])
    x = layers.GlobalAveragePooling2D()(x)
    logits = dense(Dropout(hparams["dropout"], name="dropout")(x), "fc", classes, dtype="float32")
    if not hparams["aux"]:
        return tf.keras.Model(images, logits)
    first = auxiliary(seen["4a"], "aux1", classes, hparams["aux_dropout"])
    second = auxiliary(seen["4d"], "aux2", classes, hparams["aux_dropout"])
    return tf.keras.Model(images, (logits, first, second))


def inception(x: Any, name: str, widths: Tuple[int, ...]) -> Any:
    """[n, h, w, channels] -> [n, h, w, the branches' channels]: figure 2 (b), four branches side by side."""
    one, reduce3, three, reduce5, five, pooled = widths
    return layers.Concatenate()(
        [
            conv_norm(x, name + ".one", one, 1),
            conv_norm(conv_norm(x, name + ".three.0", reduce3, 1), name + ".three.1", three, 3),
            conv_norm(conv_norm(x, name + ".five.0", reduce5, 1), name + ".five.1", five, 3),
            conv_norm(layers.MaxPooling2D(3, 1, "same")(x), name + ".pool", pooled, 1),
        ]
    )


def auxiliary(x: Any, name: str, classes: int, dropout: float) -> Any:
    """[n, h, w, channels] -> logits [n, classes]: the classifiers that help the training (section 5)."""
    # 14 x 14 become 4 x 4: by torchvision's windows, where the paper's are 5 x 5 with stride 3
    x = conv_norm(AdaptiveAveragePooling(4)(x), name + ".conv", 128, 1)
    x = layers.Flatten()(layers.Permute((3, 1, 2))(x))  # channels first, as fc1 counts them in PyTorch
    x = layers.ReLU()(dense(x, name + ".fc1", 1024))
    return dense(Dropout(dropout, name=name + ".dropout")(x), name + ".fc2", classes, dtype="float32")


def conv_norm(x: Any, name: str, width: int, kernel: int, stride: int = 1, padding: str = "same") -> Any:
    """A convolution, its norm and its ReLU."""
    x = layers.Conv2D(width, kernel, stride, padding, use_bias=False, kernel_initializer=normal(), name=name + ".conv")(
        x
    )
    return layers.ReLU()(layers_tf.BatchNormalization(momentum=0.9, epsilon=1e-3, name=name + ".norm")(x))


def pool(x: Any, size: int) -> Any:
    """[n, h, w, c] -> [n, h / 2, w / 2, c], rounded up: the last window may reach over the border.

    Nothing is below zero after ReLU, so zeros never win the maximum.
    """
    return layers.MaxPooling2D(size, 2)(layers.ZeroPadding2D(((0, 1), (0, 1)))(x))


def dense(x: Any, name: str, width: int, **keywords: Any) -> Any:
    bound = x.shape[-1] ** -0.5  # biases as PyTorch makes them
    start = tf.keras.initializers.RandomUniform(-bound, bound)
    return layers.Dense(width, kernel_initializer=normal(), bias_initializer=start, name=name, **keywords)(x)


def normal() -> Any:
    """As torchvision, which cuts it at +-2, where nothing is left to cut."""
    return tf.keras.initializers.RandomNormal(stddev=0.01)


def train(run: Any) -> None:
    training_tf.train(run, build)


def speed(run: Any) -> None:
    training_tf.speed(run, build)
