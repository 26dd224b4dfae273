"""Swin-T in TensorFlow with Keras layers: the twin of pytorch.py, layer by layer.

From Liu et al. 2021, "Swin Transformer: Hierarchical Vision Transformer using Shifted Windows", with
the structure and the initial weights of torchvision's swin_t.  Layers carry the names of their
PyTorch twins; a table of position biases is the single weight of a layer of its name.
"""

from __future__ import annotations

from typing import Any, Dict, Tuple

import layers_tf
import numpy
import tensorflow as tf
import training_tf

layers = tf.keras.layers

STAGES = ((96, 2, 3), (192, 2, 6), (384, 6, 12), (768, 2, 24))  # Table 7, Swin-T: width, blocks, heads
BLOCKS = 12  # of all stages
PATCH, WINDOW, EXPANSION = 4, 7, 4  # section 3.3: pixels, patches; the MLP's hidden layer is four times as wide
EPSILON = 1e-5  # of the norms: PyTorch's default, which the authors' code and torchvision leave
MASKED = -100.0  # added to the score of two patches that only the cyclic shift made neighbours, in both codes


class WindowAttention(layers.Layer):
    """qkv [n, rows, columns, 3 width] -> [n, rows, columns, width]: attention within windows of 7 x 7 patches.

    Section 3.2; rows and columns are multiples of 7.  Where ``shift`` is not zero the image is first
    rolled by so many patches up and to the left, so that the windows cover the borders of the
    unshifted ones (Figure 4).
    """

    def __init__(self, heads: int, shift: int, **options: Any) -> None:
        super().__init__(**options)
        self.heads, self.shift = heads, shift

    def build(self, shape: Any) -> None:
        self.size = shape[-1] // (3 * self.heads)  # of what a head asks, and of what it answers
        self.table = self.add_weight(name="table", shape=((2 * WINDOW - 1) ** 2, self.heads), initializer=normal())

    def call(self, qkv: tf.Tensor) -> tf.Tensor:
        shape = tf.shape(qkv)
        # One window is as good as any shifted one.
        shift = tf.where(shape[1:3] > WINDOW, self.shift, 0)
        if self.shift:
            qkv = tf.roll(qkv, -shift, axis=(1, 2))
        mixed = self.attend(qkv, self.bias(shape[1], shape[2], shift))
        return tf.roll(mixed, shift, axis=(1, 2)) if self.shift else mixed

    def attend(self, qkv: tf.Tensor, bias: tf.Tensor) -> tf.Tensor:
        """qkv [n, rows, columns, 3 width] -> [n, rows, columns, width]: equation 4 in each window, for each head."""
        n, rows, columns = tf.unstack(tf.shape(qkv)[:3])
        down, right, size = rows // WINDOW, columns // WINDOW, self.size
        parts = tf.reshape(qkv, tf.stack([n * down, WINDOW, right, WINDOW, 3, self.heads * size]))
        parts = tf.transpose(parts, (4, 0, 2, 1, 3, 5))  # by windows
        parts = tf.reshape(parts, tf.stack([3, n, down * right, WINDOW**2, self.heads, size]))
        query, key, value = tf.unstack(tf.transpose(parts, (0, 1, 2, 4, 3, 5)))  # [n, windows, heads, patches, size]
        scores = tf.matmul(query * size**-0.5, key, transpose_b=True) + bias
        attention = tf.cast(tf.nn.softmax(tf.cast(scores, tf.float32)), value.dtype)
        mixed = tf.transpose(tf.matmul(attention, value), (0, 1, 3, 2, 4))
        mixed = tf.reshape(mixed, tf.stack([n * down, right, WINDOW, WINDOW, self.heads * size]))
        mixed = tf.transpose(mixed, (0, 2, 1, 3, 4))
        return tf.reshape(mixed, tf.stack([n, rows, columns, self.heads * size]))

    def bias(self, rows: tf.Tensor, columns: tf.Tensor, shift: tf.Tensor) -> tf.Tensor:
        """What is added to the scores, [windows or 1, heads, patches, patches].

        Entries of the table are chosen by a product with zeros and ones: its gradient is dense, and
        is added up in the same order every time.
        """
        side = 2 * WINDOW - 1
        table = tf.reshape(tf.cast(self.table, self.compute_dtype), (side, side, self.heads))
        apart = tf.constant(distances(), table.dtype)
        bias = tf.einsum("ijd,dsh->ijsh", apart, table)  # rows first
        bias = tf.reshape(tf.einsum("kls,ijsh->hikjl", apart, bias), (self.heads, WINDOW**2, WINDOW**2))
        if not self.shift:
            return bias[None]
        # Not three terms: TensorFlow adds such a sum in an order that does not repeat on several threads.
        return tf.where(strangers(rows, columns, shift)[:, None], bias + MASKED, bias)


def distances() -> numpy.ndarray:
    """[7, 7, 13] of zeros and ones: for two rows (or columns) of a window how far they lie apart, from -6 to 6."""
    place = numpy.arange(WINDOW)
    return numpy.eye(2 * WINDOW - 1)[place[:, None] - place + WINDOW - 1]


