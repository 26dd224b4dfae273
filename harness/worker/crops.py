"""Where an image is cut and what is cut out of it, as torchvision's training references do it.

Drawing and doing are apart: a ``random_...`` function draws numbers, the others use them.
"""

from __future__ import annotations

import math
from typing import Optional, Sequence, Tuple

import numpy
from PIL import Image

SCALE, RATIO = (0.08, 1.0), (3 / 4, 4 / 3)  # Szegedy et al. 2015, section 6
ERASED, ERASED_RATIO = (
    (0.02, 0.33),
    (0.3, 3.3),
)  # torchvision RandomErasing; Zhong et al. 2017, section 4.2: 0.02 to 0.4
TRIES = 10  # boxes drawn before one is taken that is sure to fit

Box = Tuple[int, int, int, int]  # left, top, right, bottom


def random_box(
    width: int,
    height: int,
    random: numpy.random.RandomState,
    scale: Sequence[float] = SCALE,
    ratio: Sequence[float] = RATIO,
) -> Box:
    """A box of ``scale`` of the area, its width over its height within ``ratio``, even on a logarithmic scale.

    Where ten draws do not fit, the largest square in the middle, as in fb.resnet.torch; torchvision takes
    the largest box of an allowed ratio.  That is seen in images more than three times as long as wide.
    """
    for _ in range(TRIES):
        area = width * height * random.uniform(scale[0], scale[1])
        aspect = math.exp(random.uniform(math.log(ratio[0]), math.log(ratio[1])))
        w, h = round(math.sqrt(area * aspect)), round(math.sqrt(area / aspect))
        if 0 < w <= width and 0 < h <= height:
            left, top = random.randint(0, width - w + 1), random.randint(0, height - h + 1)
            return left, top, left + w, top + h
    side = min(width, height)
    left, top = (width - side) // 2, (height - side) // 2
    return left, top, left + side, top + side


def random_hole(side: int, random: numpy.random.RandomState) -> Optional[Box]:
    """What random erasing takes out of an image of ``side`` x ``side`` pixels; None where ten draws do not fit."""
    for _ in range(TRIES):
        area = side * side * random.uniform(ERASED[0], ERASED[1])
        aspect = math.exp(random.uniform(math.log(ERASED_RATIO[0]), math.log(ERASED_RATIO[1])))
        h, w = round(math.sqrt(area * aspect)), round(math.sqrt(area / aspect))
        if h < side and w < side:
            top, left = random.randint(0, side - h + 1), random.randint(0, side - w + 1)
            return left, top, left + w, top + h
    return None


def erase(pixels: numpy.ndarray, hole: Box, fill: Sequence[float]) -> numpy.ndarray:
    """A copy of uint8 [height, width, 3] with ``fill`` in the hole.

    torchvision erases after normalisation, by zero: the mean pixel.  Here the mean is rounded to a whole
    number first, so that what stands there is within 0.5 / pixel_std (0.009 for ImageNet's) of zero.
    """
    left, top, right, bottom = hole
    erased = pixels.copy()
    erased[top:bottom, left:right] = numpy.rint(fill).astype(numpy.uint8)
    return erased


def resize_short_side(image: Image.Image, size: int, resample: Image.Resampling) -> Image.Image:
    """The short side becomes ``size``; the long one is cut to whole pixels, as torchvision's Resize does it."""
    short, long = sorted(image.size)
    other = int(size * long / short)
    return image.resize((size, other) if image.width <= image.height else (other, size), resample)


def center_crop(image: Image.Image, size: int) -> Image.Image:
    """``size`` x ``size`` pixels of the middle, black where the image is smaller.

    Half pixels are rounded to the even number, as torchvision's center_crop does it.
    """
    if min(image.size) < size:
        image = _pad(image, size)
    left, top = round((image.width - size) / 2), round((image.height - size) / 2)
    return image.crop((left, top, left + size, top + size))


def _pad(image: Image.Image, size: int) -> Image.Image:
    missing = max(size - image.width, 0), max(size - image.height, 0)
    padded = Image.new("RGB", (image.width + missing[0], image.height + missing[1]))
    padded.paste(image, (missing[0] // 2, missing[1] // 2))
    return padded
