"""gcn, sgc and gat: the published sizes, twins that agree, trainings that learn, the published ends of training."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy
import pytest

from harness.worker.data import Graph
from tests.conftest import REPOSITORY
from tests.models.asking import answer_of
from tests.models.importable import module_of

MODELS = ("gcn", "sgc", "gat")
# On Cora, 1,433 words and 7 classes, from the papers' sections on their experiments.
PARAMETERS = {
    "gcn": 1433 * 16 + 16 * 7,
    "sgc": 1433 * 7 + 7,
    # Eight heads of 8, then one of 7; of each head: its map, the two halves of its a with the biases
    # that only the published code has, and its bias.
    "gat": 8 * (1433 * 8 + 2 * 8 + 2 + 8) + (64 * 7 + 2 * 7 + 2 + 7),
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("graphs")


@pytest.fixture(scope="module")
def told(environment_python: Callable[[str], Path], folder: Path) -> dict[str, dict[str, Any]]:
    return {
        framework: probe(environment_python(environment), framework, folder)
        for framework, environment in (("torch", "torch-2.13"), ("tensorflow", "tf-2.21"))
    }


def probe(python: Path, framework: str, folder: Path) -> dict[str, Any]:
    script = Path(__file__).with_name("probe_graph.py")
    found: dict[str, Any] = answer_of(python, str(script), str(REPOSITORY), str(folder), framework)
    return found


@pytest.mark.parametrize("model", MODELS)
def test_both_have_the_published_number_of_parameters(told: dict[str, dict[str, Any]], model: str) -> None:
    assert {found[model]["parameters"] for found in told.values()} == {PARAMETERS[model]}


@pytest.mark.parametrize("model", MODELS)
def test_the_twins_agree_from_the_same_weights(told: dict[str, dict[str, Any]], folder: Path, model: str) -> None:
    assert told
    with numpy.load(folder / f"torch-{model}.npz") as ours, numpy.load(folder / f"tensorflow-{model}.npz") as theirs:
        assert sorted(ours) == sorted(theirs)
        apart = {name: float(numpy.abs(ours[name] - theirs[name]).max()) for name in ours}
        scale = {name: float(numpy.abs(ours[name]).max()) for name in ours}
    assert apart.pop("logits") <= 1e-5 * scale.pop("logits")
    rounding = 1e-6 * max(scale.values())  # one bias of gat's last layer has no gradient besides
    assert all(apart[name] <= 1e-4 * scale[name] + rounding for name in scale), (apart, scale)


@pytest.mark.parametrize("model", MODELS)
def test_three_steps_of_training_agree(told: dict[str, dict[str, Any]], model: str) -> None:
    """The fourth loss is the first after three updates."""
    ours, theirs = (told[framework][model]["steps"] for framework in ("torch", "tensorflow"))
    assert ours == pytest.approx(theirs, rel=1e-4)
    assert len(set(ours)) == 4


@pytest.mark.parametrize("framework", ["torch", "tensorflow"])
@pytest.mark.parametrize("model", MODELS)
def test_a_short_training_learns(told: dict[str, dict[str, Any]], model: str, framework: str) -> None:
    found = told[framework][model]
    losses = found["losses"]
    assert numpy.mean(losses[-4:]) < 0.95 * numpy.mean(losses[:4])
    assert len(found["accuracy"]) == 1
    assert len(set(found["weights"])) == 2


def part_of(model: str, name: str) -> Any:
    """A module that the twins share."""
    return module_of(REPOSITORY / "models" / model, name)


def test_propagation_is_the_normalised_adjacency() -> None:
    edges = numpy.array([(0, 1), (1, 0), (1, 2), (2, 1), (3, 3)])  # a path, and a node that cites itself alone
    pairs, values = part_of("gcn", "propagation").propagation(Graph(4, 0, edges, edges[:0]))
    dense = numpy.zeros((4, 4))
    dense[pairs[:, 0], pairs[:, 1]] = values
    adjacency = numpy.array([[1, 1, 0, 0], [1, 1, 1, 0], [0, 1, 1, 0], [0, 0, 0, 2]])
    degrees = adjacency.sum(axis=1)
    assert dense == pytest.approx(adjacency / numpy.sqrt(numpy.outer(degrees, degrees)))


def test_the_words_of_a_publication_sum_to_one_or_there_are_none() -> None:
    entries = numpy.array([(0, 2), (0, 4), (2, 1)])
    places, values = part_of("gat", "propagation").words(Graph(3, 5, entries[:0], entries))
    assert places.tolist() == entries.tolist()
    assert values.tolist() == [0.5, 0.5, 1.0]


def test_every_node_attends_to_itself_and_to_each_neighbour_once() -> None:
    edges = numpy.array([(0, 1), (1, 0), (2, 2)])
    pairs = part_of("gat", "neighbourhood").neighbourhood(Graph(3, 0, edges, edges[:0]))
    assert pairs.tolist() == [[0, 0], [0, 1], [1, 0], [1, 1], [2, 2]]


def test_gcn_stops_where_the_loss_is_above_the_mean_of_the_ten_before() -> None:
    falling = [2.0 - 0.1 * epoch for epoch in range(12)]
    stopping = part_of("gcn", "stopping")
    assert not stopping.has_risen(falling, 10)
    assert not stopping.has_risen([*falling[:10], 9.0], 10)  # the eleventh epoch is never the last
    assert stopping.has_risen([*falling[:11], 9.0], 10)
    assert not stopping.has_risen([*falling, 1.3], 10)  # above the one before, below the mean
    assert stopping.has_risen([*falling, 1.4], 10)


def test_gat_keeps_weights_where_both_are_at_best_and_waits_for_either() -> None:
    patience = part_of("gat", "patience").Patience(2)
    epochs = [(0.5, 1.0), (0.5, 1.1), (0.6, 1.2), (0.4, 0.9), (0.6, 0.9), (0.5, 1.0), (0.5, 0.91)]
    kept = [(patience.keeps(*epoch), patience.exhausted) for epoch in epochs]
    assert [keeps for keeps, _ in kept] == [True, False, False, False, True, False, False]
    assert [exhausted for _, exhausted in kept] == [False] * 6 + [True]
