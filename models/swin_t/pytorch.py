"""Swin-T in PyTorch, from Liu et al. 2021, "Swin Transformer: Hierarchical Vision Transformer using Shifted Windows".

Structure and initial weights are those of torchvision's swin_t.
"""

from __future__ import annotations

from typing import Any, Dict, Tuple

import layers_pytorch
import torch
import training_pytorch
from torch import nn
from torch.nn import functional

STAGES = ((96, 2, 3), (192, 2, 6), (384, 6, 12), (768, 2, 24))  # Table 7, Swin-T: width, blocks, heads
BLOCKS = 12  # of all stages
PATCH, WINDOW, EXPANSION = 4, 7, 4  # section 3.3: pixels, patches; the MLP's hidden layer is four times as wide
EPSILON = 1e-5  # of the norms: PyTorch's default, which the authors' code and torchvision leave
MASKED = -100.0  # added to the score of two patches that only the cyclic shift made neighbours, in both codes


class SwinTransformer(nn.Module):
    """images [n, 3, height, width] -> logits [n, classes]; sides of at least 32 pixels."""

    def __init__(self, classes: int, stochastic_depth: float) -> None:
        super().__init__()
        channels, number = 3, 0
        for stage, (width, blocks, heads) in enumerate(STAGES):
            parts = [PatchEmbedding(width) if stage == 0 else PatchMerging(channels)]
            for place in range(blocks):  # Huang et al. 2016: blocks drop out the oftener the deeper they lie
                shift = WINDOW // 2 if place % 2 else 0
                parts.append(Block(width, heads, shift, stochastic_depth * number / (BLOCKS - 1)))
                number += 1
            setattr(self, "stage%d" % (stage + 1), nn.Sequential(*parts))
            channels = width
        self.norm = nn.LayerNorm(channels, EPSILON)
        self.head = nn.Linear(channels, classes)
        self.apply(initialize)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        x = self.stage4(self.stage3(self.stage2(self.stage1(images))))
        return self.head(self.norm(x).mean(dim=(1, 2)))


class PatchEmbedding(nn.Module):
    """images [n, 3, h, w] -> [n, h/4, w/4, width]."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, width, PATCH, stride=PATCH)
        self.norm = nn.LayerNorm(width, EPSILON)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return self.norm(self.conv(images).permute(0, 2, 3, 1))


class PatchMerging(nn.Module):
    """x [n, h, w, channels] -> [n, h/2, w/2, 2 channels]: four neighbours side by side, then a linear layer."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.reduction = nn.Linear(4 * channels, 2 * channels, bias=False)
        self.norm = nn.LayerNorm(4 * channels, EPSILON)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = pad(x, 2)
        upper, lower = x[:, 0::2], x[:, 1::2]
        neighbours = [upper[:, :, 0::2], lower[:, :, 0::2], upper[:, :, 1::2], lower[:, :, 1::2]]
        return self.reduction(self.norm(torch.cat(neighbours, dim=-1)))


class Block(nn.Module):
    """x [n, h, w, width] -> the same: equation 3, one of its two halves."""

    def __init__(self, width: int, heads: int, shift: int, stochastic_depth: float) -> None:
        super().__init__()
        self.norm1 = nn.LayerNorm(width, EPSILON)
        self.attention = WindowAttention(width, heads, shift)
        self.norm2 = nn.LayerNorm(width, EPSILON)
        self.fc1 = nn.Linear(width, EXPANSION * width)
        self.fc2 = nn.Linear(EXPANSION * width, width)
        self.stochastic_depth = layers_pytorch.StochasticDepth(stochastic_depth)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = x + self.stochastic_depth(self.attention(self.norm1(x)))
        hidden = functional.gelu(self.fc1(self.norm2(x)))
        return x + self.stochastic_depth(self.fc2(hidden))


