"""Convolutions without bias, padded by half their kernel on every side, as PyTorch pads: Keras' "same" does not."""

from __future__ import annotations

from typing import Any, Optional

import tensorflow as tf

layers = tf.keras.layers


def conv(x: Any, name: str, width: int, kernel: int, stride: int = 1, start: Optional[Any] = None) -> Any:
    """[n, h, w, channels] -> [n, h / stride, w / stride, width]; ``start`` is the initializer, He's normal if None."""
    return layers.Conv2D(
        width,
        kernel,
        stride,
        padding="same" if stride == 1 else "valid",
        use_bias=False,
        kernel_initializer=start or he_normal(kernel**2 * width),
        name=name,
    )(padded(x, kernel, stride))


def depthwise(x: Any, name: str, kernel: int, stride: int = 1, start: Optional[Any] = None) -> Any:
    """Each channel apart; otherwise as ``conv``."""
    return layers.DepthwiseConv2D(
        kernel,
        stride,
        padding="same" if stride == 1 else "valid",
        use_bias=False,
        depthwise_initializer=start or he_normal(kernel**2 * x.shape[-1]),
        name=name,
    )(padded(x, kernel, stride))


def padded(x: Any, kernel: int, stride: int) -> Any:
    """With a stride of one "same" pads evenly, and needs no layer."""
    return layers.ZeroPadding2D(kernel // 2)(x) if stride > 1 and kernel > 1 else x


def he_normal(fan_out: int) -> Any:
    """He et al. 2015, equation 14 (fan-out), where a depthwise or grouped layer's fan is that of all its channels."""
    return tf.keras.initializers.RandomNormal(stddev=(2.0 / fan_out) ** 0.5)


def uniform(fan_in: int) -> Any:
    """What PyTorch's layers start from where nobody says otherwise."""
    return tf.keras.initializers.RandomUniform(-(fan_in**-0.5), fan_in**-0.5)
