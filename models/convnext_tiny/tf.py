"""ConvNeXt-T in TensorFlow with Keras layers: the twin of pytorch.py, layer by layer.

From Liu et al. 2022, "A ConvNet for the 2020s", with the structure and the initial weights of
torchvision's convnext_tiny.  Layers carry the names of their PyTorch twins; a layer scale is the
single weight of a layer of its name.
"""

from __future__ import annotations

from typing import Any, Dict

import layers_tf
import tensorflow as tf
import training_tf

layers = tf.keras.layers

STAGES = ((96, 3), (192, 3), (384, 9), (768, 3))  # section 3, ConvNeXt-T: C and B of the four stages
BLOCKS = 18  # of all stages
EXPANSION = 4  # section 2.4: the inverted bottleneck
LAYER_SCALE = 1e-6  # Table 5
EPSILON = 1e-6  # of the norms, in the authors' code and torchvision's


class LayerScale(layers.Layer):
    """x [n, h, w, width] -> the same: every channel times a learnt number."""

    def build(self, shape: Any) -> None:
        start = tf.keras.initializers.Constant(LAYER_SCALE)
        self.scale = self.add_weight(name="scale", shape=shape[-1:], initializer=start)

    def call(self, x: tf.Tensor) -> tf.Tensor:
        return x * tf.cast(self.scale, x.dtype)


def block(x: Any, name: str, width: int, stochastic_depth: float) -> Any:
    """x [n, h, w, width] -> the same: Figure 4, right."""
    y = layers.DepthwiseConv2D(7, padding="same", depthwise_initializer=normal(), name=name + ".conv")(x)
    y = norm(y, name + ".norm")
    y = dense(y, name + ".fc1", EXPANSION * width, "gelu")  # with the error function: Keras' default
    y = dense(y, name + ".fc2", width)
    y = LayerScale(name=name + ".layer_scale")(y)
    if stochastic_depth:
        y = layers_tf.StochasticDepth(stochastic_depth, name=name + ".stochastic_depth")(y)
    return layers.Add()([x, y])


def conv(x: Any, name: str, width: int, kernel: int) -> Any:
    """A convolution that leaves no pixel between its windows, and none at the rim that makes no whole window."""
    return layers.Conv2D(width, kernel, kernel, kernel_initializer=normal(), name=name)(x)


def norm(x: Any, name: str) -> Any:
    return layers.LayerNormalization(epsilon=EPSILON, name=name)(x)


def dense(x: Any, name: str, width: int, activation: Any = None, **options: Any) -> Any:
    return layers.Dense(width, activation, kernel_initializer=normal(), name=name, **options)(x)


def normal() -> Any:
    """As torchvision's convnext_tiny, which cuts it off at +-2, a hundred deviations: not here."""
    return tf.keras.initializers.RandomNormal(stddev=0.02)


def build(classes: int, hparams: Dict[str, Any]) -> tf.keras.Model:
    """images [n, height, width, 3] -> logits [n, classes]; sides of at least 32 pixels."""
    stochastic_depth, number = float(hparams.get("stochastic_depth", 0.0)), 0
    x = images = tf.keras.Input((None, None, 3))
    for stage, (width, blocks) in enumerate(STAGES):
        name = "stage%d" % (stage + 1)
        if stage == 0:  # section 2.2, patchify
            x = norm(conv(x, name + ".0.conv", width, 4), name + ".0.norm")
        else:  # section 2.6, separate downsampling layers
            x = conv(norm(x, name + ".0.norm"), name + ".0.conv", width, 2)
        for place in range(1, 1 + blocks):  # Huang et al. 2016: blocks drop out the oftener the deeper they lie
            x = block(x, "%s.%d" % (name, place), width, stochastic_depth * number / (BLOCKS - 1))
            number += 1
    x = norm(layers.GlobalAveragePooling2D()(x), "norm")
    return tf.keras.Model(images, dense(x, "head", classes, dtype="float32"))


def train(run: Any) -> None:
    training_tf.train(run, build)


def speed(run: Any) -> None:
    training_tf.speed(run, build)
