"""Planetoid's files of a citation graph into arrays.  Of their pickles nothing runs but what stands here.

Whoever calls this has compared the files' digests with the pinned ones.
"""

from __future__ import annotations

import io
import pickle
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy
from numpy.typing import NDArray

from harness.datasets.read import Split

VALIDATION = 500  # nodes, those after the training nodes: tkipf/gcn, Kipf and Welling 2017, section 5.1

Ints = NDArray[numpy.int64]


@dataclass(frozen=True, kw_only=True)
class Graph:
    """``arrays`` are int64 [n, 2], sorted: ``edges`` (node, neighbour), each way, and ``entries`` (node, word)."""

    nodes: int
    features: int
    arrays: Mapping[str, Ints]


def read_planetoid(sources: Mapping[str, bytes]) -> tuple[dict[str, Split], Graph]:
    """Node numbers x int64 [n] and classes y int64 [n] of each split, and the graph.

    ``sources`` is by name, "ind.<set>.<part>": x and y of the training nodes, allx and ally of all nodes but
    the test nodes, tx and ty of the test nodes in the order of test.index, graph a dict of neighbours.
    Nodes that are missing from tx (15 of Citeseer) have no words and no class.
    """
    parts = {name.split(".", 2)[2]: content for name, content in sources.items()}
    y, ally, ty, allx, tx = (unpickle(parts[name]) for name in ("y", "ally", "ty", "allx", "tx"))
    test = numpy.array([int(line) for line in parts["test.index"].split()], dtype=numpy.int64)
    labels = numpy.full(int(test.max()) + 1, -1, dtype=numpy.int64)
    labels[: len(ally)] = ally.argmax(axis=1)
    labels[test] = ty.argmax(axis=1)
    rows = {
        "train": numpy.arange(len(y)),
        "val": numpy.arange(len(y), len(y) + VALIDATION),
        "test": numpy.sort(test),
    }
    entries = numpy.concatenate([_entries(allx, numpy.arange(len(ally))), _entries(tx, test)])
    graph = Graph(
        nodes=len(labels),
        features=allx.shape[1],
        arrays={"edges": _both_ways(unpickle(parts["graph"])), "entries": numpy.unique(entries, axis=0)},
    )
    return {split: (nodes, labels[nodes]) for split, nodes in rows.items()}, graph


def _entries(matrix: _Matrix, nodes: Ints) -> Ints:
    """(node, word) of every stored entry: each is a one, a word that the publication has."""
    node = numpy.repeat(nodes, numpy.diff(matrix.indptr))
    return numpy.stack([node, matrix.indices.astype(numpy.int64)], axis=1)


def _both_ways(neighbours: Mapping[int, list[int]]) -> Ints:
    """Every edge once each way, and one of a node to itself (Citeseer has 124) once."""
    pairs = numpy.array([(node, other) for node, others in neighbours.items() for other in others], dtype=numpy.int64)
    return numpy.unique(numpy.concatenate([pairs, pairs[:, ::-1]]), axis=0)


def unpickle(content: bytes) -> Any:
    """An object that Python 2 pickled.  Raises UnpicklingError where it names anything else than ``ALLOWED``."""
    return _Unpickler(io.BytesIO(content), encoding="latin1").load()


class _Matrix:
    """What scipy's csr_matrix held: it is read without scipy, whose modules moved since."""

    indptr: NDArray[numpy.int32]
    indices: NDArray[numpy.int32]
    data: NDArray[numpy.float32]
    _shape: tuple[int, int]

    @property
    def shape(self) -> tuple[int, int]:
        return self._shape


def _new_array(_kind: type, shape: tuple[int, ...], dtype: str) -> NDArray[Any]:
    """numpy's _reconstruct: an array that the pickle then fills."""
    return numpy.ndarray(shape, dtype)


ALLOWED = {
    ("__builtin__", "list"): list,
    ("collections", "defaultdict"): defaultdict,
    ("numpy", "dtype"): numpy.dtype,
    ("numpy", "ndarray"): numpy.ndarray,
    ("numpy.core.multiarray", "_reconstruct"): _new_array,
    ("scipy.sparse.csr", "csr_matrix"): _Matrix,
}


class _Unpickler(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in ALLOWED:
            raise pickle.UnpicklingError(f"{module}.{name} has no place in a graph")
        return ALLOWED[module, name]
