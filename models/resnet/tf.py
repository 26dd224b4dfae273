"""Residual networks in TensorFlow with Keras layers: the twins of pytorch.py, layer by layer.

ResNet-18 to -152, ResNeXt and Wide ResNet by the numbers of ``[architecture]``; papers and tables
stand in pytorch.py.  Layers carry the names of their PyTorch twins.  Padding is written out
wherever a stride is above one, because Keras' "same" then pads unevenly.
"""

from __future__ import annotations

from typing import Any, Dict

import convolutions_tf
import layers_tf
import tensorflow as tf
import training_tf

layers = tf.keras.layers

# He et al. 2015, equation 14 (fan-out).
HE_NORMAL = {"scale": 2.0, "mode": "fan_out", "distribution": "untruncated_normal"}


def conv(x: Any, name: str, width: int, kernel: int, stride: int = 1, groups: int = 1) -> Any:
    start = tf.keras.initializers.VarianceScaling(**HE_NORMAL)
    if groups > 1:
        return GroupedConv2D(width, kernel, stride, groups, start, name)(layers.ZeroPadding2D(kernel // 2)(x))
    return convolutions_tf.conv(x, name, width, kernel, stride, start)


class GroupedConv2D(layers.Layer):
    """Convolution in groups, without padding and bias: [n, h, w, channels] -> [n, h', w', width].

    Keras' Conv2D(groups=...) has no gradient on a CPU (TensorFlow 2.21: "No algorithm worked"),
    so that there each group is a convolution of its own.
    """

    def __init__(self, width: int, kernel: int, stride: int, groups: int, start: Any, name: str) -> None:
        super().__init__(name=name)
        self.width, self.kernel_size, self.stride, self.groups, self.start = width, kernel, stride, groups, start

    def build(self, input_shape: Any) -> None:
        shape = (self.kernel_size, self.kernel_size, input_shape[-1] // self.groups, self.width)
        self.kernel = self.add_weight(name="kernel", shape=shape, initializer=self.start)
        super().build(input_shape)

    def call(self, x: tf.Tensor) -> tf.Tensor:
        kernel = tf.convert_to_tensor(self.kernel)
        if tf.config.list_logical_devices("GPU"):
            return tf.nn.conv2d(x, kernel, self.stride, "VALID")  # groups follow from the kernel's shape
        parts = zip(tf.split(x, self.groups, axis=-1), tf.split(kernel, self.groups, axis=-1))
        return tf.concat([tf.nn.conv2d(part, own, self.stride, "VALID") for part, own in parts], axis=-1)

    def compute_output_shape(self, input_shape: Any) -> Any:
        n, h, w, _ = input_shape
        sides = [None if side is None else (side - self.kernel_size) // self.stride + 1 for side in (h, w)]
        return (n, *sides, self.width)


def norm(x: Any, name: str, gamma: float = 1.0) -> Any:
    """PyTorch's defaults: Keras' momentum is one minus PyTorch's."""
    start = tf.keras.initializers.Constant(gamma)
    return layers_tf.BatchNormalization(momentum=0.9, epsilon=1e-5, gamma_initializer=start, name=name)(x)


def projected(x: Any, name: str, out: int, stride: int) -> Any:
    """Shortcut option B of section 4.1: a 1x1 convolution where the width changes, else the input."""
    if x.shape[-1] == out:
        return x
    return norm(conv(x, name + ".conv_shortcut", out, 1, stride), name + ".norm_shortcut")


def basic(x: Any, name: str, width: int, stride: int, hparams: Dict[str, Any]) -> Any:
    """Figure 5, left: two 3x3 convolutions; the input is added to the result."""
    shortcut = projected(x, name, width, stride)
    y = layers.ReLU()(norm(conv(x, name + ".conv1", width, 3, stride), name + ".norm1"))
    y = norm(conv(y, name + ".conv2", width, 3), name + ".norm2", hparams.get("last_gamma", 1.0))
    return layers.ReLU()(layers.Add()([y, shortcut]))


def bottleneck(x: Any, name: str, width: int, stride: int, hparams: Dict[str, Any]) -> Any:
    """Figure 5, right: 1x1 narrows, 3x3 works, 1x1 widens; the input is added to the result.

    The 3x3 works in ``groups`` (ResNeXt, Figure 3 c) of ``width_per_group`` channels each at the
    first stage's width of 64, of more in proportion later.
    """
    out, groups = 4 * width, int(hparams["groups"])
    inner = width * int(hparams["width_per_group"]) // 64 * groups
    shortcut = projected(x, name, out, stride)
    y = layers.ReLU()(norm(conv(x, name + ".conv1", inner, 1), name + ".norm1"))
    y = layers.ReLU()(norm(conv(y, name + ".conv2", inner, 3, stride, groups), name + ".norm2"))
    y = norm(conv(y, name + ".conv3", out, 1), name + ".norm3", hparams.get("last_gamma", 1.0))
    return layers.ReLU()(layers.Add()([y, shortcut]))


BLOCKS = {"basic": basic, "bottleneck": bottleneck}


def build(classes: int, hparams: Dict[str, Any]) -> tf.keras.Model:
    """images [n, height, width, channels] -> logits [n, classes].

    Sides of at least 32 pixels, or, with ``stem`` "small" (section 4.2: one 3x3 convolution, and nothing halved
    before the second stage), of at least 4.  ``last_gamma`` 0 lets every block start as the identity (Goyal et al.
    2017, section 5.1).
    """
    small, narrow = hparams.get("stem", "large") == "small", int(hparams.get("width", 64))
    images = tf.keras.Input((None, None, int(hparams.get("channels", 3))))
    kernel, stride = (3, 1) if small else (7, 2)
    x = layers.ReLU()(norm(conv(images, "conv1", narrow, kernel, stride), "norm1"))
    if not small:
        x = layers.ZeroPadding2D(1)(x)  # nothing is below zero after ReLU, so zeros never win the maximum
        x = layers.MaxPooling2D(3, 2)(x)
    block = BLOCKS[hparams["block"]]
    for stage, blocks in enumerate(hparams["blocks"]):
        for index in range(blocks):
            name = "stage%d.%d" % (stage + 2, index)  # conv2_x to conv5_x of Table 1
            stride = 2 if index == 0 and stage > 0 else 1
            x = block(x, name, narrow * 2**stage, stride, hparams)
    x = layers.GlobalAveragePooling2D()(x)
    bound = x.shape[-1] ** -0.5  # uniform +-1/sqrt(fan-in)
    logits = layers.Dense(
        classes,
        kernel_initializer=tf.keras.initializers.RandomUniform(-bound, bound),
        bias_initializer=tf.keras.initializers.RandomUniform(-bound, bound),
        dtype="float32",
        name="fc",
    )(x)
    return tf.keras.Model(images, logits)


def train(run: Any) -> None:
    training_tf.train(run, build)


def speed(run: Any) -> None:
    training_tf.speed(run, build)
