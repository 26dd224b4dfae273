"""RegNetY in TensorFlow with Keras layers: the twin of pytorch.py, layer by layer.

From Radosavovic et al. 2020, "Designing Network Design Spaces".  Layers carry the names of their
PyTorch twins.  Padding is written out wherever a stride is above one, because Keras' "same" then pads
unevenly.
"""

from __future__ import annotations

from typing import Any, Dict

import layers_tf
import tensorflow as tf
import training_tf
from convolutions_tf import conv, he_normal, uniform
from widths import stages

layers = tf.keras.layers

STEM = 32  # section 3.1


def conv_norm(x: Any, name: str, width: int, kernel: int, stride: int = 1) -> Any:
    return norm(conv(x, name + ".conv", width, kernel, stride), name)


def grouped_norm(x: Any, name: str, group_width: int, stride: int) -> Any:
    """3x3, as many channels as before, in groups of ``group_width``."""
    x = layers.ZeroPadding2D(1)(x)
    return norm(GroupedConv2D(group_width, stride, name=name + ".conv")(x), name)


class GroupedConv2D(layers.Layer):
    """3x3 in groups, without padding and bias: [n, h, w, channels] -> [n, h', w', channels].

    TensorFlow has no gradient of a grouped convolution on a CPU (tried with 2.21; compiled by XLA it
    has one that took 14 to 120 times as long).
    There each input channel is convolved apart with the kernels of all outputs of its group, and what
    the inputs of a group give to an output is added up: the same sums in another order.
    """

    def __init__(self, group_width: int, stride: int, name: str) -> None:
        super().__init__(name=name)
        self.group_width, self.stride = group_width, stride

    def build(self, input_shape: Any) -> None:
        channels = input_shape[-1]
        shape = (3, 3, self.group_width, channels)
        self.kernel = self.add_weight(name="kernel", shape=shape, initializer=he_normal(9 * channels))
        super().build(input_shape)

    def call(self, x: tf.Tensor) -> tf.Tensor:
        kernel = tf.convert_to_tensor(self.kernel)
        if tf.config.list_logical_devices("GPU"):
            return tf.nn.conv2d(x, kernel, self.stride, "VALID")  # the groups follow from the kernel's shape
        channels, own = x.shape[-1], self.group_width
        groups = channels // own
        kernel = tf.reshape(kernel, (3, 3, own, groups, own))  # height, width, input in group, group, output in group
        kernel = tf.reshape(tf.transpose(kernel, (0, 1, 3, 2, 4)), (3, 3, channels, own))
        y = tf.nn.depthwise_conv2d(x, kernel, (1, self.stride, self.stride, 1), "VALID")
        n, h, w = tf.unstack(tf.shape(y)[:3])
        y = tf.reduce_sum(tf.reshape(y, (n, h, w, groups, own, own)), axis=4)
        return tf.reshape(y, (n, h, w, channels))


def norm(x: Any, name: str) -> Any:
    """PyTorch's defaults: Keras' momentum is one minus PyTorch's."""
    return layers_tf.BatchNormalization(momentum=0.9, epsilon=1e-5, name=name + ".norm")(x)


def squeeze_excitation(x: Any, name: str, squeezed: int) -> Any:
    """Hu et al. 2018: each channel is weighted by what the means of all channels say, ``squeezed`` in between."""
    channels = x.shape[-1]
    y = layers.GlobalAveragePooling2D(keepdims=True)(x)
    y = layers.Conv2D(
        squeezed, 1, kernel_initializer=he_normal(squeezed), bias_initializer=uniform(channels), name=name + ".reduce"
    )(y)
    y = layers.Conv2D(
        channels, 1, kernel_initializer=he_normal(channels), bias_initializer=uniform(squeezed), name=name + ".restore"
    )(layers.ReLU()(y))
    return layers.Multiply()([x, layers.Activation(tf.nn.sigmoid)(y)])


def y_block(x: Any, name: str, width: int, stride: int, hparams: Dict[str, Any]) -> Any:
    """Figure 4 with a bottleneck ratio of 1: 1x1, 3x3 in groups, squeeze-and-excitation, 1x1, and a shortcut.

    The squeeze is ``se_ratio`` of the block's input, not of what it squeezes.
    """
    channels, shortcut = x.shape[-1], x
    if channels != width or stride > 1:
        shortcut = conv_norm(x, name + ".shortcut", width, 1, stride)
    y = layers.ReLU()(conv_norm(x, name + ".a", width, 1))
    y = layers.ReLU()(grouped_norm(y, name + ".b", hparams["group_width"], stride))
    y = squeeze_excitation(y, name + ".squeeze", round(hparams["se_ratio"] * channels))
    y = conv_norm(y, name + ".c", width, 1)
    return layers.ReLU()(layers.Add()([y, shortcut]))


def build(classes: int, hparams: Dict[str, Any]) -> tf.keras.Model:
    """images [n, height, width, 3] -> logits [n, classes]"""
    images = tf.keras.Input((None, None, 3))
    x = layers.ReLU()(conv_norm(images, "stem", STEM, 3, stride=2))
    design = {name: hparams[name] for name in ("depth", "w_0", "w_a", "w_m")}
    for stage, (width, blocks) in enumerate(stages(**design)):
        for block in range(blocks):
            x = y_block(x, "stages.%d.%d" % (stage, block), width, 2 if block == 0 else 1, hparams)
    x = layers.GlobalAveragePooling2D()(x)
    start = tf.keras.initializers.RandomNormal(stddev=0.01)
    return tf.keras.Model(images, layers.Dense(classes, kernel_initializer=start, dtype="float32", name="fc")(x))


def train(run: Any) -> None:
    training_tf.train(run, build)


def speed(run: Any) -> None:
    training_tf.speed(run, build)
