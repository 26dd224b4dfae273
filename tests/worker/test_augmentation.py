"""Policies and operations against values worked out by hand; torchvision itself is not asked here."""

from __future__ import annotations

from collections import Counter

import numpy
import pytest
from PIL import Image

from harness.worker.augmentation import (
    IMAGENET_POLICY,
    OPERATIONS,
    POLICIES,
    REACH,
    SIGNED,
    WIDE_REACH,
    apply,
    magnitude,
)

NEAREST, BILINEAR = Image.Resampling.NEAREST, Image.Resampling.BILINEAR


def picture(*rows: list[int]) -> Image.Image:
    """Grey values as an RGB image."""
    return Image.fromarray(numpy.repeat(numpy.array(rows, numpy.uint8)[..., None], 3, axis=2))


def grey(image: Image.Image) -> list[list[int]]:
    pixels = numpy.asarray(image)
    assert (pixels == pixels[..., :1]).all()
    values: list[list[int]] = pixels[..., 0].tolist()
    return values


@pytest.mark.parametrize(
    ("name", "level", "expected", "wide"),
    [
        ("ShearX", 9 / 30, 0.09, 0.297),  # 0.3 x 9 / 30; 0.99 x 9 / 30
        ("TranslateX", 9 / 30, 150 / 331 * 224 * 0.3, 9.6),  # 30.45 of 224 pixels; 32 x 9 / 30
        ("Rotate", 1.0, 30.0, 135.0),
        ("Brightness", 0.5, 0.45, 0.495),
        ("Posterize", 9 / 30, 7, 6),  # 8 - round(1.2); 8 - round(1.8)
        ("Posterize", 1.0, 4, 2),
        ("Solarize", 9 / 30, 178.5, 178.5),
        ("Equalize", 0.7, 0.0, 0.0),
    ],
)
def test_a_magnitude_means_what_it_means_to_torchvision(name: str, level: float, expected: float, wide: float) -> None:
    assert magnitude(name, level, REACH, 224) == pytest.approx(expected)
    assert magnitude(name, level, WIDE_REACH, 1) == pytest.approx(wide)


@pytest.mark.parametrize(
    ("name", "amount", "after"),
    [
        ("Identity", 0.0, [[0, 40, 80], [120, 160, 200]]),
        ("TranslateX", 1.9, [[0, 0, 40], [0, 120, 160]]),  # by whole pixels, black comes in
        ("TranslateY", -1.0, [[120, 160, 200], [0, 0, 0]]),
        ("ShearX", 1.0, [[40, 80, 0], [200, 0, 0]]),  # centres come from y + 1/2 further right: by 1, then by 2
        ("Brightness", 0.5, [[0, 60, 120], [180, 240, 255]]),
        ("Brightness", -0.5, [[0, 20, 40], [60, 80, 100]]),
        ("Color", 0.9, [[0, 40, 80], [120, 160, 200]]),  # grey has none
        ("Contrast", -0.9, [[90, 94, 98], [102, 106, 110]]),  # nine tenths towards the mean, 100
        ("Posterize", 1.0, [[0, 0, 0], [0, 128, 128]]),
        ("Solarize", 120.0, [[0, 40, 80], [135, 95, 55]]),
        ("AutoContrast", 0.0, [[0, 51, 102], [153, 204, 254]]),  # times 255 / 200, cut to whole numbers
        ("Invert", 0.0, [[255, 215, 175], [135, 95, 55]]),
    ],
)
def test_an_operation_does_what_its_name_says(name: str, amount: float, after: list[list[int]]) -> None:
    assert grey(apply(picture([0, 40, 80], [120, 160, 200]), (name, amount), NEAREST)) == after


def test_a_positive_rotation_goes_against_the_clock() -> None:
    turned = apply(picture([1, 2, 3], [4, 5, 6], [7, 8, 9]), ("Rotate", 90.0), NEAREST)
    assert grey(turned) == [[3, 6, 9], [2, 5, 8], [1, 4, 7]]


def test_shears_are_inverse_slopes() -> None:
    """The pixel at (x, y) comes from x + y / 2, and what is not there is black; between two pixels, their mean."""
    rows = [[0, 10, 20, 30], [0, 10, 20, 30], [0, 10, 20, 30]]
    sheared = grey(apply(picture(*rows), ("ShearX", 0.5), BILINEAR))
    # Pillow asks for pixel centres: x + 1/2 + (y + 1/2) / 2 - 1/2.
    assert sheared[0][:3] == [2, 12, 22]  # 2.5, cut
    assert sheared[1][:2] == [7, 17]


def test_equalizing_spreads_four_values_evenly() -> None:
    """Pillow's formula: a step of (16 - 4) // 255 = 0 pixels leaves so small an image alone; with 1,024 it spreads."""
    small = picture([0, 40], [80, 120])
    assert grey(apply(small, ("Equalize", 0.0), NEAREST)) == [[0, 40], [80, 120]]
    large = Image.fromarray(numpy.repeat(numpy.asarray(small), 256, axis=0))
    found = sorted({value for row in grey(apply(large, ("Equalize", 0.0), NEAREST)) for value in row})
    assert found == [0, 85, 171, 255]  # a step is 768 // 255 = 3: (1, 257, 513, 769) // 3, and 256 is too much


def test_randaugment_draws_two_operations_evenly_at_one_strength() -> None:
    random = numpy.random.RandomState(0)
    drawn = [POLICIES["randaugment"](random, 224) for _ in range(2000)]
    assert {len(operations) for operations in drawn} == {2}
    names = Counter(name for operations in drawn for name, _ in operations)
    assert set(names) == set(OPERATIONS)
    assert min(names.values()) > 0.8 * 4000 / 14
    slopes = {round(amount, 6) for operations in drawn for name, amount in operations if name == "ShearX"}
    assert slopes == {-0.09, 0.09}
    assert {amount for operations in drawn for name, amount in operations if name == "Posterize"} == {7.0}


def test_trivialaugment_draws_one_operation_at_any_strength() -> None:
    random = numpy.random.RandomState(0)
    drawn = [POLICIES["trivialaugment"](random, 224) for _ in range(6000)]
    assert {len(operations) for operations in drawn} == {1}
    turns = {round(abs(operations[0][1]) / 4.5) for operations in drawn if operations[0][0] == "Rotate"}
    assert turns == set(range(31))
    bits = {operations[0][1] for operations in drawn if operations[0][0] == "Posterize"}
    assert bits == {2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0}
    assert not {name for operations in drawn for name, amount in operations if amount < 0} - set(SIGNED)


def test_autoaugment_draws_from_its_25_pairs_with_their_probabilities() -> None:
    assert len(IMAGENET_POLICY) == 25
    random = numpy.random.RandomState(0)
    drawn = [POLICIES["autoaugment"](random, 224) for _ in range(5000)]
    means = sum(probability for pair in IMAGENET_POLICY for _, probability, _ in pair) / 25
    assert numpy.mean([len(operations) for operations in drawn]) == pytest.approx(means, abs=0.03)
    contrasts = Counter(round(amount, 6) for operations in drawn for name, amount in operations if name == "Contrast")
    assert set(contrasts) == {-0.8, 0.8}  # 0.9 x 8 / 9, with either sign
    assert sum(contrasts.values()) / 5000 == pytest.approx(2 / 25, abs=0.015)  # in two pairs, always
