"""What holds of every model on the shelf in each of its frameworks: one shortened training, by the real worker.

A new model needs one entry in ``SLICES`` and, with two frameworks, one in ``TWINS``.  Those of the
family ``imagenet`` need neither: test_shelf.py compares their twins, and a few stand for the
training that all share.
"""

from __future__ import annotations

import ast
import json
import math
import os
import re
import shutil
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from harness.wire import MODEL_FILES
from tests.conftest import REPOSITORY, Workspace

HERE = Path(__file__).relative_to(REPOSITORY)
SHELF = REPOSITORY / "models"
MODELS = {path.parent.name: tomllib.loads(path.read_text()) for path in sorted(SHELF.glob("*/model.toml"))}


def families(model: str) -> list[str]:
    family = MODELS[model].get("family", [])
    return [family] if isinstance(family, str) else list(family)


def frameworks(model: str) -> list[str]:
    folders = [SHELF / name for name in (model, *families(model))]
    return [name for name, file in MODEL_FILES.items() if any((folder / file).is_file() for folder in folders)]


MOST_OF_IMAGENET = 3
IMAGENET = {model for model in MODELS if "imagenet" in families(model)}


@dataclass(frozen=True, kw_only=True)
class Slice:
    """A part of a training that takes seconds: hyper-parameters of model.toml, made smaller."""

    cut: Mapping[str, float]
    recipe: str = ""  # the default one unless given
    needs: str = ""  # a folder under HARNESS_DATA_DIR, where the data set is not fetched as a package
    repeated: bool = False  # cheap enough to be run twice: the same seed must end in the same weights
    plays: bool = False  # makes its own data: twins see other batches, and a loss need not fall


SLICES = {
    "char-mlp": Slice(cut={"epochs": 2, "steps_per_epoch": 500, "graph_steps": 500, "hidden": 40}, repeated=True),
    "char-wavenet": Slice(cut={"epochs": 2, "steps_per_epoch": 300, "graph_steps": 300, "hidden": 24}),
    "fashion-cnn": Slice(cut={"epochs": 2, "val_share": 0.9, "filters": 4, "hidden": 16}),
    "gat": Slice(cut={"epochs": 30, "hidden": 4, "heads": 4, "learning_rate": 0.02}, needs="planetoid"),
    "gcn": Slice(cut={"epochs": 20}, needs="planetoid", repeated=True),
    "mc-dropout": Slice(cut={"epochs": 4, "epochs_multiplier": 2, "passes": 100}),
    "nano-gpt": Slice(
        cut={"epochs": 2, "steps_per_epoch": 25, "layers": 1, "width": 32, "warmup_steps": 5, "eval_batches": 3}
    ),
    "ppo": Slice(cut={"epochs": 2, "updates_per_epoch": 2}, plays=True),  # that it learns: test_ppo.py
    # For all image models: real photographs, at a size that takes seconds.
    "resnet18": Slice(
        recipe="sample",
        cut={"epochs": 2, "image_size": 32, "eval_resize": 32, "eval_size": 32, "batch_size": 40},
    ),
    "sentence-cnn": Slice(cut={"epochs": 2, "filters": 5, "dimensions": 30, "batch_size": 200}, needs="sentence_cnn"),
    "sgc": Slice(cut={"epochs": 20}, needs="planetoid"),
    "softmax": Slice(cut={"epochs": 3}, repeated=True),
    "ts-fcn": Slice(cut={"epochs": 3}),  # made twice in tests/commands/test_frameworks.py
    "ts-mlp": Slice(cut={"epochs": 8}),
    "ts-resnet": Slice(cut={"epochs": 3}),
}
TRAINED = [(model, framework) for model in MODELS if model in SLICES for framework in frameworks(model)]
BOTH = [model for model in MODELS if {"torch", "tensorflow"} <= set(frameworks(model))]


@dataclass(frozen=True, kw_only=True)
class Twin:
    """Where tests/models compares the twins from the same weights: logits, first gradient, three updates.

    ``apart`` is how far, relative, the losses after three updates may lie apart.
    """

    module: str
    logits: str = "test_the_twins_agree_from_the_same_weights"
    gradient: str = "test_the_twins_agree_from_the_same_weights"
    steps: str = "test_three_steps_of_training_agree"
    apart: float = 1e-4


