"""Convolutions without bias, padded by half their kernel on every side, as PyTorch pads: Keras' "same" does not.

And convolutions with gradients of their own, for processors: the library's gradient of the input (TensorFlow 2.21,
oneDNN, one thread of an AMD EPYC beside other work) takes 50 ns for each weight besides its arithmetic, so that the
last stage of ResNet-50 runs at 9 to 11 GFLOP/s instead of 26 to 37.
"""

from __future__ import annotations

from typing import Any, Callable, Optional, Tuple

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


def with_own_gradients(model: tf.keras.Model) -> tf.keras.Model:
    """The model, its convolutions that gain computing the same from the same weights in another way.

    Raises ValueError where none does.
    """
    gaining = [layer for layer in model.layers if type(layer) is layers.Conv2D and gains(layer)]
    if not gaining:
        raise ValueError("no convolution of this model gains by own_gradients")
    for layer in gaining:
        layer.convolution_op = pixelwise(layer.strides) if layer.kernel_size == (1, 1) else windowed(layer.padding)
    return model


def gains(layer: Any) -> bool:
    """One of single pixels, or an odd kernel at full resolution: there the input's gradient is a convolution."""
    if layer.groups > 1 or layer.dilation_rate != (1, 1) or layer.data_format != "channels_last":
        return False
    return layer.kernel_size == (1, 1) or (layer.strides == (1, 1) and all(side % 2 for side in layer.kernel_size))


def pixelwise(strides: Tuple[int, int]) -> Callable[[Any, Any], tf.Tensor]:
    """A matrix product, and so are its gradients."""
    down, right = strides

    def product(x: Any, kernel: Any) -> tf.Tensor:
        """x [n, h, w, c], kernel [1, 1, c, d] -> [n, h / down, w / right, d]."""
        if strides != (1, 1):
            x = x[:, ::down, ::right]
        pixels = tf.matmul(tf.reshape(x, (-1, x.shape[-1])), tf.convert_to_tensor(kernel)[0, 0])
        return tf.reshape(pixels, tf.concat([tf.shape(x)[:3], tf.shape(pixels)[1:]], 0))

    return product


def windowed(padding: str) -> Callable[[Any, Any], tf.Tensor]:
    """The input's gradient as a convolution of the output's with the kernel turned around."""
    rim = padding.upper()

    @tf.custom_gradient  # type: ignore[untyped-decorator]
    def convolution(x: Any, kernel: Any) -> Tuple[tf.Tensor, Callable[[Any], Tuple[tf.Tensor, tf.Tensor]]]:
        height, width, _, _ = kernel.shape

        def gradients(of_y: Any) -> Tuple[tf.Tensor, tf.Tensor]:
            of_kernel = tf.raw_ops.Conv2DBackpropFilter(
                input=x, filter_sizes=kernel.shape, out_backprop=of_y, strides=[1, 1, 1, 1], padding=rim
            )
            if rim == "VALID":
                of_y = tf.pad(of_y, [[0, 0], [height - 1] * 2, [width - 1] * 2, [0, 0]])
            turned = tf.transpose(tf.reverse(kernel, [0, 1]), [0, 1, 3, 2])
            return tf.nn.conv2d(of_y, turned, 1, rim), of_kernel

        return tf.nn.conv2d(x, kernel, 1, rim), gradients

    def convolved(x: Any, kernel: Any) -> tf.Tensor:
        """x [n, h, w, c], kernel [k, l, c, d] -> [n, h', w', d]."""
        return convolution(x, tf.convert_to_tensor(kernel))

    return convolved
