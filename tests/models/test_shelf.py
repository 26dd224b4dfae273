"""What holds of every model of the ImageNet family: the published size and FLOPs, and twins that agree.

A model joins by ``family = [..., "imagenet"]`` in its model.toml; ``PROBED`` has what it needs beyond that.
"""

from __future__ import annotations

import csv
import json
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeGuard

import pytest

from harness.core.values import ModelSpec
from harness.registry import Workspace, load_models
from tests.conftest import REPOSITORY, open_at

Told = dict[str, dict[str, Any]]  # by model

PUBLISHED = REPOSITORY.parent / "shared" / "published" / "imagenet.csv"


@dataclass(frozen=True, kw_only=True)
class Probed:
    """How a model is compared; what is not said is what most of them take."""

    side: int = 64  # pixels of the images that the twins see
    classes: int = 1000
    batch: int = 4
    trains: bool = True  # else its twins are compared in evaluation only, where a sibling stands for it
    published: dict[str, Any] = field(default_factory=dict)  # how the network of the published count differs


PROBED: dict[str, Probed] = {
    # The published count has no auxiliary heads; torchvision's weights were ported without them.
    "googlenet": Probed(published={"aux": False}),
    "inception_v3": Probed(side=299),  # its auxiliary head leaves no pixel of a smaller image
    "resnet101": Probed(trains=False),
    "resnet20": Probed(side=28, classes=10),
    "resnet152": Probed(trains=False),
    "vgg16_bn": Probed(trains=False),
    "wide_resnet50_2": Probed(trains=False),
}


def shelf() -> dict[str, ModelSpec]:
    """The models of the family, by name."""
    workspace: Workspace = open_at(REPOSITORY)
    models = load_models(workspace)
    return {spec.name: spec for spec in models if "imagenet" in [Path(folder).name for folder in spec.families]}


SHELF = shelf()
ON_IMAGENET = [name for name, spec in SHELF.items() if "imagenet" in spec.recipes]


@pytest.fixture(scope="module")
def folder(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Where the probes meet; ``-k`` leaves out the models that no chosen test asks for."""
    chosen = {str(item.callspec.params["model"]) for item in request.session.items if asks_for_a_model(item)}
    place = tmp_path_factory.mktemp("shelf")
    (place / "asked.json").write_text(json.dumps({name: asked(name) for name in sorted(chosen)}))
    yield place
    shutil.rmtree(place)  # gigabytes of weights


def asks_for_a_model(item: pytest.Item) -> TypeGuard[pytest.Function]:
    return isinstance(item, pytest.Function) and item.path == Path(__file__) and hasattr(item, "callspec")


def asked(name: str) -> dict[str, Any]:
    spec = SHELF[name]
    hparams = dict(spec.recipes["imagenet" if name in ON_IMAGENET else spec.default_recipe].hyperparameters)
    probed = PROBED.get(name, Probed())
    still = {"dropout": 0.0, "aux_dropout": 0.0, "stochastic_depth": 0.0}  # nothing is drawn: both compute the same
    return {
        "hparams": {**hparams, **still, "image_size": probed.side},
        "published": {**hparams, "image_size": size_of(name), **probed.published},
        "side": probed.side,
        "classes": probed.classes,
        "batch": probed.batch,
        "trains": probed.trains,
    }


def size_of(name: str) -> int:
    """Pixels a side of the images that the published FLOPs are for; where no file says so, of the recipe's."""
    if name not in ON_IMAGENET:
        return PROBED[name].side
    if PUBLISHED.is_file():
        return int(published(name)["img_size"])
    return int(SHELF[name].recipes["imagenet"].hyperparameters["image_size"])


def published(name: str) -> dict[str, str]:
    """The row of torchvision's first weights."""
    with PUBLISHED.open(newline="") as file:
        return next(row for row in csv.DictReader(file) if (row["model"], row["framework"]) == (name, "pytorch"))


@pytest.fixture(scope="module")
def torch_told(environment_python: Callable[[str], Path], folder: Path) -> Told:
    return probe(environment_python("torch-2.13"), "torch", folder)


@pytest.fixture(scope="module")
def tf_told(environment_python: Callable[[str], Path], folder: Path, torch_told: Told) -> Told:
    assert torch_told  # it has written the weights
    return probe(environment_python("tf-2.21"), "tf", folder)


def probe(python: Path, framework: str, folder: Path) -> Told:
    """One process for all models: to start TensorFlow costs as much as a model."""
    script = Path(__file__).with_name(f"probe_shelf_{framework}.py")
    variables = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "2", "OMP_NUM_THREADS": "1"}
    command = [str(python), "-s", str(script), str(REPOSITORY / "models"), str(folder)]
    ended = subprocess.run(command, capture_output=True, text=True, check=False, env=variables, timeout=1200)
    assert ended.returncode == 0, ended.stderr
    told: Told = json.loads((folder / f"{framework}.json").read_text())
    return told


