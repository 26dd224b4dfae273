"""Every published number of the ImageNet shelf is in the collected facts, ../shared/published, and nothing else is."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from harness.core.values import ModelSpec, Reference
from harness.registry import load_baseline, load_models
from harness.wire import SPEED
from tests.conftest import REPOSITORY, open_at

PUBLISHED = REPOSITORY.parent / "shared" / "published"
WORKSPACE = open_at(REPOSITORY)


def of_imagenet(spec: ModelSpec) -> bool:
    return any(recipe.dataset == "imagenet" for recipe in spec.recipes.values())


SHELF = {spec.name: spec for spec in load_models(WORKSPACE) if of_imagenet(spec)}
# What the facts call a network, where that is not our name and not ours in another spelling.
CALLED = {
    "efficientnet_b0": ("efficientnet", "efficientnet-b0"),
    "mobilenet_v2": ("mobilenetv2_100",),
    "mobilenet_v3_large": ("mobilenetv3_large_100",),
    "resnet50": ("resnet50v1.5", "resnet-50 (stride on 3x3)"),
    "swin_t": ("swin_tiny_patch4_window7_224",),
    "vit_b_16": ("vit_base_patch16_224",),
}
PORTED = {"densenet121", "efficientnet_b0", "googlenet", "inception_v3"}  # in torchvision and Keras
UNTRAINED = PORTED - {"efficientnet_b0"} | {"shufflenet_v2_x1_0"}  # nobody published a result of their recipe


@cache
def rows(name: str) -> list[dict[str, str]]:
    path = PUBLISHED / name
    if not path.is_file():
        pytest.skip(f"no {path}")
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def published(spec: ModelSpec) -> Iterator[Reference]:
    """But for small data sets, whose numbers stand in targets.csv."""
    for reference in load_baseline(WORKSPACE, spec).references:
        recipe = spec.recipes[reference.recipe]
        if reference.kind == "published" and (recipe.dataset == "imagenet" or recipe.mode == "speed"):
            yield reference


def is_called(spec: ModelSpec, found: str) -> bool:
    """By all of it, or by its end, as in ``Classification/ConvNets/resnet50v1.5``."""
    names = (found.lower(), re.split(r"[/ ]", found)[-1].lower())
    return any(name in CALLED.get(spec.name, ()) or plain(name) == plain(spec.name) for name in names)


def plain(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.lower())


def same(text: str, value: float) -> bool:
    """Per cent in the facts, a fraction here, equal but for rounding."""
    return bool(text) and abs(float(text) - 100 * value) < 1e-6


def told_by_source(row: dict[str, str], reference: Reference) -> bool:
    """The two name the same wheel, repository and file, or paper."""
    return row["source"].split(" torchvision/models")[0].split(" line ")[0] in reference.source


@pytest.mark.parametrize("name", sorted(SHELF))
def test_every_published_accuracy_is_in_the_collected_facts(name: str) -> None:
    found = [row for row in rows("imagenet.csv") if is_called(SHELF[name], row["model"])]
    for reference in published(SHELF[name]):
        if reference.metric in (SPEED, "epochs_to_target"):
            continue
        like = [
            row
            for row in found
            if same(row[reference.metric], reference.value)
            and told_by_source(row, reference)
            and (reference.std is None or same(row["top1_std"], reference.std))
            and (reference.n is None or row["n_runs"] == str(reference.n))
        ]
        assert like, (reference.metric, reference.value, reference.how)
        assert all("ported" not in row["weights_origin"].replace("not marked as ported", "") for row in like)
        assert all("converted" not in row["weights_origin"] for row in like)
        epochs = str(SHELF[name].recipes[reference.recipe].hyperparameters["epochs"])
        assert any(row["epochs"] in ("", epochs) for row in like), (reference.recipe, reference.how)


def test_mlperfs_point_is_the_one_of_the_collected_facts() -> None:
    spec = SHELF["resnet50"]
    (reference,) = (each for each in published(spec) if each.metric == "epochs_to_target")
    hparams = spec.recipes[reference.recipe].hyperparameters
    (row,) = (
        row
        for row in rows("mlperf_rcp.csv")
        if (row["version"], row["benchmark"], row["batch_size"]) == ("1.0.0", "resnet", str(hparams["batch_size"]))
    )
    assert [float(epochs) for epochs in row["epochs_or_samples_to_converge"].split()] == list(reference.values)
    assert row["source"] == reference.source
    point = json.loads(row["hyperparams_json"])
    assert hparams["learning_rate"] == point["opt_base_learning_rate"]
    assert hparams["min_learning_rate"] == point["opt_end_learning_rate"]
    assert hparams["decay_power"] == point["opt_learning_rate_decay_poly_power"]
    assert hparams["momentum"] == point["opt_momentum"]
    assert hparams["weight_decay"] == point["opt_weight_decay"]
    assert hparams["warmup_epochs"] == point["opt_learning_rate_warmup_epochs"]
    assert hparams["epochs"] == point["opt_learning_rate_warmup_epochs"] + point["opt_learning_rate_decay_steps"]
    assert hparams["batch_size"] == hparams["accumulate"] * point["model_bn_span"]


@pytest.mark.parametrize("name", sorted(SHELF))
def test_every_published_speed_is_of_one_device_and_of_the_recipes_conditions(name: str) -> None:
    found = [row for row in rows("throughput.csv") if is_called(SHELF[name], row["model"])]
    for reference in published(SHELF[name]):
        if reference.metric != SPEED:
            continue
        like = [row for row in found if is_of(row, reference)]
        assert like, (reference.value, reference.how)
        computed = SHELF[name].recipes[reference.recipe].hyperparameters["precision"]
        assert any(precision(row) == computed for row in like), reference.how
        assert reference.gpu, "without one it holds for the machine by name, and no machine is called that"


def is_of(row: dict[str, str], reference: Reference) -> bool:
    """Of training on one device; the batch size is the table's where it states one, and said to be unknown else."""
    told = (row["devices"], row["task"], row["source"])
    batch = row["batch_per_device"]
    return (
        told == ("1", "training", reference.source)
        and float(row["value"]) == reference.value
        and f"{row['hardware']}, 1 GPU" == reference.machine
        and "real data" not in row["precision_or_column"]
        and "memory" not in row["note"]
        and (str(reference.batch_size) in batch.split() if batch else reference.batch_size is None)
    )


