"""Batch normalisation in one operation; dropout and stochastic depth that repeat, also after an interruption.

Keras' own layers keep the state of their generator where no checkpoint reaches it (Keras 2).  These
draw from the seed of the run, the number of the step and the name of the layer, and have no state.
"""

from __future__ import annotations

import zlib
from typing import Any, Optional

import tensorflow as tf

# (seed, step): what this step draws from.  One place for the process, as a worker trains one model.
MOMENT = tf.Variable([0, 0], dtype=tf.int32, trainable=False, name="moment")


def set_moment(seed: int, step: int) -> None:
    """To be called before each training step; steps are counted over the whole training."""
    MOMENT.assign([seed % 2**31, step])


class Dropout(tf.keras.layers.Layer):
    """Zeroes each number with probability ``rate`` while training; what stays is divided by 1 - rate."""

    def __init__(self, rate: float, name: Optional[str] = None) -> None:
        super().__init__(name=name)
        self.rate = float(rate)
        self.salt = zlib.crc32(self.name.encode()) & 0x7FFFFFFF

    def call(self, x: Any, training: Any = None) -> Any:
        if not training or self.rate == 0.0:
            return x
        stays = self.uniform(self.drawn_shape(x)) >= self.rate
        return x * (tf.cast(stays, x.dtype) / (1.0 - self.rate))

    def uniform(self, shape: Any) -> tf.Tensor:
        """Always Philox: left to itself, XLA draws by another generator than the plain graph."""
        replica = tf.distribute.get_replica_context()
        number = replica.replica_id_in_sync_group if replica else 0
        seed = tf.stack([tf.bitwise.bitwise_xor(MOMENT[0], self.salt), MOMENT[1]])
        return tf.random.stateless_uniform(shape, tf.random.fold_in(seed, number, alg="philox"), alg="philox")

    def drawn_shape(self, x: tf.Tensor) -> tf.Tensor:
        return tf.shape(x)

    def compute_output_shape(self, input_shape: Any) -> Any:
        return input_shape


class StochasticDepth(Dropout):
    """Drops the whole branch of an image with probability ``rate`` while training (Huang et al. 2016)."""

    def drawn_shape(self, x: tf.Tensor) -> tf.Tensor:
        return tf.concat([tf.shape(x)[:1], tf.ones(len(x.shape) - 1, tf.int32)], 0)


class BatchNormalization(tf.keras.layers.BatchNormalization):
    """Keras' own for [n, h, w, c], in one operation instead of a dozen (Keras 3)."""

    def call(self, x: tf.Tensor, training: Any = None) -> tf.Tensor:
        if x.dtype == tf.float64:  # which the operation does not know
            return super().call(x, training=training)
        scale, offset, mean, variance = (
            tf.cast(each, tf.float32) for each in (self.gamma, self.beta, self.moving_mean, self.moving_variance)
        )
        about = {"x": x, "scale": scale, "offset": offset, "epsilon": self.epsilon}
        if not (training and self.trainable):
            return tf.raw_ops.FusedBatchNormV3(mean=mean, variance=variance, is_training=False, **about).y
        batch = tf.raw_ops.FusedBatchNormV3(mean=(), variance=(), is_training=True, **about)
        pixels = tf.cast(tf.size(x) // x.shape[-1], tf.float32)
        of_population = batch.batch_variance * ((pixels - 1) / pixels)  # Keras keeps this one
        self.moving_mean.assign(mean * self.momentum + batch.batch_mean * (1 - self.momentum))
        self.moving_variance.assign(variance * self.momentum + of_population * (1 - self.momentum))
        return batch.y
