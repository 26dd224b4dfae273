"""Decoding and cropping of image folders, with real JPEGs and without a framework."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy
import pytest
from PIL import Image

from harness.worker import images
from harness.worker.data import ImageFolder


def save(path: Path, pixels: numpy.ndarray, mode: str = "RGB") -> str:
    Image.fromarray(pixels).convert(mode).save(path, quality=95)
    return str(path)


def quadrants(height: int, width: int) -> numpy.ndarray:
    """Red, green, blue and white quarters."""
    pixels = numpy.zeros((height, width, 3), numpy.uint8)
    top, left = height // 2, width // 2
    pixels[:top, :left] = (255, 0, 0)
    pixels[:top, left:] = (0, 255, 0)
    pixels[top:, :left] = (0, 0, 255)
    pixels[top:, left:] = (255, 255, 255)
    return pixels


def folder_run(tmp_path: Path, *, seed: int = 1, epoch: int = 0) -> Any:
    """A Run as far as an image folder needs one: 20 noisy images, batches in file order."""
    noise = numpy.random.RandomState(0)
    paths = [save(tmp_path / f"{i:02}.jpg", noise.randint(0, 255, (60, 80, 3), numpy.uint8)) for i in range(20)]
    folder = ImageFolder(paths, numpy.arange(20))
    return SimpleNamespace(
        seed=seed,
        epoch=epoch,
        threads=2,
        data=SimpleNamespace(folders={"train": folder, "val": folder}),
        indices=lambda _split, size: iter(numpy.arange(20).reshape(-1, size)),
        saw_batch=lambda *_arrays: None,
    )


@pytest.mark.parametrize(("height", "width"), [(200, 300), (300, 200), (64, 64)])
def test_evaluation_takes_the_centre(tmp_path: Path, height: int, width: int) -> None:
    path = save(tmp_path / "a.jpg", quadrants(height, width))
    pixels = images.load_eval(path, 64, 56)
    assert pixels.shape == (56, 56, 3)
    assert pixels.dtype == numpy.uint8
    corners = pixels[[4, 4, -4, -4], [4, -4, 4, -4]].astype(int)
    assert numpy.abs(corners - [(255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 255)]).max() < 12


@pytest.mark.parametrize("mode", ["L", "CMYK"])
def test_grey_and_printing_colours_become_three_channels(tmp_path: Path, mode: str) -> None:
    # ImageNet holds JPEGs of both kinds.
    path = save(tmp_path / "a.jpg", quadrants(80, 80), mode)
    assert images.load_train(path, numpy.random.RandomState(0), 32).shape == (32, 32, 3)
    assert images.load_eval(path, 37, 32).shape == (32, 32, 3)


def test_random_boxes_have_the_published_areas_and_ratios() -> None:
    random = numpy.random.RandomState(0)
    boxes = numpy.array([images._random_box(450, 450, random) for _ in range(2000)])
    width, height = boxes[:, 2] - boxes[:, 0], boxes[:, 3] - boxes[:, 1]
    area, ratio = width * height / 450**2, width / height
    assert boxes.min() >= 0
    assert boxes.max() <= 450
    assert area.min() == pytest.approx(0.08, abs=0.005)
    assert area.max() > 0.95
    assert ratio.min() == pytest.approx(3 / 4, abs=0.02)
    assert ratio.max() == pytest.approx(4 / 3, abs=0.02)
    assert abs(numpy.log(ratio).mean()) < 0.02  # as many upright ones as flat ones


def test_a_training_image_depends_on_seed_epoch_and_row_and_on_nothing_else(tmp_path: Path) -> None:
    def pixels(**changes: Any) -> numpy.ndarray:
        threads = changes.pop("threads", 1)
        size = changes.pop("batch_size", 10)
        run = folder_run(tmp_path, **changes)
        return numpy.concatenate([x for x, _ in images.batches(run, "train", size, 24, threads=threads)])

    first = pixels()
    assert first.shape == (20, 24, 24, 3)
    assert (first == pixels(threads=4, batch_size=4)).all()
    assert (first != pixels(seed=2)).any()
    assert (first != pixels(epoch=1)).any()
    assert len({image.tobytes() for image in first}) == 20


def test_about_half_of_the_training_images_are_flipped(tmp_path: Path) -> None:
    left_red = numpy.zeros((40, 40, 3), numpy.uint8)
    left_red[:, :20, 0] = 255
    path = save(tmp_path / "a.jpg", left_red)
    flipped = 0
    told = 0
    for seed in range(300):
        pixels = images.load_train(path, numpy.random.RandomState(seed), 16)[:, :, 0].astype(int)
        left, right = pixels[:, 0].mean(), pixels[:, -1].mean()
        if abs(left - right) > 100:  # the crop holds both halves
            told += 1
            flipped += right > left
    assert told > 100
    assert 0.4 < flipped / told < 0.6


def test_a_broken_image_ends_the_epoch_with_its_name(tmp_path: Path) -> None:
    run = folder_run(tmp_path)
    Path(run.data.folders["train"].paths[7]).write_bytes(b"\xff\xd8no picture")
    with pytest.raises(OSError, match=r"07\.jpg"):
        list(images.batches(run, "train", 10, 24))
