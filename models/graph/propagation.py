"""The graph as both frameworks get it: entries (row, column) and values of two sparse matrices."""

from __future__ import annotations

from typing import Any, Tuple

import numpy

Entries = Tuple[numpy.ndarray, numpy.ndarray]  # int64 [entries, 2], sorted by rows; float32 [entries]


def words(graph: Any) -> Entries:
    """The features [nodes, features]: the words of a publication, each row divided by its sum."""
    node = graph.entries[:, 0]
    counts = numpy.bincount(node, minlength=graph.nodes)
    return numpy.array(graph.entries), (1.0 / counts[node]).astype(numpy.float32)


def propagation(graph: Any) -> Entries:
    """D^-1/2 (A + I) D^-1/2 [nodes, nodes], D the row sums of A + I: Kipf and Welling 2017, section 2.2.

    A node that is its own neighbour (Citeseer has 124) has 2 on the diagonal, as in the published code.
    """
    itself = numpy.arange(graph.nodes)
    pairs = numpy.concatenate([graph.edges, numpy.stack([itself, itself], axis=1)])
    pairs, weights = numpy.unique(pairs, axis=0, return_counts=True)
    row, column = pairs[:, 0], pairs[:, 1]
    scale = numpy.bincount(row, weights) ** -0.5
    return pairs, (scale[row] * weights * scale[column]).astype(numpy.float32)
