"""A sparse matrix of the graph for TensorFlow."""

from __future__ import annotations

import tensorflow as tf
from propagation import Entries


def sparse(entries: Entries, rows: int, columns: int) -> tf.SparseTensor:
    places, values = entries
    return tf.SparseTensor(places, values, (rows, columns))
