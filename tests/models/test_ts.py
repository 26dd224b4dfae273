"""ts-mlp, ts-fcn and ts-resnet: the published sizes, twins that agree, trainings that learn, recipes as published."""

from __future__ import annotations

import tomllib
from collections.abc import Callable
from pathlib import Path
from statistics import stdev
from typing import Any

import numpy
import pytest

from tests.conftest import REPOSITORY
from tests.datasets.test_prepare import prepare
from tests.models.asking import answer_of

MODELS = ("ts-mlp", "ts-fcn", "ts-resnet")
# With GunPoint's 150 points and two classes: kernels and biases of the papers' figure 1, and two numbers a norm.
PARAMETERS = {
    "ts-mlp": 151 * 500 + 2 * 501 * 500 + 501 * 2,
    "ts-fcn": (8 + 3) * 128 + (128 * 5 + 3) * 256 + (256 * 3 + 3) * 128 + 129 * 2,
    "ts-resnet": 64 * ((8 + 3) + (64 * 5 + 3) + (64 * 3 + 3) + (1 + 3))
    + 128 * ((64 * 8 + 3) + (128 * 5 + 3) + (128 * 3 + 3) + (64 + 3))
    + 128 * ((128 * 8 + 3) + (128 * 5 + 3) + (128 * 3 + 3) + 2)
    + 129 * 2,
}
LARGEST_BATCH = {"ts-mlp": 16, "ts-fcn": 16, "ts-resnet": 64}
SAMPLES = {"italy-power-demand": 67, "gunpoint": 50, "arrowhead": 36, "osuleaf": 200, "adiac": 390}

Told = dict[str, dict[str, Any]]  # by model


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("series")


@pytest.fixture(scope="module")
def torch_told(environment_python: Callable[[str], Path], folder: Path) -> Told:
    return probe(environment_python("torch-2.13"), "torch", folder)


@pytest.fixture(scope="module")
def tf_told(environment_python: Callable[[str], Path], folder: Path, torch_told: Told) -> Told:
    assert torch_told  # it has written the weights
    return probe(environment_python("tf-2.21"), "tensorflow", folder)


def probe(python: Path, framework: str, folder: Path) -> Told:
    data = prepare("ucr-gunpoint", folder / "data").path
    script = Path(__file__).with_name("probe_ts.py")
    told: Told = answer_of(python, str(script), str(REPOSITORY / "models"), str(data), str(folder), framework)
    return told


def recipes_of(model: str) -> dict[str, dict[str, Any]]:
    toml = (REPOSITORY / "models" / model / "model.toml").read_text()
    recipes: dict[str, dict[str, Any]] = tomllib.loads(toml)["recipes"]
    return recipes


@pytest.mark.parametrize("model", MODELS)
def test_both_have_as_many_parameters_as_the_paper_draws(torch_told: Told, tf_told: Told, model: str) -> None:
    assert torch_told[model]["parameters"]["ucr-gunpoint"] == PARAMETERS[model]
    assert tf_told[model]["parameters"] == torch_told[model]["parameters"]


@pytest.mark.parametrize("model", MODELS)
def test_the_stated_flops_are_three_forward_passes(torch_told: Told, model: str) -> None:
    for name, recipe in recipes_of(model).items():
        assert recipe["flops_per_sample"] == pytest.approx(3 * torch_told[model]["forward_flops"][name], rel=0.01), name


@pytest.mark.parametrize("model", MODELS)
def test_the_twins_agree_from_the_same_weights(tf_told: Told, model: str) -> None:
    assert tf_told[model]["logits"] <= 1e-5
    assert tf_told[model]["gradient"] <= 1e-4


@pytest.mark.parametrize("model", MODELS)
def test_three_steps_of_training_agree(torch_told: Told, tf_told: Told, model: str) -> None:
    """In single precision.  The fourth loss is the first after three updates."""
    ours, theirs = (told[model]["losses"][:4] for told in (torch_told, tf_told))
    assert ours == pytest.approx(theirs, rel=1e-4)
    assert len(set(ours)) == 4


@pytest.mark.parametrize("model", MODELS)
def test_both_learn_gunpoint(torch_told: Told, tf_told: Told, model: str) -> None:
    for told in (torch_told, tf_told):
        losses = numpy.reshape(told[model]["losses"], (-1, 10))  # epochs of ten steps
        assert losses[-1].mean() < 0.9 * losses[0].mean()


@pytest.mark.parametrize("model", MODELS)
def test_batches_are_a_tenth_of_the_training_set_up_to_the_published_size(model: str) -> None:
    sizes = {name: recipe["hyperparameters"]["batch_size"] for name, recipe in recipes_of(model).items()}
    expected = {f"ucr-{name}": int(min(samples / 10, LARGEST_BATCH[model])) for name, samples in SAMPLES.items()}
    assert sizes == expected


@pytest.mark.parametrize("model", MODELS)
def test_margins_are_two_standard_deviations_of_the_published_runs(model: str) -> None:
    baseline = tomllib.loads((REPOSITORY / "baselines" / f"{model}.toml").read_text())["reference"]
    recipes = recipes_of(model)
    published = {each["recipe"]: each for each in baseline if each["kind"] == "published"}
    assert set(published) == set(recipes)
    for name, reference in published.items():
        if (model, name) != ("ts-fcn", "ucr-gunpoint"):  # at the ceiling: no spread
            margin = recipes[name]["metrics"][0]["margin"]
            assert len(reference["values"]) == 10
            assert margin == pytest.approx(2 * stdev(reference["values"]), rel=0.04), name
