"""Crops and holes against values worked out by hand from torchvision's formulas."""

from __future__ import annotations

import numpy
import pytest
from PIL import Image

from harness.worker.crops import center_crop, erase, random_box, random_hole, resize_short_side

BILINEAR = Image.Resampling.BILINEAR


def test_random_boxes_have_the_published_areas_and_ratios() -> None:
    random = numpy.random.RandomState(0)
    boxes = numpy.array([random_box(450, 450, random) for _ in range(2000)])
    width, height = boxes[:, 2] - boxes[:, 0], boxes[:, 3] - boxes[:, 1]
    area, ratio = width * height / 450**2, width / height
    assert boxes.min() >= 0
    assert boxes.max() <= 450
    assert area.min() == pytest.approx(0.08, abs=0.005)
    assert area.max() > 0.95
    assert ratio.min() == pytest.approx(3 / 4, abs=0.02)
    assert ratio.max() == pytest.approx(4 / 3, abs=0.02)
    assert abs(numpy.log(ratio).mean()) < 0.02  # as many upright ones as flat ones


def test_scale_and_ratio_are_the_recipes() -> None:
    random = numpy.random.RandomState(0)
    boxes = numpy.array([random_box(100, 100, random, (0.25, 0.25), (1.0, 1.0)) for _ in range(50)])
    assert set(boxes[:, 2] - boxes[:, 0]) == set(boxes[:, 3] - boxes[:, 1]) == {50}


def test_where_no_box_fits_the_middle_is_taken() -> None:
    assert random_box(400, 20, numpy.random.RandomState(0), (0.9, 1.0), (1.0, 1.0)) == (190, 0, 210, 20)


@pytest.mark.parametrize(
    ("size", "resize", "becomes"),
    [
        ((500, 375), 256, (341, 256)),  # 256 x 500 / 375 = 341.3
        ((375, 500), 232, (232, 309)),  # 309.3
        ((500, 334), 256, (383, 256)),  # 383.2
        ((500, 333), 342, (513, 342)),  # 513.5 is cut, not rounded
        ((64, 64), 57, (57, 57)),
    ],
)
def test_the_long_side_is_cut_to_whole_pixels(size: tuple[int, int], resize: int, becomes: tuple[int, int]) -> None:
    assert resize_short_side(Image.new("RGB", size), resize, BILINEAR).size == becomes


@pytest.mark.parametrize(("width", "left"), [(5, 0), (7, 2), (9, 2), (8, 2)])
def test_half_pixels_of_the_centre_go_to_the_even_number(width: int, left: int) -> None:
    """(5 - 4) / 2 = 0.5 -> 0; (7 - 4) / 2 = 1.5 -> 2; (9 - 4) / 2 = 2.5 -> 2; (8 - 4) / 2 = 2."""
    columns = numpy.zeros((4, width, 3), numpy.uint8) + numpy.arange(width, dtype=numpy.uint8)[:, None]
    assert numpy.asarray(center_crop(Image.fromarray(columns), 4))[0, :, 0].tolist() == [left + i for i in range(4)]


def test_an_image_smaller_than_the_crop_gets_a_black_rim() -> None:
    pixels = numpy.asarray(center_crop(Image.new("RGB", (2, 4), (9, 9, 9)), 5))
    assert pixels.shape == (5, 5, 3)
    assert pixels[..., 0].sum() == 2 * 4 * 9
    assert pixels[:4, 1:3, 0].min() == 9  # 3 columns missing: 1 before, 2 after; 1 row missing: after


def test_holes_have_the_published_areas_and_ratios() -> None:
    random = numpy.random.RandomState(0)
    holes = numpy.array([random_hole(224, random) for _ in range(2000)])
    width, height = holes[:, 2] - holes[:, 0], holes[:, 3] - holes[:, 1]
    area, ratio = width * height / 224**2, height / width
    assert holes.min() >= 0
    assert holes.max() <= 224
    assert area.min() == pytest.approx(0.02, abs=0.002)
    assert area.max() == pytest.approx(0.33, abs=0.005)
    assert ratio.min() == pytest.approx(0.3, abs=0.02)
    assert ratio.max() == pytest.approx(3.3, abs=0.15)


def test_a_hole_is_the_mean_pixel_in_whole_numbers() -> None:
    before = numpy.full((4, 4, 3), 7, numpy.uint8)
    after = erase(before, (1, 0, 3, 2), [123.675, 116.28, 103.53])
    assert (before == 7).all()
    assert (after[0:2, 1:3] == (124, 116, 104)).all()
    assert (after == 7).sum() == 3 * (16 - 4)
