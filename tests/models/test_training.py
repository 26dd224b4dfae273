"""The pieces of image recipes: each against values computed here by its formula, and the same in both frameworks."""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Callable, Iterator
from importlib import import_module
from itertools import pairwise
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy
import pytest

from tests.models.asking import answer_of

MODELS = Path(__file__).parents[2] / "models"

BASE: dict[str, Any] = {
    "epochs": 2,
    "batch_size": 5,
    "learning_rate": 0.1,
    "schedule": "constant",
    "weight_decay": 0.01,
    "precision": "fp32",
    "pixel_mean": [120.0, 120.0, 120.0],
    "pixel_std": [60.0, 60.0, 60.0],
    "eval_split": "val",
    "eval_batch_size": 10,
    "top_k": [1],
}
CASES: dict[str, dict[str, Any]] = {
    "sgd": {"momentum": 0.9},
    "fused": {"momentum": 0.9, "fused": True},  # PyTorch's; TensorFlow's update is one call anyway
    "nesterov": {"momentum": 0.9, "nesterov": True},
    "adamw": {"optimizer": "adamw", "learning_rate": 0.01, "weight_decay": 0.3},
    "rmsprop": {
        "optimizer": "rmsprop",
        "rmsprop_alpha": 0.9,
        "epsilon": 0.0316,
        "momentum": 0.9,
        "learning_rate": 0.01,
    },
    "lars": {
        "optimizer": "lars",
        "momentum": 0.9,
        "trust_coefficient": 0.05,
        "epsilon": 1e-7,
        "norm_weight_decay": 0.0,
        "learning_rate": 2.0,
    },
    "decays": {"norm_weight_decay": 0.0, "bias_weight_decay": 0.5, "embedding_weight_decay": 0.25},
    "smoothing": {"label_smoothing": 0.1},
    "clip": {"clip_norm": 0.05},
    "accumulate": {"accumulate": 2},
    "more parts than images": {"accumulate": 8},
    "mixup": {"mixup_alpha": 0.2, "label_smoothing": 0.1},
    "cutmix": {"cutmix_alpha": 1.0},
    "average": {"ema_decay": 0.9, "ema_steps": 1, "warmup_epochs": 1, "epochs": 3},
    "target": {"epochs": 9, "target_top1": 0.5},
    "milestones": {"schedule": "milestones", "milestones": [1], "decay": 0.1},
}


@pytest.fixture(scope="module")
def told(environment_python: Callable[[str], Path]) -> dict[str, dict[str, Any]]:
    """What each framework said, by case."""
    return {
        "pytorch": probe(environment_python("torch-2.13"), "pytorch"),
        "tf": probe(environment_python("tf-2.21"), "tf"),
    }


def probe(python: Path, framework: str) -> dict[str, Any]:
    cases = [{**BASE, **case} for case in CASES.values()]
    script = Path(__file__).with_name("probe_training.py")
    said = answer_of(python, str(script), str(MODELS), framework, json.dumps(cases))
    return dict(zip(CASES, said, strict=True))


@pytest.fixture(scope="module")
def pieces() -> Iterator[Callable[[str], ModuleType]]:
    sys.path.insert(0, str(MODELS / "imagenet"))
    yield import_module
    sys.path.pop(0)
    for name in ("schedules", "mixing"):
        sys.modules.pop(name, None)


@pytest.mark.parametrize("case", CASES)
def test_the_twins_train_alike(told: dict[str, dict[str, Any]], case: str) -> None:
    torch, tf = told["pytorch"][case], told["tf"][case]
    assert torch["top1"] == tf["top1"]
    assert torch["losses"] == pytest.approx(tf["losses"], rel=1e-4)
    for ours, theirs in zip([*torch["weights"], torch["final"]], [*tf["weights"], tf["final"]], strict=True):
        for name in ours:
            numpy.testing.assert_allclose(ours[name], theirs[name], rtol=2e-4, atol=2e-5, err_msg=name)


# -- by the formulas, for the dense layer's bias, whose gradient is the mean of softmax minus target


@pytest.mark.parametrize("framework", ["pytorch", "tf"])
def test_sgd_adds_decay_to_the_gradient_and_gathers_velocity(told: dict[str, Any], framework: str) -> None:
    for case, ahead in (("sgd", 0.0), ("nesterov", 0.9)):
        said = told[framework][case]
        velocity = numpy.zeros(4)
        for step, (before, after) in enumerate(steps_of(said)):
            whole = gradient(before, step) + 0.01 * before["bias"]
            velocity = 0.9 * velocity + whole
            expected = before["bias"] - 0.1 * (whole + ahead * velocity if ahead else velocity)
            numpy.testing.assert_allclose(after["bias"], expected, atol=1e-6, err_msg=case)


