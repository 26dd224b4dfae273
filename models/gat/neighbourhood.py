"""Who attends to whom, for both frameworks."""

from __future__ import annotations

from typing import Any

import numpy


def neighbourhood(graph: Any) -> numpy.ndarray:
    """(node, neighbour), int64 [pairs, 2], sorted; every node is in its own neighbourhood: section 2.1."""
    itself = numpy.arange(graph.nodes)
    return numpy.unique(numpy.concatenate([graph.edges, numpy.stack([itself, itself], axis=1)]), axis=0)
