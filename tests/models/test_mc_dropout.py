"""MC dropout: the source's splits, the paper's scores, and twins that train alike on real data."""

from __future__ import annotations

import json
import math
import sys
import tomllib
from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy
import pytest

from tests.datasets.test_prepare import prepare
from tests.models.test_resnet50 import MODELS, probe

RECIPES = tomllib.loads((MODELS / "mc-dropout" / "model.toml").read_text())["recipes"]
COMPARED = 3  # steps after which the weights are compared
STEPS = 30
ROWS = 100  # of each split, in one batch
RATES = [0.0, 0.05, 0.5]

Told = tuple[dict[str, Any], dict[str, Any]]  # of PyTorch and of TensorFlow


@pytest.fixture(scope="module")
def splits() -> Iterator[ModuleType]:
    """The module that the twins share, imported as the worker does: from the model's folder."""
    sys.path.insert(0, str(MODELS / "mc-dropout"))
    try:
        yield import_module("splits")
    finally:
        sys.path.pop(0)
        sys.modules.pop("splits", None)


@pytest.fixture(scope="module")
def told(
    splits: ModuleType, environment_python: Callable[[str], Path], tmp_path_factory: pytest.TempPathFactory
) -> Told:
    folder = tmp_path_factory.mktemp("mc-dropout")
    arrays = prepare("uci-boston", folder).path
    x, y = (numpy.load(arrays / f"train_{axis}.npy") for axis in "xy")
    parts = splits.standardise(x, y, splits.splits(len(y), len(RATES)))
    block = numpy.tile(numpy.arange(ROWS), (1, len(RATES), 1))
    numpy.savez(folder / "data.npz", x=parts.x[:, :ROWS], y=parts.y[:, :ROWS], block=block)
    hparams = RECIPES["boston"]["hyperparameters"]
    hparams = {**hparams, **{name: hparams[name][: len(RATES)] for name in ("dropout", "tau")}}
    asked = {"steps": STEPS, "compared": COMPARED, "hparams": hparams, "rates": RATES}
    (folder / "asked.json").write_text(json.dumps(asked))
    torch_told = probe(environment_python("torch-2.13"), "probe_mc_torch.py", folder)
    return torch_told, probe(environment_python("tf-2.21"), "probe_mc_tf.py", folder)


def test_a_network_has_its_number_of_parameters(told: Told) -> None:
    assert [each["parameters"] for each in told] == [len(RATES) * (13 * 50 + 50 + 50 + 1)] * 2


def test_the_twins_train_alike(told: Told) -> None:
    torch_told, tf_told = told
    assert tf_told["target"] <= 1e-5
    assert tf_told["gradients"] <= 1e-4
    assert tf_told["losses"] == pytest.approx(torch_told["losses"], rel=1e-4)
    assert tf_told["moves"] <= 0.01


def test_networks_side_by_side_train_as_each_would_alone(told: Told) -> None:
    assert told[0]["alone"] <= 1e-6  # of weights up to 0.3; batched products round otherwise


def test_a_short_training_with_dropout_lowers_the_loss(told: Told) -> None:
    for each in told:
        assert each["trained"][-1] < 0.8 * each["trained"][0]


def test_units_drop_out_at_the_rate_of_their_split_and_anew_in_every_pass(told: Told) -> None:
    for each in told:
        assert each["dropped"] == pytest.approx(RATES, abs=0.01)
        assert each["kept"] == pytest.approx([1, 1, 1], abs=0.02)
        assert each["shapes"] == [[len(RATES), 10, ROWS]] * 2
        assert each["differ"]


def test_the_splits_are_those_of_the_sources_seed(splits: ModuleType) -> None:
    found = splits.splits(506, 20)
    numpy.random.seed(1)
    for train, test in found:
        assert (len(train), len(test)) == (455, 51)
        assert (numpy.concatenate([train, test]) == numpy.random.choice(range(506), 506, replace=False)).all()


@pytest.mark.parametrize("recipe", RECIPES)
def test_every_split_has_its_dropout_and_tau(recipe: str) -> None:
    hparams = RECIPES[recipe]["hyperparameters"]
    assert (len(hparams["dropout"]), len(hparams["tau"])) == (20, 20)
    assert set(hparams["dropout"]) <= {0.005, 0.01, 0.05, 0.1}


def test_scores_are_those_of_the_paper(splits: ModuleType) -> None:
    y = numpy.array([[10.0, 12.0], [20.0, 24.0]])
    parts = splits.Parts(*[numpy.empty(0)] * 3, y, numpy.array([11.0, 20.0]), numpy.array([1.0, 2.0]))
    blocks = [numpy.array([[[0.0, 0.0]], [[0.0, 2.0]]]), numpy.array([[[0.0, 2.0]], [[0.0, 2.0]]])]
    rmse, log_likelihood = splits.scores(blocks, parts, [0.5, 2.0])
    # Predicted: 11 and 11, then 11 and 13, mean 11 and 12; and twice what is true.
    assert rmse.tolist() == pytest.approx([math.sqrt(0.5), 0])
    density = math.sqrt(0.5 / (2 * math.pi)) * math.exp(-0.25)  # one off, at precision 0.5
    assert log_likelihood.tolist() == pytest.approx([math.log(density), math.log(math.sqrt(2 / (2 * math.pi)))])