CHAR = Twin(
    module="test_char.py",
    logits="test_the_twins_agree_from_the_same_random_numbers",
    gradient="test_the_twins_agree_from_the_same_random_numbers",
    steps="test_a_thousand_steps_stay_together_and_lower_the_loss",
    apart=5e-5,
)
GRAPH = Twin(module="test_graph.py")
TIME_SERIES = Twin(module="test_ts.py")


def cnn(test: str) -> Twin:
    return Twin(module="test_cnn.py", logits=test, gradient=test, steps=test)


TWINS = {
    "char-mlp": CHAR,
    "char-wavenet": CHAR,
    "fashion-cnn": cnn("test_the_images_twins_train_alike"),
    "gat": GRAPH,
    "gcn": GRAPH,
    "mc-dropout": Twin(
        module="test_mc_dropout.py",
        logits="test_the_twins_train_alike",
        gradient="test_the_twins_train_alike",
        steps="test_the_twins_train_alike",
    ),
    "nano-gpt": Twin(module="test_nano_gpt.py"),
    "ppo": Twin(module="test_ppo.py", steps="test_the_twins_agree_from_the_same_weights"),
    "resnet50": Twin(module="test_resnet50.py", gradient="test_the_first_gradient_agrees", apart=1e-3),
    "sentence-cnn": cnn("test_the_sentences_twins_train_alike"),
    "sgc": GRAPH,
    "ts-fcn": TIME_SERIES,
    "ts-mlp": TIME_SERIES,
    "ts-resnet": TIME_SERIES,
}


def test_every_model_has_its_slice() -> None:
    missing, gone = sorted(MODELS.keys() - IMAGENET - SLICES.keys()), sorted(SLICES.keys() - MODELS)
    assert not missing, f"add {missing} to SLICES in {HERE}: hyper-parameters that train it in seconds"
    assert not gone, f"remove {gone} from SLICES in {HERE}: no such model is on the shelf"


def test_a_few_stand_for_the_training_that_the_imagenet_models_share() -> None:
    standing = sorted(IMAGENET & SLICES.keys())
    assert len(standing) <= MOST_OF_IMAGENET, f"{standing}: each takes a minute, and all train by the same code"
    if any("sample" in MODELS[model]["recipes"] for model in IMAGENET):
        assert any(SLICES[model].recipe == "sample" for model in standing), f"add one of them to SLICES in {HERE}"


def test_every_model_with_two_frameworks_is_compared_with_its_twin() -> None:
    missing, gone = sorted(set(BOTH) - IMAGENET - TWINS.keys()), sorted(TWINS.keys() - BOTH)
    assert not missing, f"add {missing} to TWINS in {HERE}: the tests that compare logits, gradient and three updates"
    assert not gone, f"remove {gone} from TWINS in {HERE}: they have one framework"


@pytest.mark.parametrize("model", sorted(TWINS))
def test_the_comparison_of_the_twins_is_there(model: str) -> None:
    twin = TWINS[model]
    path = Path(__file__).with_name(twin.module)
    found = {each.name for each in ast.parse(path.read_text()).body if isinstance(each, ast.FunctionDef)}
    assert {twin.logits, twin.gradient, twin.steps} <= found, path
    assert f'"{model}"' in path.read_text(), f"{path} says nothing of {model}"
    assert twin.apart <= 1e-3


Records = dict[str, dict[str, Any]]  # by framework
Trained = Callable[[str], Records]


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Trained:
    """The records of a model's slice, made at the first call: one worker for each of its frameworks."""
    made: dict[str, Records] = {}

    def records(model: str) -> Records:
        if model not in made:
            made[model] = train(Workspace(tmp_path_factory.mktemp(model)), model)
        return made[model]

    return records