@pytest.mark.parametrize("framework", ["pytorch", "tf"])
def test_adamw_decays_apart_from_the_gradient(told: dict[str, Any], framework: str) -> None:
    mean, square = numpy.zeros(4), numpy.zeros(4)
    for step, (before, after) in enumerate(steps_of(told[framework]["adamw"])):
        found = gradient(before, step)
        mean, square = 0.9 * mean + 0.1 * found, 0.999 * square + 0.001 * found**2
        unbiased = mean / (1 - 0.9 ** (step + 1)), square / (1 - 0.999 ** (step + 1))
        expected = before["bias"] * (1 - 0.01 * 0.3) - 0.01 * unbiased[0] / (numpy.sqrt(unbiased[1]) + 1e-8)
        numpy.testing.assert_allclose(after["bias"], expected, atol=1e-6)


@pytest.mark.parametrize("framework", ["pytorch", "tf"])
def test_rmsprop_has_epsilon_outside_the_root(told: dict[str, Any], framework: str) -> None:
    square, velocity = numpy.zeros(4), numpy.zeros(4)
    for step, (before, after) in enumerate(steps_of(told[framework]["rmsprop"])):
        whole = gradient(before, step) + 0.01 * before["bias"]
        square = 0.9 * square + 0.1 * whole**2
        velocity = 0.9 * velocity + whole / (numpy.sqrt(square) + 0.0316)
        numpy.testing.assert_allclose(after["bias"], before["bias"] - 0.01 * velocity, atol=1e-6)


@pytest.mark.parametrize("framework", ["pytorch", "tf"])
def test_lars_moves_each_array_by_a_share_of_its_norm(told: dict[str, Any], framework: str) -> None:
    """The first bias is zero, and moves as by plain momentum."""
    velocity = numpy.zeros(4)
    ratios = []
    for step, (before, after) in enumerate(steps_of(told[framework]["lars"])):
        found, bias = gradient(before, step), before["bias"]
        norms = numpy.linalg.norm(bias), numpy.linalg.norm(found)
        ratios.append(0.05 * norms[0] / (norms[1] + 0.01 * norms[0] + 1e-7) if norms[0] else 1.0)
        velocity = 0.9 * velocity + 2.0 * ratios[-1] * (found + 0.01 * bias)
        numpy.testing.assert_allclose(after["bias"], bias - velocity, atol=2e-6)
    assert min(ratios) < 0.5, "a ratio that is not one must have been seen"


@pytest.mark.parametrize("framework", ["pytorch", "tf"])
def test_each_kind_of_parameter_has_its_own_decay(told: dict[str, Any], framework: str) -> None:
    """Without decay the same first step would end elsewhere by rate x decay x weight."""
    plain, apart = (next(steps_of(told[framework][case]))[1] for case in ("sgd", "decays"))
    initial = told[framework]["sgd"]["initial"]
    for name, less in (("scale", 0.25 - 0.01), ("gamma", -0.01), ("beta", 0.5 - 0.01), ("kernel", 0.0)):
        difference = 0.1 * less * numpy.array(initial[name])
        numpy.testing.assert_allclose(numpy.subtract(plain[name], apart[name]), difference, atol=1e-6, err_msg=name)
    second = list(steps_of(told[framework]["decays"]))[1]
    expected = second[0]["bias"] - 0.1 * (gradient(second[0], 1) + 0.5 * second[0]["bias"])
    numpy.testing.assert_allclose(second[1]["bias"], expected, atol=1e-6)


@pytest.mark.parametrize("framework", ["pytorch", "tf"])
def test_smoothed_labels_share_a_tenth_among_all_classes(told: dict[str, Any], framework: str) -> None:
    said = told[framework]["smoothing"]
    probabilities = softmax(logits(said["initial"], 0))
    targets = 0.9 * numpy.eye(4)[LABELS[:5]] + 0.1 / 4
    assert said["losses"][0] == pytest.approx(-(targets * numpy.log(probabilities)).sum(1).mean(), rel=1e-5)


@pytest.mark.parametrize("framework", ["pytorch", "tf"])
def test_a_clipped_gradient_has_the_norm_that_is_allowed(told: dict[str, Any], framework: str) -> None:
    """Of all weights together; what decay adds comes after."""
    before, after = next(steps_of(told[framework]["clip"]))
    found = {
        name: (numpy.subtract(before[name], after[name]) / 0.1 - 0.01 * numpy.array(before[name])) for name in before
    }
    assert math.sqrt(sum(float((each**2).sum()) for each in found.values())) == pytest.approx(0.05, rel=1e-3)


