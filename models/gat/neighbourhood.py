"""The graph as both frameworks get it: a sparse matrix of words, and who attends to whom."""

from __future__ import annotations

from typing import Any, Tuple

import numpy

Entries = Tuple[numpy.ndarray, numpy.ndarray]  # int64 [entries, 2], sorted by rows; float32 [entries]


def words(graph: Any) -> Entries:
    """The features [nodes, features]: the words of a publication, each row divided by its sum."""
    node = graph.entries[:, 0]
    counts = numpy.bincount(node, minlength=graph.nodes)
    return numpy.array(graph.entries), (1.0 / counts[node]).astype(numpy.float32)


def neighbourhood(graph: Any) -> numpy.ndarray:
    """(node, neighbour), int64 [pairs, 2], sorted; every node is in its own neighbourhood: section 2.1."""
    itself = numpy.arange(graph.nodes)
    return numpy.unique(numpy.concatenate([graph.edges, numpy.stack([itself, itself], axis=1)]), axis=0)