def strangers(rows: tf.Tensor, columns: tf.Tensor, shift: tf.Tensor) -> tf.Tensor:
    """[windows, patches, patches]: which two patches of a window lay far apart before the image was rolled."""
    region = 3 * regions(rows, shift[0])[:, None] + regions(columns, shift[1])  # [rows, columns]
    region = tf.reshape(region, tf.stack([rows // WINDOW, WINDOW, columns // WINDOW, WINDOW]))
    region = tf.reshape(tf.transpose(region, (0, 2, 1, 3)), (-1, WINDOW**2))
    return region[:, :, None] != region[:, None, :]


def regions(length: tf.Tensor, shift: tf.Tensor) -> tf.Tensor:
    """[length]: 2 for what was rolled in from the other end, 1 for the rest of that window, 0 for all before it."""
    place = tf.range(length)
    return tf.cast(place >= length - WINDOW, tf.int32) + tf.cast(place >= length - shift, tf.int32)


class Pad(layers.Layer):
    """x [n, h, w, c] with zeros below and to the right, until both sides are multiples of ``multiple``."""

    def __init__(self, multiple: int, **options: Any) -> None:
        super().__init__(**options)
        self.multiple = multiple

    def call(self, x: tf.Tensor) -> tf.Tensor:
        shape = tf.shape(x)
        below, right = -shape[1] % self.multiple, -shape[2] % self.multiple
        return tf.pad(x, [[0, 0], [0, below], [0, right], [0, 0]])


class Crop(layers.Layer):
    """x and y [n, h, w, c] -> as much of the upper left of x as y is high and wide."""

    def call(self, both: Tuple[tf.Tensor, tf.Tensor]) -> tf.Tensor:
        x, y = both
        shape = tf.shape(y)
        return x[:, : shape[1], : shape[2]]


class Neighbours(layers.Layer):
    """x [n, h, w, c] of even sides -> [n, h/2, w/2, 4c]: each four neighbours side by side."""

    def call(self, x: tf.Tensor) -> tf.Tensor:
        upper, lower = x[:, 0::2], x[:, 1::2]
        return tf.concat([upper[:, :, 0::2], lower[:, :, 0::2], upper[:, :, 1::2], lower[:, :, 1::2]], axis=-1)


def patch_embedding(images: Any, name: str, width: int) -> Any:
    """images [n, h, w, 3] -> [n, h/4, w/4, width]; uniform +-1/sqrt(fan-in), PyTorch's default, as torchvision."""
    bound = (3 * PATCH**2) ** -0.5
    conv = layers.Conv2D(
        width,
        PATCH,
        PATCH,
        kernel_initializer=tf.keras.initializers.RandomUniform(-bound, bound),
        bias_initializer=tf.keras.initializers.RandomUniform(-bound, bound),
        name=name + ".conv",
    )
    return norm(conv(images), name + ".norm")


def patch_merging(x: Any, name: str, channels: int) -> Any:
    """x [n, h, w, channels] -> [n, h/2, w/2, 2 channels]: four neighbours side by side, then a linear layer."""
    neighbours = Neighbours(name=name + ".neighbours")(Pad(2, name=name + ".pad")(x))
    return dense(norm(neighbours, name + ".norm"), name + ".reduction", 2 * channels, use_bias=False)


def block(x: Any, name: str, width: int, heads: int, shift: int, stochastic_depth: float) -> Any:
    """x [n, h, w, width] -> the same: equation 3, one of its two halves."""
    y = window_attention(norm(x, name + ".norm1"), name + ".attention", width, heads, shift)
    x = layers.Add()([x, drop(y, name + ".stochastic_depth1", stochastic_depth)])
    y = dense(norm(x, name + ".norm2"), name + ".fc1", EXPANSION * width, "gelu")  # with the error function
    y = dense(y, name + ".fc2", width)
    return layers.Add()([x, drop(y, name + ".stochastic_depth2", stochastic_depth)])


def window_attention(x: Any, name: str, width: int, heads: int, shift: int) -> Any:
    qkv = dense(Pad(WINDOW, name=name + ".pad")(x), name + ".qkv", 3 * width)
    mixed = WindowAttention(heads, shift, name=name + ".relative_position_bias_table")(qkv)
    return dense(Crop(name=name + ".crop")((mixed, x)), name + ".proj", width)


def norm(x: Any, name: str) -> Any:
    return layers.LayerNormalization(epsilon=EPSILON, name=name)(x)


def dense(x: Any, name: str, width: int, activation: Any = None, **options: Any) -> Any:
    return layers.Dense(width, activation, kernel_initializer=normal(), name=name, **options)(x)


def drop(x: Any, name: str, stochastic_depth: float) -> Any:
    return layers_tf.StochasticDepth(stochastic_depth, name=name)(x) if stochastic_depth else x


def normal() -> Any:
    """As torchvision's swin_t, which cuts it off at +-2, a hundred deviations: not here."""
    return tf.keras.initializers.RandomNormal(stddev=0.02)


def build(classes: int, hparams: Dict[str, Any]) -> tf.keras.Model:
    """images [n, height, width, 3] -> logits [n, classes]; sides of at least 32 pixels."""
    stochastic_depth, channels, number = float(hparams.get("stochastic_depth", 0.0)), 3, 0
    x = images = tf.keras.Input((None, None, 3))
    for stage, (width, blocks, heads) in enumerate(STAGES):
        name = "stage%d" % (stage + 1)
        x = patch_embedding(x, name + ".0", width) if stage == 0 else patch_merging(x, name + ".0", channels)
        for place in range(blocks):  # Huang et al. 2016: blocks drop out the oftener the deeper they lie
            shift = WINDOW // 2 if place % 2 else 0
            rate = stochastic_depth * number / (BLOCKS - 1)
            x = block(x, "%s.%d" % (name, place + 1), width, heads, shift, rate)
            number += 1
        channels = width
    x = layers.GlobalAveragePooling2D()(norm(x, "norm"))
    return tf.keras.Model(images, dense(x, "head", classes, dtype="float32"))


def train(run: Any) -> None:
    training_tf.train(run, build)


def speed(run: Any) -> None:
    training_tf.speed(run, build)