@pytest.mark.parametrize("framework", ["pytorch", "tf"])
def test_gradients_of_parts_add_up_to_that_of_the_batch(told: dict[str, Any], framework: str) -> None:
    whole = told[framework]["sgd"]
    for parts in (told[framework]["accumulate"], told[framework]["more parts than images"]):
        assert parts["losses"][0] == pytest.approx(whole["losses"][0], rel=1e-6)
        numpy.testing.assert_allclose(parts["weights"][0]["kernel"], whole["weights"][0]["kernel"], atol=1e-6)


def test_an_update_in_one_pass_is_the_same_update(told: dict[str, Any]) -> None:
    fused, plain = told["pytorch"]["fused"], told["pytorch"]["sgd"]
    assert fused["losses"] == pytest.approx(plain["losses"], rel=1e-6)
    for name, array in fused["weights"][-1].items():
        numpy.testing.assert_allclose(array, plain["weights"][-1][name], atol=1e-6)


@pytest.mark.parametrize("framework", ["pytorch", "tf"])
def test_a_training_ends_with_the_epoch_that_reaches_its_target(told: dict[str, Any], framework: str) -> None:
    *before, last = told[framework]["target"]["top1"]
    assert max(before, default=0.0) < 0.5 <= last
    assert told[framework]["target"]["epochs_to_target"] == [len(before) + 1]
    assert told[framework]["sgd"]["epochs_to_target"] == []


@pytest.mark.parametrize("framework", ["pytorch", "tf"])
def test_mixup_averages_pixels_and_losses(told: dict[str, Any], framework: str, pieces: Callable[[str], Any]) -> None:
    said = told[framework]["mixup"]
    mix = pieces("mixing").draw({"mixup_alpha": 0.2}, 0, 0, 0, 2, 2)
    mixed = mix.share * IMAGES[:5] + (1 - mix.share) * numpy.roll(IMAGES[:5], 1, 0)
    assert said["losses"][0] == pytest.approx(mixed_loss(said["initial"], mixed, mix.share, smoothing=0.1), rel=1e-5)


@pytest.mark.parametrize("framework", ["pytorch", "tf"])
def test_cutmix_pastes_a_box(told: dict[str, Any], framework: str, pieces: Callable[[str], Any]) -> None:
    said = told[framework]["cutmix"]
    for step in range(2):
        mix = pieces("mixing").draw({"cutmix_alpha": 1.0}, 0, 0, step, 2, 2)
        top, bottom, left, right = mix.box
        mixed = IMAGES[5 * step : 5 * step + 5].copy()
        mixed[:, top:bottom, left:right] = numpy.roll(mixed, 1, 0)[:, top:bottom, left:right]
        before = said["initial"] if step == 0 else said["weights"][0]
        assert said["losses"][step] == pytest.approx(mixed_loss(before, mixed, mix.share, step=step), rel=1e-5)


@pytest.mark.parametrize("framework", ["pytorch", "tf"])
def test_the_average_follows_in_warmup_and_then_moves_slowly(told: dict[str, Any], framework: str) -> None:
    """Three epochs of two steps, one of warm-up; 0.1 x 5 images a batch / 3 epochs is what a step adds."""
    said = told[framework]["average"]
    added = 0.1 * 5 / 3
    after = [numpy.array(weights["bias"]) for weights in said["weights"]]
    expected = after[2]  # the first update after the warm-up copies too
    for now in after[3:]:
        expected = expected + added * (now - expected)
    numpy.testing.assert_allclose(said["final"]["bias"], expected, atol=1e-6)


# -- schedules and mixes


def test_a_rate_rises_from_its_start_and_falls_as_the_schedule_says(pieces: Callable[[str], Any]) -> None:
    rate = pieces("schedules").learning_rate
    warm = {"learning_rate": 0.8, "epochs": 100, "warmup_epochs": 5, "warmup_start": 0.1, "schedule": "cosine"}
    assert rate(warm, 0, 0.0) == pytest.approx(0.08)
    assert rate(warm, 2, 0.5) == pytest.approx(0.8 * (0.1 + 0.9 * 0.5))
    assert rate(warm, 5, 0.0) == pytest.approx(0.8)
    assert rate({**warm, "min_learning_rate": 0.2}, 52, 0.5) == pytest.approx(0.5)
    assert rate({**warm, "schedule_by": "epoch"}, 2, 0.9) == pytest.approx(0.8 * (0.1 + 0.9 * 0.4))
    step = {"learning_rate": 0.064, "schedule": "step", "decay": 0.973, "decay_epochs": 2}
    assert [rate(step, epoch, 0.5) for epoch in (0, 1, 2, 5)] == pytest.approx(
        [0.064, 0.064, 0.064 * 0.973, 0.064 * 0.973**2]
    )
    goyal = {"learning_rate": 0.1, "schedule": "milestones", "decay": 0.1, "milestones": [30, 60, 80]}
    assert [rate(goyal, epoch, 0.0) for epoch in (29, 30, 60, 89)] == pytest.approx([0.1, 0.01, 1e-3, 1e-4])
    mlperf = {"learning_rate": 7.4, "epochs": 37, "warmup_epochs": 2, "min_learning_rate": 1e-4, "decay_power": 2}
    assert [rate({**mlperf, "schedule": "polynomial"}, epoch, 0.5) for epoch in (0, 19, 36)] == pytest.approx(
        [7.4 / 4, 1e-4 + (7.4 - 1e-4) * 0.25, 1e-4 + (7.4 - 1e-4) / 70**2]
    )
    for broken in ({"schedule": "sine"}, {"schedule_by": "week"}):
        with pytest.raises(ValueError, match="not '"):
            rate({**goyal, **broken}, 0, 0.0)


