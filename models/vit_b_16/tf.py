"""ViT-B/16 in TensorFlow with Keras layers: the twin of pytorch.py, layer by layer.

From Dosovitskiy et al. 2021, "An Image is Worth 16x16 Words", with the structure and the initial
weights of torchvision's vit_b_16 (see pytorch.py).  Layers carry the names of their PyTorch twins;
the class token and the position embedding are the single weight of a layer of their name.
"""

from __future__ import annotations

from typing import Any, Dict

import layers_tf
import tensorflow as tf
import training_tf

layers = tf.keras.layers
initializers = tf.keras.initializers

PATCH = 16  # pixels; the "/16" of the name
LAYERS, WIDTH, MLP_WIDTH, HEADS = 12, 768, 3072, 12  # Table 1, ViT-Base
EPSILON = 1e-6  # of the norms: appendix B.1 does not say, torchvision does


class ClassToken(layers.Layer):
    """patches [n, patches, width] -> [n, 1 + patches, width]: the learnt token goes first."""

    def build(self, shape: Any) -> None:
        self.token = self.add_weight(name="token", shape=(1, 1, shape[-1]), initializer="zeros")

    def call(self, patches: tf.Tensor) -> tf.Tensor:
        token = tf.cast(self.token, patches.dtype)
        return tf.concat([tf.tile(token, (tf.shape(patches)[0], 1, 1)), patches], axis=1)


class PositionEmbedding(layers.Layer):
    """x [n, tokens, width] -> the same: a learnt vector is added to each place."""

    def build(self, shape: Any) -> None:
        start = initializers.RandomNormal(stddev=0.02)
        self.embedding = self.add_weight(name="embedding", shape=(1, *shape[1:]), initializer=start)

    def call(self, x: tf.Tensor) -> tf.Tensor:
        return x + tf.cast(self.embedding, x.dtype)


class Attend(layers.Layer):
    """qkv [n, tokens, 3 width] -> [n, tokens, width]: equations 5 to 8, the heads side by side."""

    def call(self, qkv: tf.Tensor) -> tf.Tensor:
        n, tokens, size = tf.shape(qkv)[0], qkv.shape[1], WIDTH // HEADS
        qkv = tf.transpose(tf.reshape(qkv, (n, tokens, 3, HEADS, size)), (2, 0, 3, 1, 4))
        query, key, value = tf.unstack(qkv)  # each [n, heads, tokens, size]
        scores = tf.matmul(query * size**-0.5, key, transpose_b=True)
        attention = tf.cast(tf.nn.softmax(tf.cast(scores, tf.float32)), value.dtype)
        mixed = tf.transpose(tf.matmul(attention, value), (0, 2, 1, 3))
        return tf.reshape(mixed, (n, tokens, WIDTH))


def block(x: Any, name: str, dropout: float) -> Any:
    """x [n, tokens, width] -> the same: equations 2 and 3; dropout after every dense layer but qkv (appendix B.1)."""
    y = norm(x, name + ".norm1")
    y = Attend(name=name + ".attend")(dense(y, name + ".qkv", 3 * WIDTH, "glorot_uniform"))
    bound = WIDTH**-0.5
    y = dense(y, name + ".proj", WIDTH, initializers.RandomUniform(-bound, bound))
    x = layers.Add()([x, drop(y, name + ".dropout1", dropout)])

    y = norm(x, name + ".norm2")
    y = mlp_dense(y, name + ".fc1", MLP_WIDTH, "gelu")  # with the error function: Keras' default
    y = mlp_dense(drop(y, name + ".dropout2", dropout), name + ".fc2", WIDTH)
    return layers.Add()([x, drop(y, name + ".dropout3", dropout)])


def norm(x: Any, name: str) -> Any:
    return layers.LayerNormalization(epsilon=EPSILON, name=name)(x)


def dense(x: Any, name: str, width: int, kernel: Any) -> Any:
    return layers.Dense(width, kernel_initializer=kernel, name=name)(x)


def mlp_dense(x: Any, name: str, width: int, activation: Any = None) -> Any:
    bias = initializers.RandomNormal(stddev=1e-6)
    return layers.Dense(width, activation, kernel_initializer="glorot_uniform", bias_initializer=bias, name=name)(x)


def drop(x: Any, name: str, dropout: float) -> Any:
    return layers_tf.Dropout(dropout, name=name)(x) if dropout else x


def build(classes: int, hparams: Dict[str, Any]) -> tf.keras.Model:
    """images [n, size, size, 3] -> logits [n, classes]; ``image_size`` is a multiple of 16 pixels.

    Initial weights as torchvision's vit_b_16.  It cuts its normal distributions off at +-2, beyond
    fifty deviations: not here.
    """
    size, dropout = int(hparams["image_size"]), float(hparams.get("dropout", 0.0))
    patches = (size // PATCH) ** 2
    images = tf.keras.Input((size, size, 3))
    kernel = initializers.RandomNormal(stddev=(3 * PATCH**2) ** -0.5)
    x = layers.Conv2D(WIDTH, PATCH, PATCH, kernel_initializer=kernel, name="patch_embedding")(images)
    x = layers.Reshape((patches, WIDTH))(x)  # row by row
    x = PositionEmbedding(name="position_embedding")(ClassToken(name="class_token")(x))
    x = drop(x, "dropout", dropout)  # equation 1
    for number in range(LAYERS):
        x = block(x, "blocks.%d" % number, dropout)
    x = First(name="first")(norm(x, "norm"))
    logits = layers.Dense(classes, kernel_initializer="zeros", dtype="float32", name="head")(x)
    return tf.keras.Model(images, logits)


class First(layers.Layer):
    """x [n, tokens, width] -> [n, width]: what became of the class token, equation 4."""

    def call(self, x: tf.Tensor) -> tf.Tensor:
        return x[:, 0]


def train(run: Any) -> None:
    training_tf.train(run, build)


def speed(run: Any) -> None:
    training_tf.speed(run, build)