class WindowAttention(nn.Module):
    """x [n, h, w, width] -> the same: attention within windows of 7 x 7 patches, section 3.2.

    Where ``shift`` is not zero the image is first rolled by so many patches up and to the left, so
    that the windows cover the borders of the unshifted ones (Figure 4).
    """

    def __init__(self, width: int, heads: int, shift: int) -> None:
        super().__init__()
        self.heads, self.shift = heads, shift
        self.relative_position_bias_table = nn.Parameter(torch.empty((2 * WINDOW - 1) ** 2, heads))
        nn.init.normal_(self.relative_position_bias_table, std=0.02)
        self.register_buffer("places", relative_places(), persistent=False)
        self.qkv = nn.Linear(width, 3 * width)
        self.proj = nn.Linear(width, width)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        _, height, width, _ = x.shape
        qkv = self.qkv(pad(x, WINDOW))
        _, rows, columns, _ = qkv.shape
        # One window is as good as any shifted one.
        shift = (self.shift if rows > WINDOW else 0, self.shift if columns > WINDOW else 0)
        if any(shift):
            qkv = qkv.roll((-shift[0], -shift[1]), dims=(1, 2))
        mixed = self.attend(qkv, self.bias(rows, columns, shift, qkv))
        if any(shift):
            mixed = mixed.roll(shift, dims=(1, 2))
        return self.proj(mixed[:, :height, :width])

    def attend(self, qkv: torch.Tensor, bias: torch.Tensor) -> torch.Tensor:
        """qkv [n, rows, columns, 3 width] -> [n, rows, columns, width]: equation 4 in each window, for each head."""
        n, rows, columns, _ = qkv.shape
        grid = (rows // WINDOW, WINDOW, columns // WINDOW, WINDOW)
        parts = qkv.view(n, *grid, 3, self.heads, -1).permute(5, 0, 1, 3, 6, 2, 4, 7)
        # Windows and heads are one dimension, since fast kernels want four: [n, windows heads, patches, size].
        query, key, value = parts.reshape(3, n, -1, WINDOW**2, parts.shape[-1])
        mixed = attention(query, key, value, bias)
        mixed = mixed.view(n, grid[0], grid[2], self.heads, WINDOW, WINDOW, -1)
        return mixed.permute(0, 1, 4, 2, 5, 3, 6).reshape(n, rows, columns, -1)

    def bias(self, rows: int, columns: int, shift: Tuple[int, int], like: torch.Tensor) -> torch.Tensor:
        """What is added to the scores, [1, windows heads, patches, patches], of the type of ``like``."""
        bias = self.relative_position_bias_table[self.places].permute(2, 0, 1)  # [heads, patches, patches]
        windows = (rows // WINDOW) * (columns // WINDOW)
        bias = bias.expand(windows, -1, -1, -1)
        if any(shift):
            bias = bias + MASKED * strangers(rows, columns, shift, like.device)[:, None]
        return bias.reshape(1, windows * self.heads, WINDOW**2, WINDOW**2).to(like.dtype)


def attention(query: torch.Tensor, key: torch.Tensor, value: torch.Tensor, bias: torch.Tensor) -> torch.Tensor:
    if hasattr(functional, "scaled_dot_product_attention"):  # PyTorch 2.0 and later
        return functional.scaled_dot_product_attention(query, key, value, bias.expand(len(query), -1, -1, -1))
    scores = query @ key.transpose(-2, -1) * query.shape[-1] ** -0.5 + bias
    return scores.softmax(dim=-1) @ value


def relative_places() -> torch.Tensor:
    """[patches, patches]: the row of the bias table for every two patches of a window, by how far they lie apart."""
    place = torch.arange(WINDOW**2)
    row, column = torch.div(place, WINDOW, rounding_mode="floor"), place % WINDOW
    down = row[:, None] - row + WINDOW - 1  # from 0, not from -6
    right = column[:, None] - column + WINDOW - 1
    return down * (2 * WINDOW - 1) + right


def strangers(rows: int, columns: int, shift: Tuple[int, int], device: torch.device) -> torch.Tensor:
    """[windows, patches, patches]: which two patches of a window lay far apart before the image was rolled."""
    region = 3 * regions(rows, shift[0], device)[:, None] + regions(columns, shift[1], device)  # [rows, columns]
    region = region.view(rows // WINDOW, WINDOW, columns // WINDOW, WINDOW).transpose(1, 2).reshape(-1, WINDOW**2)
    return region[:, :, None] != region[:, None, :]


def regions(length: int, shift: int, device: torch.device) -> torch.Tensor:
    """[length]: 2 for what was rolled in from the other end, 1 for the rest of that window, 0 for all before it."""
    place = torch.arange(length, device=device)
    return (place >= length - WINDOW).int() + (place >= length - shift).int()


def pad(x: torch.Tensor, multiple: int) -> torch.Tensor:
    """x [n, h, w, c] with zeros below and to the right, until both sides are such multiples."""
    _, height, width, _ = x.shape
    return functional.pad(x, (0, 0, 0, -width % multiple, 0, -height % multiple))


def initialize(layer: nn.Module) -> None:
    """As torchvision's swin_t: its convolution keeps PyTorch's default, uniform +-1/sqrt(fan-in).

    It cuts its normal distributions off at +-2, a hundred deviations: not here.
    """
    if isinstance(layer, nn.Linear):
        nn.init.normal_(layer.weight, std=0.02)
        if layer.bias is not None:
            nn.init.zeros_(layer.bias)
    if isinstance(layer, nn.Conv2d):
        bound = (3 * PATCH**2) ** -0.5
        nn.init.uniform_(layer.weight, -bound, bound)
        nn.init.uniform_(layer.bias, -bound, bound)


def build(classes: int, hparams: Dict[str, Any]) -> SwinTransformer:
    return SwinTransformer(classes, float(hparams.get("stochastic_depth", 0.0)))


def train(run: Any) -> None:
    training_pytorch.train(run, build)


def speed(run: Any) -> None:
    training_pytorch.speed(run, build)
