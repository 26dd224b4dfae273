"""Real data sets, in temporary folders."""

from __future__ import annotations

import gzip
import os
import shutil
import string
from dataclasses import replace
from pathlib import Path

import numpy
import pytest

from harness import datasets, environments
from harness.core.errors import HarnessError
from harness.datasets import Prepared, describe
from harness.datasets.read import read_text
from harness.datasets.sources import find_sources
from tests.conftest import STATE

FASHION = Path("/usr/share/datasets/fashion-mnist")


def prepare(name: str, cache: Path, *roots: Path, verify: bool = False) -> Prepared:
    make = datasets.verify if verify else datasets.prepare
    return make(
        name,
        cache=cache,
        data_roots=roots,
        install=lambda requirement: environments.install_package(requirement, state=STATE, say=print),
        say=print,
    )


@pytest.mark.parametrize(
    ("name", "train", "test", "shape"),
    [
        ("digits", 1437, 360, [1, 8, 8]),
        ("ucr-italy-power-demand", 67, 1029, [1, 24]),
        ("ucr-gunpoint", 50, 150, [1, 150]),
        ("fashion-mnist", 60000, 10000, [1, 28, 28]),
    ],
)
def test_a_set_has_its_known_sizes_and_the_same_manifest_twice(
    tmp_path: Path, name: str, train: int, test: int, shape: list[int]
) -> None:
    first, second = prepare(name, tmp_path / "a"), prepare(name, tmp_path / "b")
    assert first.manifest == second.manifest == prepare(name, tmp_path / "a").manifest
    assert [first.manifest["splits"][split]["samples"] for split in ("train", "test")] == [train, test]
    assert first.manifest["sample_shape"] == shape
    for split in first.manifest["splits"].values():
        assert sum(split["counts"].values()) == split["samples"]
    assert prepare(name, tmp_path / "a", verify=True).manifest == first.manifest


def prepare_names(cache: Path) -> Prepared:
    """The names, from a data root or their original address."""
    named = [Path(part) for part in os.environ.get("HARNESS_DATA_DIR", "").split(os.pathsep) if part]
    try:
        return prepare("names", cache, *named)
    except HarnessError as error:
        if "cannot be fetched" not in str(error):
            raise
        pytest.skip(str(error))


def test_names_are_split_as_the_notebooks_print_it(tmp_path: Path) -> None:
    prepared = prepare_names(tmp_path)
    sizes = {split: entry["samples"] for split, entry in prepared.manifest["splits"].items()}
    assert sizes == {"train": 182_625, "val": 22_655, "test": 22_866}
    letters = "." + string.ascii_lowercase
    x, y = (numpy.load(prepared.path / f"train_{axis}.npy") for axis in "xy")
    shown = [f"{''.join(letters[place] for place in x[row][-8:])} --> {letters[y[row]]}" for row in (0, 6, 14, 19)]
    assert shown == ["........ --> y", "..yuheng --> .", ".diondre --> .", "....xavi --> e"]


def test_text_is_cut_at_nine_tenths_and_says_the_character_after_each() -> None:
    splits = read_text(b"to be or not to be ")
    assert {split: len(y) for split, (_, y) in splits.items()} == {"train": 16, "val": 1}
    x, y = splits["train"]
    assert (x[1:, 0] == y[:-1]).all()
    characters = sorted(set("to be or not to be "))
    assert "".join(characters[place] for place in x[:5, 0]) == "to be"


def test_a_set_that_is_nowhere_says_which_file_to_put_where(tmp_path: Path) -> None:
    known = describe("tinyshakespeare")
    unreachable = replace(known, files=(replace(known.files[0], url="http://127.0.0.1:9/input.txt"),))
    with pytest.raises(HarnessError) as caught:
        find_sources(unreachable, [tmp_path / "nowhere"], Path, tmp_path)
    assert caught.value.code == 3
    assert "input.txt is not on this machine and cannot be fetched from http://127.0.0.1:9/" in str(caught.value)
    assert "put input.txt, plain or as .gz, into tinyshakespeare/ under a data root" in caught.value.hint


def test_arrays_whose_bytes_changed_are_refused_with_digests_and_counts(tmp_path: Path) -> None:
    path = prepare("digits", tmp_path).path / "train_y.npy"
    labels = numpy.load(path)
    labels[labels == 3] = 4
    numpy.save(path, labels)
    with pytest.raises(HarnessError) as caught:
        prepare("digits", tmp_path)
    told = str(caught.value)
    assert "train_y.npy: expected sha256" in told
    assert "'3': 146" in told
    assert "data fetch digits" in caught.value.hint


def test_a_source_that_lost_images_is_refused(tmp_path: Path) -> None:
    root = tmp_path / "root" / "fashion-mnist"
    shutil.copytree(FASHION, root)
    images = root / "train-images-idx3-ubyte.gz"
    images.write_bytes(gzip.compress(gzip.decompress(images.read_bytes())[:-784], 1))
    with pytest.raises(HarnessError, match="expected sha256 c59f468a"):
        prepare("fashion-mnist", tmp_path / "cache", tmp_path / "root")


def test_recompressed_or_plain_files_are_the_same_data(tmp_path: Path) -> None:
    root = tmp_path / "root" / "fashion-mnist"
    root.mkdir(parents=True)
    for source in FASHION.glob("*.gz"):
        content = gzip.decompress(source.read_bytes())
        if "labels" in source.name:
            (root / source.stem).write_bytes(content)
        else:
            (root / source.name).write_bytes(gzip.compress(content, 1))
    given = prepare("fashion-mnist", tmp_path / "a", tmp_path / "root")
    assert given.manifest["digest"] == prepare("fashion-mnist", tmp_path / "b").manifest["digest"]


def test_a_missing_image_folder_says_what_is_needed_and_where(tmp_path: Path) -> None:
    with pytest.raises(HarnessError) as caught:
        prepare("imagenet", tmp_path, tmp_path / "nowhere")
    assert caught.value.code == 3
    assert str(tmp_path / "nowhere" / "imagenet") in str(caught.value)
    assert "138 GB" in str(caught.value)
    assert "--data-dir" in caught.value.hint


def test_splits_with_different_classes_are_refused(tmp_path: Path) -> None:
    for place in ("train/cat/a.jpg", "val/dog/b.jpg"):
        path = tmp_path / "imagenet" / place
        path.parent.mkdir(parents=True)
        path.write_bytes(b"x")
    with pytest.raises(HarnessError, match="train has 1 classes"):
        prepare("imagenet", tmp_path / "cache", tmp_path)
