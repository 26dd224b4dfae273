"""Tables of numbers: rows and their targets, and Boston's to the byte."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy
import pytest

from harness.core.errors import HarnessError
from harness.datasets.table import read_table
from harness.worker.data import open_data
from tests.datasets.test_prepare import prepare

# How UCI's housing.data is printed, and what its bytes come to; three projects pin the same digest for it.
LINE = "%8.5f%7.2f%8.3f%3d%8.4f%8.4f%7.2f%8.4f%4d%7.1f%7.2f%7.2f%7.2f%7.2f\n"
HOUSING = "baadf72995725d76efe787b664e1f083388c79ba21ef9a7990d87f774184735a"


@pytest.mark.parametrize("text", ["1,2.5,3\n4,5,-6e-1\n", " 1  2.5\t3\n4 5 -0.6\n\n"])
def test_the_last_number_of_a_row_is_its_target(text: str) -> None:
    x, y = read_table(text.encode())["train"]
    assert (x.tolist(), y.tolist()) == ([[1, 2.5], [4, 5]], [3, -0.6])


def test_bostons_numbers_are_the_original_ones(tmp_path: Path) -> None:
    prepared = prepare("uci-boston", tmp_path)
    data = open_data({"path": str(prepared.path), "manifest": prepared.manifest})
    x, y = data.arrays["train"]
    assert (x.shape, y.shape, data.classes, data.sample_shape) == ((506, 13), (506,), 0, (13,))
    assert prepared.manifest["splits"]["train"]["counts"] == {}
    printed = "".join(LINE % tuple(row) for row in numpy.column_stack([x, y]).tolist())
    assert hashlib.sha256(printed.encode()).hexdigest() == HOUSING
    assert prepare("uci-boston", tmp_path, verify=True).manifest == prepared.manifest


def test_a_changed_table_is_refused(tmp_path: Path) -> None:
    changed = tmp_path / "root" / "uci_regression" / "yacht.txt"
    changed.parent.mkdir(parents=True)
    changed.write_text("1 2 3 4 5 6 7\n")
    with pytest.raises(HarnessError, match=r"yacht\.txt: expected sha256 00dfecc0"):
        prepare("uci-yacht", tmp_path / "cache", tmp_path / "root")


def test_targets_whose_bytes_changed_are_refused(tmp_path: Path) -> None:
    path = prepare("uci-boston", tmp_path).path / "train_y.npy"
    numpy.save(path, numpy.load(path) + 1)
    with pytest.raises(HarnessError) as caught:
        prepare("uci-boston", tmp_path)
    assert "train_y.npy: expected sha256" in str(caught.value)
    assert "per class" not in str(caught.value)
