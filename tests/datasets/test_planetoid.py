"""Cora and Citeseer, from Planetoid's pickles: known counts, and nothing is unpickled that is not known."""

from __future__ import annotations

import os
import pickle
from pathlib import Path
from typing import Any

import numpy
import pytest

from harness.core.errors import HarnessError
from harness.datasets import describe
from harness.datasets.planetoid import unpickle
from harness.worker.data import Data, open_data
from tests.datasets.test_prepare import prepare

ROOTS = [Path(root) for root in os.environ.get("HARNESS_DATA_DIR", "").split(os.pathsep) if root]
needs_files = pytest.mark.skipif(
    not any((root / "planetoid").is_dir() for root in ROOTS), reason="no planetoid/ under HARNESS_DATA_DIR"
)


class Bomb:
    """Unpickled, it leaves a mark."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (self.mark,)


def open_prepared(name: str, cache: Path) -> Data:
    prepared = prepare(name, cache, *ROOTS)
    return open_data({"path": str(prepared.path), "manifest": prepared.manifest})


@needs_files
@pytest.mark.parametrize(
    ("name", "nodes", "words", "edges", "loops", "classes", "train"),
    [("cora", 2708, 1433, 5278, 0, 7, 140), ("citeseer", 3327, 3703, 4552, 124, 6, 120)],
)
def test_a_graph_has_its_known_counts(
    tmp_path: Path, name: str, nodes: int, words: int, edges: int, loops: int, classes: int, train: int
) -> None:
    data = open_prepared(name, tmp_path)
    graph = data.graph
    assert graph
    assert (graph.nodes, graph.features, data.classes) == (nodes, words, classes)
    assert len(graph.edges) == 2 * edges + loops
    assert (graph.edges[:, 0] == graph.edges[:, 1]).sum() == loops
    assert {(b, a) for a, b in graph.edges.tolist()} == set(map(tuple, graph.edges.tolist()))
    assert {split: len(y) for split, (_, y) in data.arrays.items()} == {"train": train, "val": 500, "test": 1000}
    every = numpy.concatenate([x for x, _ in data.arrays.values()])
    assert len(numpy.unique(every)) == len(every)
    assert numpy.bincount(data.arrays["train"][1]).tolist() == [20] * classes
    without_words = nodes - len(numpy.unique(graph.entries[:, 0]))
    assert without_words == {"cora": 0, "citeseer": 15}[name]


@needs_files
def test_the_manifest_is_the_same_twice_and_covers_the_graph(tmp_path: Path) -> None:
    first, second = prepare("cora", tmp_path / "a", *ROOTS), prepare("cora", tmp_path / "b", *ROOTS)
    assert first.manifest == second.manifest == prepare("cora", tmp_path / "a", *ROOTS, verify=True).manifest
    edges = first.path / "edges.npy"
    numpy.save(edges, numpy.load(edges)[:-1])
    with pytest.raises(HarnessError, match=r"edges\.npy: expected sha256"):
        prepare("cora", tmp_path / "a", *ROOTS)


def test_a_changed_file_is_refused_before_it_is_unpickled(tmp_path: Path) -> None:
    mark, root = tmp_path / "mark", tmp_path / "root" / "planetoid"
    root.mkdir(parents=True)
    bomb = pickle.dumps(Bomb(mark), protocol=2)
    for file in describe("cora").files:
        (root / file.name).write_bytes(bomb)
    with pytest.raises(HarnessError, match=r"ind\.cora\.x: expected sha256 23cfa55d"):
        prepare("cora", tmp_path / "cache", tmp_path / "root")
    assert not mark.exists()
    pickle.loads(bomb)
    assert mark.exists(), "the bomb must be one"


def test_an_object_that_no_graph_holds_is_not_unpickled(tmp_path: Path) -> None:
    mark = tmp_path / "mark"
    with pytest.raises(pickle.UnpicklingError, match="has no place in a graph"):
        unpickle(pickle.dumps(Bomb(mark), protocol=2))
    assert not mark.exists()