def train(workspace: Workspace, model: str) -> Records:
    """Run the slice of ``model``: its recipe shortened, all else as it is."""
    assert model in SLICES, f"add {model!r} to SLICES in {HERE}"
    chosen, roots = SLICES[model], os.environ.get("HARNESS_DATA_DIR", "").split(os.pathsep)
    if chosen.needs and not any((Path(root) / chosen.needs).is_dir() for root in roots if root):
        pytest.skip(f"no {chosen.needs}/ under HARNESS_DATA_DIR")
    shadow(workspace, model, chosen)
    once = ("--seed", "0", "--max-seeds", "1", "--threads", "1", "--json")
    ended = workspace.harness("run", model, "--recipe", recipe_of(model), *once)
    assert ended.stdout.strip(), ended.stderr
    folders = [Path(run["path"]) for run in ended.json["runs"]]
    records: list[dict[str, Any]] = [json.loads((folder / "record.json").read_text()) for folder in folders]
    for record, folder in zip(records, folders, strict=True):
        assert record["status"] == "finished", record["reason"] + (folder / "worker.log").read_text()[-2000:]
    return {record["job"]["framework"]: record for record in records}


def recipe_of(model: str) -> str:
    return SLICES[model].recipe or str(MODELS[model]["default_recipe"])


def stated(model: str) -> dict[str, Any]:
    """The recipe of the slice, with what it takes from the one that it extends."""
    recipes = MODELS[model]["recipes"]
    recipe = recipes[recipe_of(model)]
    return {**recipes.get(recipe.get("extends"), {}), **recipe}


def shadow(workspace: Workspace, model: str, chosen: Slice) -> None:
    folder = workspace.root / "models" / model
    shutil.copytree(SHELF / model, folder, ignore=shutil.ignore_patterns("__pycache__"))
    text = (folder / "model.toml").read_text()
    for name, value in chosen.cut.items():
        text, count = re.subn(rf"^{name} = [^ \n]+", f"{name} = {value}", text, flags=re.MULTILINE)
        assert count, f"{model}/model.toml has no {name}"
    (folder / "model.toml").write_text(text)


@pytest.mark.parametrize(("model", "framework"), TRAINED)
def test_a_training_leaves_a_complete_record(trained: Trained, model: str, framework: str) -> None:
    record = trained(model)[framework]
    recipe = stated(model)
    digests = record["digests"]
    assert set(digests) >= {"code", "environment", "first_batches", "weights_initial", "weights_final"}
    assert all(digests.values()), digests
    assert digests["weights_initial"] != digests["weights_final"]
    assert record["parameters"] > 0
    assert set(record["metrics"]) == {metric["name"] for metric in recipe["metrics"]}
    assert all(math.isfinite(value) for value in record["metrics"].values())
    if "dataset" in recipe:
        assert record["data"]["name"] == recipe["dataset"]
        assert digests["data"]
    assert record["machine"]["cpu"]
    assert record["packages"]["numpy"]
    assert record["settings"]["seed"] == 0
    assert record["measurement"]["samples_per_second"] > 0
    assert record["deterministic"] is not False, record["determinism_notes"]
    assert record["garbled_lines"] == 0


@pytest.mark.parametrize(("model", "framework"), TRAINED)
def test_the_loss_of_every_epoch_is_kept_and_falls(trained: Trained, model: str, framework: str) -> None:
    epochs, losses = zip(*trained(model)[framework]["curves"]["loss"], strict=True)
    assert list(epochs) == list(range(int(SLICES[model].cut["epochs"])))
    assert all(math.isfinite(loss) for loss in losses)
    if SLICES[model].plays:
        return
    half = len(losses) // 2
    assert sum(losses[-half:]) < sum(losses[:half])
    assert all(after < 2 * before for before, after in pairwise(losses))  # and never far up again


@pytest.mark.parametrize("model", [model for model in BOTH if model in SLICES])
def test_the_twins_count_the_same_parameters_and_see_the_same_batches(trained: Trained, model: str) -> None:
    torch, tensorflow = (trained(model)[framework] for framework in ("torch", "tensorflow"))
    assert torch["parameters"] == tensorflow["parameters"]
    for name in ("code", "data", "first_batches"):
        if not SLICES[model].plays:
            assert torch["digests"][name] == tensorflow["digests"][name], name


@pytest.mark.parametrize("model", [model for model, chosen in SLICES.items() if chosen.repeated])
def test_the_same_seed_ends_in_the_same_weights(trained: Trained, tmp_path: Path, model: str) -> None:
    again = train(Workspace(tmp_path), model)
    for framework, record in trained(model).items():
        assert again[framework]["digests"] == record["digests"], framework
        assert again[framework]["curves"]["loss"] == record["curves"]["loss"], framework