def of(told: Told, name: str) -> dict[str, Any]:
    assert "error" not in told[name], told[name]["error"]
    return told[name]


needs_published = pytest.mark.skipif(not PUBLISHED.is_file(), reason=f"no {PUBLISHED}")
every_model = pytest.mark.parametrize("model", SHELF)
model_of_imagenet = pytest.mark.parametrize("model", ON_IMAGENET)
trained_model = pytest.mark.parametrize("model", [name for name in SHELF if PROBED.get(name, Probed()).trains])


@needs_published
@model_of_imagenet
def test_both_frameworks_have_the_published_number_of_parameters(torch_told: Told, tf_told: Told, model: str) -> None:
    count = int(published(model)["params"])
    assert (of(torch_told, model)["published"], of(tf_told, model)["published"]) == (count, count)


@needs_published
@model_of_imagenet
def test_a_forward_pass_has_the_published_flops(torch_told: Told, model: str) -> None:
    stated = float(published(model)["gflops"]) * 1e9  # multiply-adds
    assert of(torch_told, model)["multiply_adds"] == pytest.approx(stated, rel=0.01)


@model_of_imagenet
def test_the_stated_flops_are_three_forward_passes(torch_told: Told, model: str) -> None:
    """Of every recipe with images of the published size; a multiply-add is two operations."""
    for recipe in SHELF[model].recipes.values():
        side = recipe.hyperparameters.get("image_size", 224 if recipe.mode == "speed" else None)
        if recipe.flops_per_sample and side == size_of(model):
            counted = 6 * of(torch_told, model)["multiply_adds"]
            assert recipe.flops_per_sample == pytest.approx(counted, rel=0.01), recipe.name


@pytest.mark.parametrize("model", ["resnet20"])
def test_a_network_for_small_images_has_its_size(torch_told: Told, tf_told: Told, model: str) -> None:
    """He et al. 2016, Table 6: 0.27 million parameters."""
    counts = [of(told, model)["parameters"] for told in (torch_told, tf_told)]
    assert counts == [272_186, 272_186]
    for recipe in SHELF[model].recipes.values():
        assert recipe.flops_per_sample == pytest.approx(6 * of(torch_told, model)["multiply_adds"], rel=0.01)


@every_model
def test_the_twins_agree_from_the_same_weights(tf_told: Told, model: str) -> None:
    assert of(tf_told, model)["logits"] <= 1e-4


@trained_model
def test_the_first_step_of_training_agrees(torch_told: Told, tf_told: Told, model: str) -> None:
    """In double precision, but for the last layer: in single a ReLU at its kink makes a per cent of one gradient."""
    ours, theirs = of(tf_told, model), of(torch_told, model)
    assert ours["loss"] == pytest.approx(theirs["loss"], rel=1e-6)
    assert ours["gradient"].keys() == theirs["gradient"].keys()
    assert max(relative(ours["gradient"], theirs["gradient"])) <= 1e-6


@trained_model
def test_norms_move_their_means_alike(torch_told: Told, tf_told: Told, model: str) -> None:
    ours, theirs = of(tf_told, model)["means"], of(torch_told, model)["means"]
    assert ours.keys() == theirs.keys()
    assert max(relative(ours, theirs), default=0.0) <= 1e-6


def relative(ours: dict[str, float], theirs: dict[str, float]) -> list[float]:
    """How far each norm is apart, as a share of PyTorch's; one that is next to nothing is a share of the largest."""
    floor = 1e-4 * max(theirs.values(), default=0.0)
    return [abs(ours[name] - norm) / max(norm, floor) for name, norm in theirs.items()]