def precision(row: dict[str, str]) -> str:
    column = f"{row['precision_or_column']} {row['versions_date']}".lower()
    kinds = {"amp": "fp16", "mixed": "fp16", "tf32": "tf32", "fp32": "fp32"}
    return next(kind for word, kind in kinds.items() if word in column)


@pytest.mark.parametrize("name", sorted(SHELF))
def test_an_accuracy_to_reach_is_one_that_the_recipe_was_published_with(name: str) -> None:
    spec = SHELF[name]
    targets = {reference.recipe for reference in published(spec) if reference.metric == "top1"}
    assert ("imagenet" in targets) is (name not in UNTRAINED | {"wide_resnet50_2"})
    for reference in published(spec):
        if reference.metric != SPEED and name in PORTED:
            assert "NVIDIA" in reference.source, "weights that were carried over are no result of a training"


@pytest.mark.parametrize("name", sorted(SHELF))
def test_a_recipe_without_a_target_says_so_on_the_models_page(name: str) -> None:
    spec = SHELF[name]
    page = Path(spec.folder, "README.md").read_text(encoding="utf-8").splitlines()
    targets = {reference.recipe for reference in published(spec)}
    for recipe in spec.recipes.values():
        if recipe.dataset == "imagenet":
            (row,) = [line for line in page if line.startswith(f"| `{recipe.name}` |")]
            assert (recipe.name in targets) is ("NO_BASELINE" not in row), row


def test_the_shelf_is_the_one_that_was_asked_for() -> None:
    assert len(SHELF) >= 21, sorted(SHELF)
