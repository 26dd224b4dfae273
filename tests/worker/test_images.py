"""Decoding and cropping of image folders, with real JPEGs and without a framework."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy
import pytest
from PIL import Image

from harness.worker import images
from harness.worker.crops import random_box
from harness.worker.data import ImageFolder, order

PLAIN = images.treatment_of({"image_size": 32})


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


def folder_run(tmp_path: Path, *, seed: int = 1, epoch: int = 0, **hparams: Any) -> Any:
    """A Run as far as an image folder needs one: 20 noisy images, batches in file order."""
    noise = numpy.random.RandomState(0)
    paths = [save(tmp_path / f"{i:02}.jpg", noise.randint(0, 255, (60, 80, 3), numpy.uint8)) for i in range(20)]
    folder = ImageFolder(paths, numpy.arange(20))
    return SimpleNamespace(
        seed=seed,
        epoch=epoch,
        threads=2,
        hparams={"image_size": 24, **hparams},
        data=SimpleNamespace(folders={"train": folder, "val": folder}),
        indices=lambda _split, size, rows=None, **_: iter(
            (numpy.arange(20) if rows is None else rows).reshape(-1, size)
        ),
        saw_batch=lambda *_arrays: None,
    )


@pytest.mark.parametrize(("height", "width"), [(200, 300), (300, 200), (64, 64)])
def test_evaluation_takes_the_centre(tmp_path: Path, height: int, width: int) -> None:
    path = save(tmp_path / "a.jpg", quadrants(height, width))
    pixels = images.load_eval(path, PLAIN._replace(eval_resize=64, eval_size=56))
    assert pixels.shape == (56, 56, 3)
    assert pixels.dtype == numpy.uint8
    corners = pixels[[4, 4, -4, -4], [4, -4, 4, -4]].astype(int)
    assert numpy.abs(corners - [(255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 255)]).max() < 12


@pytest.mark.parametrize("mode", ["L", "CMYK"])
def test_grey_and_printing_colours_become_three_channels(tmp_path: Path, mode: str) -> None:
    # ImageNet holds JPEGs of both kinds.
    path = save(tmp_path / "a.jpg", quadrants(80, 80), mode)
    assert images.load_train(path, numpy.random.RandomState(0), PLAIN).shape == (32, 32, 3)
    assert images.load_eval(path, PLAIN).shape == (32, 32, 3)


def test_a_training_image_depends_on_seed_epoch_and_row_and_on_nothing_else(tmp_path: Path) -> None:
    def pixels(**changes: Any) -> numpy.ndarray:
        threads = changes.pop("threads", 1)
        size = changes.pop("batch_size", 10)
        run = folder_run(tmp_path, **changes)
        return numpy.concatenate([x for x, _ in images.batches(run, "train", size, threads=threads)])

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
        pixels = images.load_train(path, numpy.random.RandomState(seed), PLAIN)[:, :, 0].astype(int)
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
        list(images.batches(run, "train", 10))


def test_the_pixels_of_the_plain_recipe_are_what_they_were(tmp_path: Path) -> None:
    """Published numbers are compared with trainings on these: crop, then flip, and nothing else drawn."""
    run = folder_run(tmp_path)
    expected = []
    for row, path in enumerate(run.data.folders["train"].paths):
        random = numpy.random.RandomState([1, 0, row])
        box = random_box(80, 60, random)
        with Image.open(path) as image:
            pixels = numpy.asarray(image.crop(box).resize((24, 24), Image.Resampling.BILINEAR))
        expected.append(pixels[:, ::-1] if random.uniform() < 0.5 else pixels)
    ((pixels, _),) = images.batches(run, "train", 20)
    assert (pixels == numpy.stack(expected)).all()


def test_what_the_recipe_does_not_say_is_off() -> None:
    said = images.treatment_of({"image_size": 224})
    assert (said.eval_resize, said.eval_size, said.policy, said.erasing) == (256, 224, "none", 0.0)
    assert (said.scale, said.ratio, said.flip) == ((0.08, 1.0), (3 / 4, 4 / 3), 0.5)
    swin = images.treatment_of({"image_size": 224, "eval_resize": 232, "interpolation": "bicubic"})
    assert (swin.eval_resize, swin.eval_size, swin.resample) == (232, 224, Image.Resampling.BICUBIC)
    assert images.treatment_of({"image_size": 176, "eval_size": 224}).eval_resize == 256


def test_a_word_that_nobody_knows_is_refused_with_those_that_are_known() -> None:
    with pytest.raises(ValueError, match=r"auto_augment is one of none, randaugment, .* not 'randaug'"):
        images.treatment_of({"image_size": 224, "auto_augment": "randaug"})


def test_every_step_changes_training_images_and_no_other_ones(tmp_path: Path) -> None:
    def pixels(split: str, **hparams: Any) -> numpy.ndarray:
        ((found, _),) = images.batches(folder_run(tmp_path, **hparams), split, 20)
        return found

    mean = {"pixel_mean": [9.6, 0.0, 255.0]}
    plain, evaluated = pixels("train"), pixels("val")
    for step in (
        {"auto_augment": "randaugment"},
        {"auto_augment": "trivialaugment"},
        {"auto_augment": "autoaugment"},
        {"random_erasing": 1.0, **mean},
        {"flip": 1.0},
        {"crop_scale": [0.5, 1.0]},
    ):
        changed = pixels("train", **step)
        assert (changed != plain).any(axis=(1, 2, 3)).mean() > 0.4, step
        assert (changed == pixels("train", **step)).all()
        assert (pixels("val", **step) == evaluated).all()
    erased = pixels("train", random_erasing=1.0, **mean)
    assert ((erased == (10, 0, 255)) | (erased == plain)).all()


def test_a_repeated_image_comes_in_a_row_and_each_time_otherwise(tmp_path: Path) -> None:
    run = folder_run(tmp_path, repeated_augmentation=3)
    found = list(images.batches(run, "train", 10))
    labels = numpy.concatenate([labels for _, labels in found])
    assert labels.tolist() == order(1, 0, 20).repeat(3)[:20].tolist()
    pixels = numpy.concatenate([pixels for pixels, _ in found])
    assert len({image.tobytes() for image in pixels}) == 20
    once = numpy.concatenate([pixels for pixels, _ in images.batches(folder_run(tmp_path), "train", 10)])
    assert (pixels[::3] == once[labels[::3]]).all()  # the first of each is what it would be alone


def test_synthetic_input_reads_no_file_and_has_the_shapes_of_the_real_one(tmp_path: Path) -> None:
    run = folder_run(tmp_path, input="synthetic", eval_size=40)
    for path in run.data.folders["train"].paths:
        Path(path).unlink()
    found = [(x.shape, x.dtype == numpy.uint8, len(y)) for x, y in images.batches(run, "train", 10)]
    assert found == [((10, 24, 24, 3), True, 10)] * 2
    assert [x.shape for x, _ in images.batches(run, "val", 20)] == [(20, 40, 40, 3)]
