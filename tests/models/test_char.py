"""The character models: published sizes and first losses, twins that agree from the same random numbers."""

from __future__ import annotations

import ast
import json
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy
import pytest

from tests.conftest import REPOSITORY
from tests.datasets.test_prepare import prepare_names
from tests.models.asking import answer_of
from tests.models.rounding import workspace

MODELS = REPOSITORY / "models"
PARAMETERS = {"char-mlp": 12_097, "char-wavenet": 76_579}  # printed by the notebooks
FIRST_LOSS = {"char-mlp": "3.3239", "char-wavenet": "3.3167"}


@pytest.fixture(scope="module", params=sorted(PARAMETERS))
def model(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def folder(model: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The training split of the names and the recipe's hyper-parameters."""
    folder = tmp_path_factory.mktemp("char")
    prepared = prepare_names(folder / "cache")
    for axis in "xy":
        (folder / f"train_{axis}.npy").symlink_to(prepared.path / f"train_{axis}.npy")
    (folder / "hparams.json").write_text(json.dumps(hparams(model)))
    return folder


@pytest.fixture(scope="module")
def torch_told(environment_python: Callable[[str], Path], folder: Path, model: str) -> dict[str, Any]:
    return probe(environment_python("torch-2.13"), "probe_char_torch.py", folder, model)


@pytest.fixture(scope="module")
def tf_told(
    environment_python: Callable[[str], Path], folder: Path, model: str, torch_told: dict[str, Any]
) -> dict[str, Any]:
    assert torch_told  # it has written its gradients
    return probe(environment_python("tf-2.21"), "probe_char_tf.py", folder, model)


def hparams(model: str) -> dict[str, Any]:
    told: dict[str, Any] = tomllib.loads((MODELS / model / "model.toml").read_text())
    found: dict[str, Any] = told["recipes"]["names"]["hyperparameters"]
    return found


def probe(python: Path, script: str, folder: Path, model: str) -> dict[str, Any]:
    path = Path(__file__).with_name(script)
    told: dict[str, Any] = answer_of(python, str(path), str(MODELS), str(folder), model)
    return told


def test_both_have_the_published_number_of_parameters(
    model: str, torch_told: dict[str, Any], tf_told: dict[str, Any]
) -> None:
    assert (torch_told["parameters"], tf_told["parameters"]) == (PARAMETERS[model], PARAMETERS[model])


def test_what_pytorch_draws_is_drawn_without_it(torch_told: dict[str, Any]) -> None:
    assert torch_told["integers"]
    assert torch_told["normals"] <= 2e-6  # a few units in the last place of numbers up to five


def test_the_first_loss_is_the_published_one(model: str, torch_told: dict[str, Any], tf_told: dict[str, Any]) -> None:
    assert f"{torch_told['losses'][0]:.4f}" == FIRST_LOSS[model] == f"{hparams(model)['published_step_losses'][0]:.4f}"
    assert f"{tf_told['losses'][0]:.4f}" == FIRST_LOSS[model]


def test_the_twins_agree_from_the_same_random_numbers(torch_told: dict[str, Any], tf_told: dict[str, Any]) -> None:
    assert tf_told["same rows"]
    assert tf_told["losses"][0] == pytest.approx(torch_told["losses"][0], rel=1e-5)
    assert tf_told["gradients"] <= 1e-4


def test_a_thousand_steps_stay_together_and_lower_the_loss(torch_told: dict[str, Any], tf_told: dict[str, Any]) -> None:
    ours, theirs = numpy.array(tf_told["losses"]), numpy.array(torch_told["losses"])
    assert len(ours) == len(theirs) == 1000
    assert numpy.abs(ours - theirs).max() <= 5e-5  # they would print the same four decimals
    assert theirs[-100:].mean() < theirs[:100].mean() - 0.1


def test_the_copy_that_measures_rounding_is_nudged_and_tells_its_losses(model: str, tmp_path: Path) -> None:
    text = (workspace(tmp_path, model) / "models" / model / "tf.py").read_text()
    ast.parse(text)
    assert text.index("def nudged(") < text.index("    nudged(model.trainable_weights)\n    run.weights(")
    assert text.endswith('    print("printed", kept["printed"], flush=True)\n')