def test_an_average_covers_as_many_images_with_any_batch(pieces: Callable[[str], Any]) -> None:
    decay = pieces("schedules").average_decay
    # torchvision's ConvNeXt: 0.99998, 600 epochs, batch 1024, every 32 steps
    assert decay({"ema_decay": 0.99998, "ema_steps": 32, "epochs": 600}, 1024) == pytest.approx(
        1 - 2e-5 * 1024 * 32 / 600
    )
    assert decay({"ema_decay": 0.5, "ema_steps": 32, "epochs": 1}, 1024) == 0.0


def test_a_cut_box_is_clipped_and_its_share_counts_pixels(pieces: Callable[[str], Any]) -> None:
    cut = pieces("mixing").cut
    assert cut(0.75, 50, 50, 100, 100) == (pytest.approx(0.75), (25, 75, 25, 75))
    assert cut(0.75, 0, 99, 100, 100) == (pytest.approx(1 - 0.25 * 0.26), (0, 25, 74, 100))


def test_mixes_are_drawn_by_seed_epoch_and_step(pieces: Callable[[str], Any]) -> None:
    draw = pieces("mixing").draw
    both = {"mixup_alpha": 0.2, "cutmix_alpha": 1.0}
    mixes = [draw(both, 0, 0, step, 224, 224) for step in range(400)]
    assert mixes[7] == draw(both, 0, 0, 7, 224, 224) != draw(both, 1, 0, 7, 224, 224)
    assert 160 < sum(mix.box is None for mix in mixes) < 240
    assert draw({}, 0, 0, 0, 224, 224) is None


PIXELS = (numpy.arange(10 * 12) * 37 % 251).reshape(10, 2, 2, 3)  # as probe_training.py has them
LABELS = numpy.arange(10) * 7 % 4
IMAGES = (PIXELS - 120.0) / 60.0


def steps_of(said: dict[str, Any]) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    """(weights before, weights after) each step."""
    moments = [
        {name: numpy.array(value) for name, value in each.items()} for each in (said["initial"], *said["weights"])
    ]
    return pairwise(moments)


def logits(weights: dict[str, Any], step: int, images: numpy.ndarray | None = None) -> numpy.ndarray:
    start = step % 2 * 5
    x = (IMAGES[start : start + 5] if images is None else images).reshape(5, 12) * numpy.array(weights["scale"])
    x = (x - x.mean(1, keepdims=True)) / numpy.sqrt(x.var(1, keepdims=True) + 1e-5)
    x = x * numpy.array(weights["gamma"]) + numpy.array(weights["beta"])
    found: numpy.ndarray = x @ numpy.array(weights["kernel"]) + numpy.array(weights["bias"])
    return found


def softmax(x: numpy.ndarray) -> numpy.ndarray:
    powers = numpy.exp(x - x.max(1, keepdims=True))
    found: numpy.ndarray = powers / powers.sum(1, keepdims=True)
    return found


def gradient(weights: dict[str, Any], step: int) -> numpy.ndarray:
    """Of the bias."""
    start = step % 2 * 5
    found: numpy.ndarray = (softmax(logits(weights, step)) - numpy.eye(4)[LABELS[start : start + 5]]).mean(0)
    return found


def mixed_loss(
    weights: dict[str, Any], images: numpy.ndarray, share: float, smoothing: float = 0.0, step: int = 0
) -> float:
    labels = LABELS[5 * step : 5 * step + 5]
    targets = share * numpy.eye(4)[labels] + (1 - share) * numpy.eye(4)[numpy.roll(labels, 1)]
    targets = (1 - smoothing) * targets + smoothing / 4
    return float(-(targets * numpy.log(softmax(logits(weights, step, images)))).sum(1).mean())
