"""nano-gpt: the published size, twins that train alike, the rate of train.py."""

from __future__ import annotations

import json
import sys
import tomllib
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy
import pytest

from tests.models.asking import answer_of

MODELS = Path(__file__).parents[2] / "models"
RECIPES = tomllib.loads((MODELS / "nano-gpt" / "model.toml").read_text())["recipes"]
PUBLISHED: dict[str, Any] = RECIPES["tinyshakespeare"]["hyperparameters"]
SMALL = {**PUBLISHED, "epochs": 2, "steps_per_epoch": 15, "block_size": 16, "width": 32, "layers": 2, "eval_batches": 3}


@pytest.fixture(scope="module")
def recipe() -> ModuleType:
    sys.path.insert(0, str(MODELS / "nano-gpt"))
    try:
        return import_module("recipe")
    finally:
        sys.path.pop(0)
        sys.modules.pop("recipe", None)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("gpt")


@pytest.fixture(scope="module")
def told(environment_python: Callable[[str], Path], folder: Path) -> dict[str, dict[str, Any]]:
    return {
        "pytorch": probe(environment_python("torch-2.13"), "pytorch", folder),
        "tf": probe(environment_python("tf-2.21"), "tf", folder),
    }


def probe(python: Path, file: str, folder: Path) -> dict[str, Any]:
    script = Path(__file__).with_name("probe_gpt.py")
    said: dict[str, Any] = answer_of(python, str(script), str(MODELS), file, json.dumps(SMALL), str(folder))
    return said


def test_it_has_the_published_size(recipe: ModuleType) -> None:
    weights = recipe.first_weights(65, PUBLISHED, seed=0)
    counted = sum(each.size for name, each in weights.items() if name != "wpe")  # as model.py counts them
    assert f"{counted / 1e6:.2f}M" == "0.80M"


def test_the_twins_agree_from_the_same_weights(told: dict[str, dict[str, Any]], folder: Path) -> None:
    assert told
    with numpy.load(folder / "pytorch.npz") as ours, numpy.load(folder / "tf.npz") as theirs:
        assert sorted(ours) == sorted(theirs)
        apart = {name: float(numpy.abs(ours[name] - theirs[name]).max() / numpy.abs(ours[name]).max()) for name in ours}
    assert apart.pop("logits") <= 1e-5
    assert max(apart.values()) <= 1e-4, apart


def test_three_steps_of_training_agree(told: dict[str, dict[str, Any]]) -> None:
    """The fourth loss is the first after three updates."""
    assert told["pytorch"]["losses"][:4] == pytest.approx(told["tf"]["losses"][:4], rel=1e-4)


def test_the_twins_train_alike(told: dict[str, dict[str, Any]]) -> None:
    torch, tensorflow = told["pytorch"], told["tf"]
    assert torch["parameters"] == tensorflow["parameters"]
    assert torch["sums"] == tensorflow["sums"]
    assert len(torch["losses"]) == 30
    assert torch["losses"][0] == pytest.approx(tensorflow["losses"][0], rel=1e-5)
    assert numpy.allclose(torch["losses"], tensorflow["losses"], rtol=1e-3)
    assert torch["val_loss"] == pytest.approx(tensorflow["val_loss"], rel=1e-3)


def test_training_lowers_the_loss(told: dict[str, dict[str, Any]]) -> None:
    for said in told.values():
        assert said["losses"][0] == pytest.approx(numpy.log(27), abs=0.1)  # knows nothing yet
        assert said["losses"][-1] < said["losses"][0] - 0.1


def test_the_rate_rises_for_a_hundred_steps_and_falls_to_a_tenth(recipe: ModuleType) -> None:
    rates = [recipe.learning_rate(step, PUBLISHED) for step in range(2001)]
    assert rates[0] == pytest.approx(1e-3 / 101)
    assert max(rates) == rates[100] == pytest.approx(1e-3)
    assert rates[100:] == sorted(rates[100:], reverse=True)
    assert rates[2000] == pytest.approx(1e-4)


def test_the_stated_flops_are_three_forward_passes() -> None:
    width, block, layers = PUBLISHED["width"], PUBLISHED["block_size"], PUBLISHED["layers"]
    for name, classes in (("names", 27), ("tinyshakespeare", 65)):
        matrices = layers * 12 * width**2 + classes * width
        attention = layers * 2 * block * width
        assert RECIPES[name]["flops_per_sample"] == pytest.approx(6 * block * (matrices + attention), rel=0.01)
