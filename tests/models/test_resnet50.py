"""ResNet-50: the published size in both frameworks, the stated FLOPs, twins that agree."""

from __future__ import annotations

import tomllib
from collections.abc import Callable
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy
import pytest

from tests.models.asking import answer_of
from tests.models.importable import module_of

MODELS = Path(__file__).parents[2] / "models"
PARAMETERS = 25_557_032  # torchvision's resnet50


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("twins")


@pytest.fixture(scope="module")
def torch_told(environment_python: Callable[[str], Path], folder: Path) -> dict[str, Any]:
    return probe(environment_python("torch-2.13"), "probe_torch.py", folder)


@pytest.fixture(scope="module")
def tf_told(environment_python: Callable[[str], Path], folder: Path, torch_told: dict[str, Any]) -> dict[str, Any]:
    assert torch_told  # it has written the weights
    return probe(environment_python("tf-2.21"), "probe_tf.py", folder)


def probe(python: Path, script: str, folder: Path) -> dict[str, Any]:
    said: dict[str, Any] = answer_of(python, str(Path(__file__).with_name(script)), str(MODELS), str(folder))
    return said


def of_resnet50(name: str) -> ModuleType:
    """A module that the twins share, as the worker finds it."""
    return module_of(MODELS / "resnet50", name)


def test_torch_has_the_published_number_of_parameters(torch_told: dict[str, Any]) -> None:
    assert torch_told["parameters"] == PARAMETERS


def test_tensorflow_has_the_published_number_of_parameters(tf_told: dict[str, Any]) -> None:
    assert tf_told["parameters"] == PARAMETERS


def test_both_take_images_of_224_and_of_32_pixels(torch_told: dict[str, Any], tf_told: dict[str, Any]) -> None:
    for told in (torch_told, tf_told):
        assert (told["shape 224"], told["shape 32"]) == ([1, 1000], [1, 10])


def test_the_stated_flops_are_three_forward_passes(torch_told: dict[str, Any]) -> None:
    recipes = tomllib.loads((MODELS / "resnet50" / "model.toml").read_text())["recipes"]
    for name, side in (("digits", "32"), ("fashion-mnist", "32"), ("speed", "224"), ("imagenet", "224")):
        stated = recipes[name]["flops_per_sample"]
        assert stated == pytest.approx(3 * torch_told["forward_flops"][side], rel=0.01), name


def test_the_twins_agree_from_the_same_weights(tf_told: dict[str, Any]) -> None:
    assert tf_told["difference"] <= 1e-5 * tf_told["scale"]


def test_the_first_gradient_agrees(tf_told: dict[str, Any]) -> None:
    assert tf_told["library's gradient"] <= 1e-4


def test_three_steps_of_training_agree(torch_told: dict[str, Any], tf_told: dict[str, Any]) -> None:
    """In single precision, 53 norms over four images: seen apart by 7e-5.  The fourth loss follows three updates."""
    assert tf_told["losses"] == pytest.approx(torch_told["losses"], rel=1e-3)
    assert len(set(tf_told["losses"])) == 4


def test_gradients_by_products_are_the_same_gradients(torch_told: dict[str, Any], folder: Path) -> None:
    """Of the 3x3 convolutions from the second stage on, and of the shortcuts that halve the image."""
    assert len(torch_told["products"]) == 4 + 6 + 3 + 3
    with numpy.load(folder / "twin.npz") as saved:
        products = {name.removeprefix("product "): saved[name] for name in saved if name.startswith("product ")}
        assert len(products) == 161
        for name, product in products.items():
            gradient = saved[f"gradient {name}"]
            numpy.testing.assert_allclose(product, gradient, rtol=0, atol=1e-10 * numpy.abs(gradient).max())


def test_tensorflows_gradients_in_another_way_are_the_same_gradients(tf_told: dict[str, Any]) -> None:
    """Of all convolutions but the first and those 3x3 that halve the image."""
    assert len(tf_told["own"]) == 53 - 1 - 3
    assert tf_told["own gradient"] == pytest.approx(tf_told["library's gradient"], abs=1e-9)


def test_normalisation_in_one_operation_is_keras_own(tf_told: dict[str, Any]) -> None:
    assert len(tf_told["norm"]) == 3 + 3 + 4
    assert max(tf_told["norm"]) <= 1e-5


