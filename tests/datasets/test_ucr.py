"""Sets of the UCR archive, as their descriptions say they are: series, lengths, classes."""

from __future__ import annotations

import os
from pathlib import Path

import numpy
import pytest

from harness import datasets
from harness.core.errors import HarnessError
from harness.datasets import Prepared
from harness.datasets.read import read_rows
from tests.conftest import REPOSITORY
from tests.datasets.test_prepare import prepare

SHARED = REPOSITORY.parent / "shared" / "data"  # where the machines that test this keep Adiac


def prepare_from_roots(name: str, cache: Path) -> Prepared:
    """From a data root, the wheel or the original address."""
    named = [Path(part) for part in os.environ.get("HARNESS_DATA_DIR", "").split(os.pathsep) if part]
    try:
        return prepare(name, cache, *named, SHARED)
    except HarnessError as error:
        if "cannot be fetched" not in str(error):
            raise
        pytest.skip(str(error))


@pytest.mark.parametrize(
    ("name", "train", "test", "length", "classes"),
    [
        ("ucr-italy-power-demand", 67, 1029, 24, 2),
        ("ucr-gunpoint", 50, 150, 150, 2),
        ("ucr-arrowhead", 36, 175, 251, 3),
        ("ucr-osuleaf", 200, 242, 427, 6),
        ("ucr-adiac", 390, 391, 176, 37),
    ],
)
def test_a_set_has_its_known_series_and_every_class_in_both_splits(
    tmp_path: Path, name: str, train: int, test: int, length: int, classes: int
) -> None:
    prepared = prepare_from_roots(name, tmp_path)
    assert datasets.describe(name).classes == prepared.manifest["classes"] == classes
    for split, samples in (("train", train), ("test", test)):
        x, y = (numpy.load(prepared.path / f"{split}_{axis}.npy") for axis in "xy")
        assert (x.shape, x.dtype) == ((samples, 1, length), numpy.float32)
        assert numpy.isfinite(x).all()
        assert set(y) == set(range(classes))


def test_rows_of_the_2015_archive_are_classed_by_number_not_by_name() -> None:
    x, y = read_rows(b"10,0.5,-1.5\n2,1e-3,2.5\n1,3.5,4.5\n")
    assert y.tolist() == [2, 1, 0]
    assert x[0].tolist() == [[0.5, -1.5]]


def test_adiac_keeps_the_archives_order_of_classes(tmp_path: Path) -> None:
    prepared = prepare_from_roots("ucr-adiac", tmp_path)
    assert numpy.load(prepared.path / "train_y.npy")[0] == 22 - 1  # the file's first row is of class 22
    counts = prepared.manifest["splits"]["train"]["counts"]
    assert [counts[str(index)] for index in (0, 1, 2, 36)] == [13, 10, 5, 8]
