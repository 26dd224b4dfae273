"""Convolutions whose weight gradient is one matrix product, for processors on which the library's is slow.

Measured on an AMD EPYC (AVX2, two threads, PyTorch 2.13, images of 224 pixels, channels last): the weight gradient of
ResNet-50's 3x3 convolutions at 23 to 39 GFLOP/s by oneDNN, at 46 to 61 by one product; at 29 by both where the
convolution has 64 outputs.
"""

from __future__ import annotations

from typing import Any, Tuple

import torch
from torch import nn
from torch.nn import functional

MIN_OUTPUTS = 128  # with fewer, copying the windows takes what the product gains


def with_own_gradients(model: nn.Module) -> nn.Module:
    """The model, those of its convolutions that gain replaced by such as compute the same from the same parameters.

    Raises ValueError where none does.
    """
    gaining = [
        (module, name, child)
        for module in model.modules()
        for name, child in module.named_children()
        if isinstance(child, nn.Conv2d) and gains(child)
    ]
    if not gaining:
        raise ValueError("no convolution of this model gains by own_gradients")
    for module, name, conv in gaining:
        setattr(module, name, ProductConv2d(conv))
    return model


def gains(conv: nn.Conv2d) -> bool:
    """The gradient of a single pixel's weights at full resolution is a product anyway."""
    pointwise = conv.kernel_size == conv.stride == (1, 1)
    return conv.groups == 1 and conv.dilation == (1, 1) and conv.out_channels >= MIN_OUTPUTS and not pointwise


class ProductConv2d(nn.Module):
    """What ``conv`` computes, with its parameters."""

    def __init__(self, conv: nn.Conv2d) -> None:
        super().__init__()
        self.weight, self.bias, self.stride, self.padding = conv.weight, conv.bias, conv.stride, conv.padding

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = Convolution.apply(x, self.weight, self.stride, self.padding)
        return y if self.bias is None else y + self.bias[:, None, None]


class Convolution(torch.autograd.Function):
    """x [n, c, h, w], weight [d, c, k, l] -> [n, d, h', w']."""

    @staticmethod
    def forward(
        ctx: Any, x: torch.Tensor, weight: torch.Tensor, stride: Tuple[int, int], padding: Tuple[int, int]
    ) -> torch.Tensor:
        ctx.save_for_backward(x, weight)
        ctx.stride, ctx.padding = stride, padding
        return functional.conv2d(x, weight, None, stride, padding)

    @staticmethod
    def backward(ctx: Any, gradient: torch.Tensor) -> Tuple[Any, ...]:
        x, weight = ctx.saved_tensors
        of_x = None
        if ctx.needs_input_grad[0]:  # torch.nn.grad.conv2d_input knows no layout of x, and copies it
            how = (None, ctx.stride, ctx.padding, (1, 1), False, (0, 0), 1)
            of_x, _, _ = torch.ops.aten.convolution_backward(gradient, x, weight, *how, (True, False, False))
        return of_x, weight_gradient(x, gradient, weight.shape, ctx.stride, ctx.padding), None, None


def weight_gradient(
    x: torch.Tensor, gradient: torch.Tensor, shape: torch.Size, stride: Tuple[int, int], padding: Tuple[int, int]
) -> torch.Tensor:
    """[d, c, k, l] as ``shape`` says: each output pixel's gradient times the window of ``x`` that it was made of."""
    outputs, channels, height, width = shape
    down, right = padding
    pixels = functional.pad(x.permute(0, 2, 3, 1), (0, 0, right, right, down, down))
    windows = pixels.unfold(1, height, stride[0]).unfold(2, width, stride[1])  # [n, h', w', c, k, l]
    columns = windows.permute(0, 1, 2, 4, 5, 3).reshape(-1, height * width * channels)
    of_pixels = gradient.permute(0, 2, 3, 1).reshape(-1, outputs)
    product = of_pixels.t() @ columns
    return product.view(outputs, height, width, channels).permute(0, 3, 1, 2)
