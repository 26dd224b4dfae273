"""Shards of real JPEGs, from folders and from TFRecord files, and what a kill leaves of them."""

from __future__ import annotations

import io
import json
import shutil
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy
import pytest
from PIL import Image

from harness import datasets
from harness.core.errors import HarnessError
from harness.datasets import Prepared, Wish, describe, make_shards
from harness.datasets.shards import check_room, shrink
from harness.wire.tfrecord import framed
from harness.worker import images
from harness.worker.data import Data, open_data
from tests.commands.test_frameworks import make_imagenet
from tests.conftest import REPOSITORY
from tests.datasets.records import example

IMAGENET = describe("imagenet")


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data root with an ImageNet of 48 and 24 images."""
    folder = tmp_path_factory.mktemp("data")
    make_imagenet(folder)
    return folder


def make(root: Path, into: Path, short_side: int = 0, **changes: Any) -> Prepared:
    wish = Wish(into=into, short_side=short_side, threads=2, images_per_shard=7)
    return make_shards(IMAGENET, [root], wish, changes.get("say", print))


def opened(prepared: Prepared) -> Data:
    return open_data({"path": str(prepared.path), "manifest": prepared.manifest})


def folder_of(root: Path, cache: Path) -> Prepared:
    return datasets.prepare("imagenet", cache=cache, data_roots=[root], install=Path, say=print)


def seen(data: Data, split: str) -> tuple[numpy.ndarray, numpy.ndarray]:
    """The pixels and labels of a split as a training sees them."""
    samples = len(data.folders[split].labels)
    run = SimpleNamespace(
        seed=3,
        epoch=1,
        threads=2,
        hparams={"image_size": 32, "auto_augment": "randaugment"},
        data=data,
        indices=lambda *_: iter([numpy.arange(samples)[::-1]]),
        saw_batch=lambda *_arrays: None,
    )
    ((pixels, labels),) = images.batches(run, split, samples)
    return pixels, labels


def test_files_kept_as_they_are_give_the_pixels_of_the_folder(root: Path, tmp_path: Path) -> None:
    kept, lies = opened(make(root, tmp_path)), opened(folder_of(root, tmp_path / "other"))
    for split in ("train", "val"):
        (ours, our_labels), (theirs, their_labels) = seen(kept, split), seen(lies, split)
        assert (our_labels == their_labels).all()
        assert (ours == theirs).all()
    assert (kept.classes, kept.sample_shape) == (lies.classes, lies.sample_shape)
    assert kept.digest != lies.digest


def test_a_training_finds_the_shards_and_says_that_they_are_not_all_of_imagenet(root: Path, tmp_path: Path) -> None:
    made = make(root, tmp_path, 48)
    found = folder_of(root, tmp_path)
    assert (found.path, found.manifest) == (made.path, made.manifest)
    assert folder_of(tmp_path, tmp_path / "elsewhere").path == made.path  # under a data root
    assert found.manifest["complete"] is False
    assert found.manifest["made"]["short_side"] == 48
    assert found.manifest["splits"]["train"]["counts"] == {f"n0000000{label}": 8 for label in range(6)}
    assert found.manifest["splits"]["train"]["shards"] == 7  # 48 images, 7 each


def test_larger_images_are_shrunk_and_others_keep_their_bytes(root: Path) -> None:
    for path in sorted((root / "imagenet" / "train").glob("*/*"))[:12]:
        with Image.open(path) as before, Image.open(io.BytesIO(shrink(path, 64))) as after:
            if min(before.size) <= 64:
                assert shrink(path, 64) == path.read_bytes()
                continue
            short, long = sorted(before.size)
            assert sorted(after.size) == [64, int(long * 64 / short)]
            assert (after.mode, after.format) == ("RGB", "JPEG")
        assert shrink(path, 0) == path.read_bytes()


def as_records(root: Path, into: Path, first: int = 1) -> Path:
    """The images under ``root`` as two and one TFRecord files; labels from ``first``, as the published ones from 1."""
    folder = into / "imagenet"
    folder.mkdir(parents=True)
    for split, name, files in (("train", "train", 2), ("val", "validation", 1)):
        paths = sorted((root / "imagenet" / split).glob("*/*"))
        for number in range(files):
            content = b"".join(
                framed(example(path.read_bytes(), int(path.parent.name[-1]) + first)) for path in paths[number::files]
            )
            (folder / f"{name}-{number:05}-of-{files:05}").write_bytes(content)
    return into


@pytest.mark.parametrize("first", [0, 1])
def test_records_give_the_images_and_labels_of_the_folder(root: Path, tmp_path: Path, first: int) -> None:
    made = make(as_records(root, tmp_path / "records", first), tmp_path)
    assert made.manifest["made"] == {"from": "tfrecord", "short_side": 0}
    assert made.manifest["splits"]["val"]["counts"] == {str(label): 4 for label in range(6)}
    data, lies = opened(made), opened(folder_of(root, tmp_path / "other"))
    wanted = list(range(0, 48, 2)) + list(range(1, 48, 2))
    assert data.folders["train"].labels.tolist() == lies.folders["train"].labels[wanted].tolist()
    for row, place in enumerate(wanted):
        source = data.folders["train"].source(row)
        assert isinstance(source, io.BytesIO)
        assert source.getvalue() == Path(str(lies.folders["train"].source(place))).read_bytes()


def test_a_missing_record_file_is_noticed(root: Path, tmp_path: Path) -> None:
    records = as_records(root, tmp_path / "records")
    (records / "imagenet" / "train-00000-of-00002").unlink()
    with pytest.raises(HarnessError, match="1 of 2 train files are there"):
        make(records, tmp_path)


KILLED = """
import sys
from pathlib import Path
from harness.datasets import Wish, describe, make_shards
wish = Wish(into=Path(sys.argv[2]), short_side=48, threads=1, images_per_shard=7)
make_shards(describe("imagenet"), [Path(sys.argv[1])], wish, lambda text: (print(text, flush=True), input()))
"""


def test_what_a_kill_leaves_is_gone_on_with(root: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-c", KILLED, str(root), str(tmp_path / "killed")]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, text=True, cwd=REPOSITORY, stdin=pipe, stdout=pipe) as process:
        assert process.stdout
        assert process.stdin
        for line in process.stdout:
            process.stdin.write("go on\n")
            process.stdin.flush()
            if line.startswith("3 of 11"):
                process.kill()  # SIGKILL, at some moment of the fourth shard: after it nobody says go on
                break
    work = tmp_path / "killed" / ".imagenet-shards"
    left = {path.name: path.stat().st_mtime_ns for path in work.glob("*.images")}
    assert len(left) >= 3
    assert not (tmp_path / "killed" / "imagenet-shards").exists()
    with pytest.raises(HarnessError, match=r"was begun with .*48.*, and now it would be .*32"):
        make(root, tmp_path / "killed", 32)
    told: list[str] = []
    resumed = make(root, tmp_path / "killed", 48, say=told.append)
    again = {path.name: path.stat().st_mtime_ns for path in resumed.path.glob("*.images")}
    kept = sum(again[name] == left[name] for name in left)
    assert kept >= 3  # were not written anew
    assert told[0].startswith(f"imagenet: {kept} shards are there; about ")
    assert resumed.manifest == make(root, tmp_path / "whole", 48).manifest
    assert not list(resumed.path.glob("*.partial"))


def test_making_it_twice_is_no_work_and_making_it_otherwise_is_refused(root: Path, tmp_path: Path) -> None:
    told: list[str] = []
    first = make(root, tmp_path)
    assert make(root, tmp_path, say=told.append) == first
    assert told == ["imagenet is prepared already"]
    with pytest.raises(HarnessError, match="was made otherwise"):
        make(root, tmp_path, 48)


def test_size_and_time_are_stated_before_anything_is_written(root: Path, tmp_path: Path) -> None:
    told: list[str] = []
    make(root, tmp_path, say=told.append)
    assert told[0].startswith("imagenet: about 72 images to write, 0.0 GB into ")
    assert "GB are free), about 0.0 minutes with 2 threads, as 48 of them tell" in told[0]


def test_a_disk_that_is_too_small_is_refused() -> None:
    check_room(47e9, 48.1e9, Path("/data"))
    with pytest.raises(HarnessError, match=r"47\.0 GB are needed, 1 GB to spare, and 47\.9 GB are free") as caught:
        check_room(47e9, 47.9e9, Path("/data"))
    assert caught.value.code == 3


def test_changed_and_cut_shards_are_refused(root: Path, tmp_path: Path) -> None:
    made = make(root, tmp_path)
    shard = made.path / "train-00002-of-00007.images"
    content = shard.read_bytes()
    shard.write_bytes(content[:500] + b"?" + content[501:])
    folder_of(root, tmp_path)  # a run looks at sizes only
    with pytest.raises(HarnessError, match=r"train-00002-of-00007\.images: expected"):
        datasets.verify("imagenet", cache=tmp_path, data_roots=[root], install=Path, say=print)
    shard.write_bytes(content[:-1])
    with pytest.raises(HarnessError, match=r"found .* with a sha256 that was not asked for"):
        folder_of(root, tmp_path)
    shard.write_bytes(content)
    manifest = made.path / "manifest.json"
    manifest.write_text(manifest.read_text().replace('"samples": 48', '"samples": 47'))
    with pytest.raises(HarnessError, match="was changed"):
        folder_of(root, tmp_path)


def test_an_image_that_is_none_is_told_by_its_place(root: Path, tmp_path: Path) -> None:
    shutil.copytree(root, tmp_path / "root")
    broken = sorted((tmp_path / "root" / "imagenet" / "train").glob("*/*"))[9]
    broken.write_bytes(b"no picture")
    data = opened(make(tmp_path / "root", tmp_path))
    with pytest.raises(OSError, match=r"train-00001-of-00007\.images, row 9"):
        seen(data, "train")


def test_no_source_says_both_layouts(tmp_path: Path) -> None:
    with pytest.raises(HarnessError) as caught:
        make(tmp_path, tmp_path)
    assert caught.value.code == 3
    assert "imagenet/train/<class>/*.JPEG" in str(caught.value)
    assert "train-00000-of-01024" in str(caught.value)


def test_a_set_that_is_no_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(HarnessError, match="digits is no image folder of yours"):
        make_shards(describe("digits"), [], Wish(into=tmp_path, short_side=0, threads=1), print)


def test_json_of_the_manifest_is_small_whatever_the_number_of_shards(root: Path, tmp_path: Path) -> None:
    """It stands in every record."""
    assert len(json.dumps(make(root, tmp_path).manifest)) < 3000
