"""The random numbers of PyTorch's generator on the CPU, where there is no PyTorch.

So TensorFlow starts from the same weights and sees the same batches.  MT19937 with one 32-bit draw a
number, from the same seeding as numpy's RandomState.  Integers are the same; normals agree to a few
units in the last place, because logarithm, sine and cosine are numpy's.
"""

from __future__ import annotations

import math
from typing import Tuple

import numpy

BLOCK = 16  # normals are made sixteen at a time, from eight radii and eight angles


class Draws:
    """What ``torch.Generator().manual_seed(seed)`` leads to, call by call."""

    def __init__(self, seed: int) -> None:
        self._bits = numpy.random.RandomState(seed)

    def integers(self, high: int, shape: Tuple[int, ...]) -> numpy.ndarray:
        """``torch.randint(0, high, shape)``, int64; ``high`` is below 2**28."""
        return (self._draw(math.prod(shape)) % numpy.uint32(high)).astype(numpy.int64).reshape(shape)

    def normals(self, shape: Tuple[int, ...]) -> numpy.ndarray:
        """``torch.randn(shape)``, float32; of at least sixteen numbers."""
        count = math.prod(shape)
        if count < BLOCK:
            raise ValueError("torch draws fewer than %d normals in another way" % BLOCK)
        uniforms, rest = self._uniforms(count), count % BLOCK
        normals = box_muller(uniforms[: count - rest])
        if rest:  # the last sixteen are drawn anew
            normals = numpy.concatenate([normals[: count - BLOCK], box_muller(self._uniforms(BLOCK))])
        return normals.reshape(shape)

    def _uniforms(self, count: int) -> numpy.ndarray:
        """float32 in [0, 1): 24 bits of each draw."""
        return (self._draw(count) & numpy.uint32(2**24 - 1)).astype(numpy.float32) / numpy.float32(2**24)

    def _draw(self, count: int) -> numpy.ndarray:
        return self._bits.randint(0, 2**32, count, dtype=numpy.uint32)


def box_muller(uniforms: numpy.ndarray) -> numpy.ndarray:
    """Box and Muller 1958 in float32, by blocks: eight cosines, then eight sines."""
    radii, angles = uniforms.reshape(-1, 2, BLOCK // 2).transpose(1, 0, 2)
    radii = numpy.sqrt(numpy.float32(-2) * numpy.log(numpy.float32(1) - radii))
    angles = numpy.float32(2 * math.pi) * angles
    return numpy.stack([radii * numpy.cos(angles), radii * numpy.sin(angles)], axis=1).ravel()