def test_small_images_are_enlarged_by_repeating_and_a_rim() -> None:
    inputs = of_resnet50("inputs")
    digits = numpy.arange(128, dtype=numpy.uint8).reshape(2, 1, 8, 8)
    clothes = numpy.full((1, 1, 28, 28), 255, numpy.uint8)
    large, rimmed = inputs.as_images(digits), inputs.as_images(clothes)
    assert (large.shape, large.dtype) == ((2, 32, 32, 3), numpy.uint8)
    assert (large[:, ::4, ::4, 1] == digits[:, 0]).all()
    assert (large[:, 3::4, 3::4, 2] == digits[:, 0]).all()
    assert rimmed.shape == (1, 32, 32, 3)
    assert rimmed[0, 2:-2, 2:-2].min() == 255
    assert rimmed.sum() == 28 * 28 * 3 * 255


def test_a_shifted_image_keeps_what_does_not_leave_it() -> None:
    image = numpy.zeros((50, 32, 32, 3), numpy.uint8)
    image[:, 10:20, 12:22] = 7
    numpy.random.seed(0)
    moved = of_resnet50("inputs").shift(image, 2)
    assert moved.shape == image.shape
    assert (moved.sum(axis=(1, 2, 3)) == image[0].sum()).all()
    assert len({moved[i].tobytes() for i in range(50)}) > 15  # of 25 places


def test_small_images_are_flipped_and_erased_as_the_recipe_says() -> None:
    inputs = of_resnet50("inputs")
    images = numpy.tile(numpy.arange(1, 29, dtype=numpy.uint8)[:, None], (400, 28, 1, 1))  # grows to the right
    numpy.random.seed(0)
    flipped = inputs.augmented(images, {"shift_pixels": 0, "flip": 0.5})
    assert 150 < (flipped[:, 0, 0, 0] == 28).sum() < 250
    assert (numpy.sort(flipped, axis=2) == images).all()
    erased = inputs.augmented(images, {"shift_pixels": 0, "random_erasing": 0.5, "erasing_fill": 72})
    assert (images < 72).all()  # the given ones are as they were
    gone = erased[..., 0] == 72
    share = gone.mean(axis=(1, 2))
    assert 150 < (share > 0).sum() < 250
    assert 0.015 < share[share > 0].min() < 0.06  # 2 to 40 %, rounded to whole pixels
    assert 0.34 < share.max() < 0.42
    for hole in gone[share > 0]:
        rows, columns = numpy.flatnonzero(hole.any(axis=1)), numpy.flatnonzero(hole.any(axis=0))
        assert hole.sum() == len(rows) * len(columns)  # one rectangle
    assert (erased[~gone] == images[~gone]).all()


def test_what_is_told_is_what_the_recipe_declares_and_the_best_so_far() -> None:
    told: list[tuple[str, float]] = []
    run = SimpleNamespace(hparams={}, metrics={"best_top1": "fraction"}, metric=lambda *said: told.append(said))
    best: dict[str, float] = {}
    for value in (0.5, 0.8, 0.7):
        of_resnet50("results").report(run, 0, {"top1": value, "top5": 1.0}, best)
    assert told == [("best_top1", 0.5), ("best_top1", 0.8), ("best_top1", 0.8)]


def test_the_rate_rises_then_falls_to_zero() -> None:
    hparams = {"learning_rate": 0.4, "warmup_epochs": 1, "epochs": 5, "schedule": "cosine"}
    learning_rate = of_resnet50("schedules").learning_rate
    rates = [learning_rate(hparams, epoch, part) for epoch in range(5) for part in (0.0, 0.5)]
    last = learning_rate(hparams, 4, 1.0)
    assert rates[:3] == [0.0, 0.2, 0.4]
    assert rates[2:] == sorted(rates[2:], reverse=True)
    assert last == pytest.approx(0.0, abs=1e-9)


def test_the_published_schedule_divides_by_ten_every_thirty_epochs() -> None:
    hparams = tomllib.loads((MODELS / "resnet50" / "model.toml").read_text())["recipes"]["imagenet"]["hyperparameters"]
    learning_rate = of_resnet50("schedules").learning_rate
    rates = [learning_rate(hparams, epoch, 0.5) for epoch in (0, 29, 30, 60, 89)]
    assert rates == pytest.approx([0.1, 0.1, 0.01, 0.001, 0.001])
