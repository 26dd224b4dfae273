"""The photographs out of scikit-image's wheel, and the PNGs that they become."""

from __future__ import annotations

import io
from pathlib import Path

import numpy
import pytest
from PIL import Image

from harness.core.errors import HarnessError
from harness.datasets.photographs import as_png, cut
from tests.datasets.test_prepare import prepare

DIGEST = "0f2d62ca105163434db132a8ccd549a226665a9b0bc3e68f2dac93ff05c66a76"


def test_they_are_the_same_bytes_on_every_machine(tmp_path: Path) -> None:
    prepared = prepare("photographs", tmp_path)
    assert prepared.manifest["digest"] == DIGEST
    assert [split["samples"] for split in prepared.manifest["splits"].values()] == [240, 80]
    assert {count for split in prepared.manifest["splits"].values() for count in split["counts"].values()} == {24, 8}
    assert all(picture["licence"] for picture in prepared.manifest["origin"])
    assert prepare("photographs", tmp_path, verify=True).manifest == prepared.manifest
    changed = next(prepared.path.glob("val/*/*.png"))
    changed.write_bytes(changed.read_bytes()[:-20] + b"x" * 20)
    with pytest.raises(HarnessError, match="val: expected 80 images with sha256 722a0d98"):
        prepare("photographs", tmp_path)


@pytest.mark.parametrize("shape", [(303, 384), (512, 512)])
def test_no_pixel_trains_and_validates(shape: tuple[int, int]) -> None:
    """In the smallest picture and in a large one; pixels are numbers of their places."""
    places = numpy.arange(shape[0] * shape[1]).reshape(shape)
    pieces = [(split, piece) for split, _, piece in cut(places)]
    assert {piece.shape for _, piece in pieces} == {(96, 96)}
    train, validate = (
        {int(at) for name, piece in pieces if name == split for at in piece.flat} for split in ("train", "val")
    )
    assert not train & validate
    assert len({piece.tobytes() for _, piece in pieces}) == 32


@pytest.mark.parametrize("shape", [(96, 96), (96, 96, 3), (300, 301, 3)])
def test_a_png_of_ours_is_read_by_others(shape: tuple[int, ...]) -> None:
    pixels = numpy.random.RandomState(0).randint(0, 256, shape, numpy.uint8)
    with Image.open(io.BytesIO(as_png(pixels))) as image:
        image.verify()  # checksums
    with Image.open(io.BytesIO(as_png(pixels))) as image:
        assert (numpy.asarray(image) == pixels).all()
