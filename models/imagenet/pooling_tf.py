"""Average pooling to a fixed size whatever comes in, as PyTorch's AdaptiveAvgPool2d: Keras has none."""

from __future__ import annotations

from typing import Any, Optional

import tensorflow as tf


class AdaptiveAveragePooling(tf.keras.layers.Layer):
    """[n, h, w, c] -> [n, side, side, c], for any h and w, larger or smaller than ``side``.

    Cell i is the mean of the rows from floor(i h / side) to ceil((i + 1) h / side), and likewise of
    columns: two matrix products, where the sizes are equal none.
    """

    def __init__(self, side: int, name: Optional[str] = None, **keywords: Any) -> None:
        super().__init__(name=name, **keywords)
        self.side = side

    def call(self, x: Any) -> Any:
        if tuple(x.shape[1:3]) == (self.side, self.side):
            return x
        h, w = tf.shape(x)[1], tf.shape(x)[2]
        x = tf.einsum("ih,nhwc->niwc", means(h, self.side, x.dtype), x)
        return tf.einsum("jw,niwc->nijc", means(w, self.side, x.dtype), x)


def means(size: Any, cells: int, dtype: Any) -> Any:
    """[cells, size]: row i holds one over their number at the positions that cell i averages, else 0."""
    cell, position = tf.range(cells)[:, None], tf.range(size)[None]
    start, stop = cell * size // cells, -(-(cell + 1) * size // cells)
    inside = tf.cast((position >= start) & (position < stop), dtype)
    return inside / tf.cast(stop - start, dtype)
