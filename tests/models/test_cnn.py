"""The convolutional twins: as many parameters as published, and PyTorch and TensorFlow train alike on real data."""

from __future__ import annotations

import json
import sys
import tomllib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy
import pytest

from tests.datasets.test_prepare import prepare
from tests.datasets.test_sentences import ROOTS, needs_files
from tests.models.test_resnet50 import MODELS, probe

COMPARED = 3  # steps after which the weights are compared
STEPS = 8
# Without its padding an embedding of TREC has 8,764 words.  The others: (width * 300 + 1) * 100, 301 a class.
SENTENCE_PARAMETERS = 8765 * 300 + sum((width * 300 + 1) * 100 for width in (3, 4, 5)) + 6 * 301

Told = tuple[dict[str, Any], dict[str, Any]]  # of PyTorch and of TensorFlow


@contextmanager
def parts_of(model: str) -> Iterator[ModuleType]:
    """The module that the twins share, imported as the worker does: from the model's folder."""
    sys.path.insert(0, str(MODELS / model))
    try:
        yield import_module("parts")
    finally:
        sys.path.pop(0)
        sys.modules.pop("parts", None)


def ask(
    folder: Path, python: Callable[[str], Path], model: str, recipe: str, batch: Any, sizes: list[int], **changed: float
) -> Told:
    """Both probes on one batch, dropout off."""
    hparams = tomllib.loads((MODELS / model / "model.toml").read_text())["recipes"][recipe]["hyperparameters"]
    asked = {"model": model, "sizes": sizes, "steps": STEPS, "compared": COMPARED, "hparams": {**hparams, **changed}}
    (folder / "asked.json").write_text(json.dumps(asked))
    numpy.savez(folder / "batch.npz", x=batch[0], y=batch[1])
    torch_told = probe(python("torch-2.13"), "probe_cnn_torch.py", folder)
    return torch_told, probe(python("tf-2.21"), "probe_cnn_tf.py", folder)


@pytest.fixture(scope="module")
def images_told(environment_python: Callable[[str], Path], tmp_path_factory: pytest.TempPathFactory) -> Told:
    folder = tmp_path_factory.mktemp("images")
    arrays = prepare("fashion-mnist", folder).path
    batch = [numpy.load(arrays / f"train_{axis}.npy", mmap_mode="r")[:64] for axis in "xy"]
    off = {"conv_dropout": 0.0, "hidden_dropout": 0.0}
    return ask(folder, environment_python, "fashion-cnn", "fashion-mnist", batch, [10], **off)


@pytest.fixture(scope="module")
def sentences_told(environment_python: Callable[[str], Path], tmp_path_factory: pytest.TempPathFactory) -> Told:
    folder = tmp_path_factory.mktemp("sentences")
    arrays = prepare("sentence-trec", folder, *ROOTS).path
    batch = [numpy.load(arrays / f"train_{axis}.npy")[:50] for axis in "xy"]
    return ask(folder, environment_python, "sentence-cnn", "trec", batch, [8765, 6], dropout=0.0)


def test_the_images_network_has_the_published_number_of_parameters(images_told: Told) -> None:
    assert [told["parameters"] for told in images_told] == [113_386, 113_386]


@needs_files
def test_the_sentences_network_has_its_number_of_parameters(sentences_told: Told) -> None:
    assert [told["parameters"] for told in sentences_told] == [SENTENCE_PARAMETERS] * 2


def test_the_images_twins_train_alike(images_told: Told) -> None:
    train_alike(*images_told)


@needs_files
def test_the_sentences_twins_train_alike(sentences_told: Told) -> None:
    train_alike(*sentences_told)


def train_alike(torch_told: dict[str, Any], tf_told: dict[str, Any]) -> None:
    assert tf_told["logits"] <= 1e-5
    assert tf_told["gradients"] <= 1e-4
    assert tf_told["losses"][: COMPARED + 1] == pytest.approx(torch_told["losses"][: COMPARED + 1], rel=1e-4)
    assert tf_told["moves"] <= 0.01
    for told in (torch_told, tf_told):
        assert told["losses"][-1] < told["losses"][0]


def test_the_clothes_are_cut_as_the_notebook_cut_them() -> None:
    hparams = tomllib.loads((MODELS / "fashion-cnn" / "model.toml").read_text())["recipes"]["fashion-mnist"]
    with parts_of("fashion-cnn") as parts:
        cut = parts.cut(60_000, hparams["hyperparameters"])
    assert (len(cut.train), len(cut.val)) == (48_000, 12_000)
    assert sorted([*cut.train, *cut.val]) == list(range(60_000))
    assert (cut.val[:3] == numpy.random.RandomState(101).permutation(60_000)[:3]).all()


def run_of(seed: int, **samples: int) -> Any:
    """What ``cut`` asks of a run."""
    arrays = {split: (numpy.zeros((count, 1)), numpy.zeros(count)) for split, count in samples.items()}
    hparams = {"batch_size": 50, "train_share": 0.9, "fold_seed": 0}
    return SimpleNamespace(seed=seed, hparams=hparams, arrays=arrays.get, data=SimpleNamespace(arrays=arrays))


def test_ten_seeds_test_every_sentence_once_and_train_on_none_that_they_test() -> None:
    with parts_of("sentence-cnn") as parts:
        cuts = [parts.cut(run_of(seed, train=3775)) for seed in range(11)]
    assert sorted(numpy.concatenate([cut.test for cut in cuts[:10]])) == list(range(3775))
    for cut in cuts:
        assert sorted([*cut.train, *cut.dev, *cut.test]) == list(range(3775))
        assert len(cut.train) == 60 * 50
        assert cut.test_split == "train"
    assert (cuts[10].test == cuts[0].test).all()
    assert (cuts[10].train != cuts[0].train).any()


def test_the_test_split_is_used_where_there_is_one() -> None:
    with parts_of("sentence-cnn") as parts:
        cut = parts.cut(run_of(3, train=5452, test=500))
    assert (len(cut.train), len(cut.dev), len(cut.test), cut.test_split) == (4900, 552, 500, "test")
