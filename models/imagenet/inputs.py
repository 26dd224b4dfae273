"""Pixels as both frameworks get them: uint8 [n, height, width, channels], in the same order.

What a recipe for arrays of small grey images says: ``channels`` 1 leaves them as they are, else they become 32 x 32
in three channels; ``shift_pixels``, ``flip`` (probability, 0) and ``random_erasing`` (probability, 0, with the grey
value ``erasing_fill``) are drawn by numpy's global generator, which the worker seeds and no framework draws from:
both frameworks see the same images.
"""

from __future__ import annotations

import math
from typing import Any, Dict, Iterator, Optional, Tuple

import numpy

ERASED, ERASED_RATIO = (0.02, 0.4), (0.3, 1 / 0.3)  # Zhong et al. 2017, "Random Erasing Data Augmentation", section 4
TRIES = 100  # holes drawn before an image is left whole
SIDE = 32  # pixels: the smallest input that still leaves ResNet-50 one pixel after its five halvings


def batches(run: Any, split: str, batch_size: int) -> Iterator[Tuple[numpy.ndarray, numpy.ndarray]]:
    """Batches (pixels uint8 [n, height, width, 3], labels int64 [n]) of arrays or of an image folder."""
    if split in run.data.folders:
        from harness.worker import images  # only image folders need Pillow

        yield from images.batches(run, split, batch_size)
        return
    grey = int(run.hparams.get("channels", 3)) == 1
    for small, labels in run.batches(split, batch_size):
        images = small.transpose(0, 2, 3, 1) if grey else as_images(small)
        yield (augmented(images, run.hparams) if split == "train" else numpy.ascontiguousarray(images)), labels


def augmented(images: numpy.ndarray, hparams: Dict[str, Any]) -> numpy.ndarray:
    images = shift(images, int(hparams["shift_pixels"]))
    if hparams.get("flip"):
        flipped = numpy.random.random_sample(len(images)) < float(hparams["flip"])
        images = numpy.where(flipped[:, None, None, None], images[:, :, ::-1], images)
    if hparams.get("random_erasing"):
        images = erase(images, float(hparams["random_erasing"]), int(hparams["erasing_fill"]))
    return images


def as_images(small: numpy.ndarray) -> numpy.ndarray:
    """Grey images [n, 1, h, w] -> [n, 32, 32, 3]: each pixel repeated as often as fits, a rim of
    zeros (the background of both data sets) around that, and the same values in all three channels.

    8 x 8 becomes 32 x 32 by repeating four times; 28 x 28 gets a rim of two pixels.
    """
    n, c, h, w = small.shape
    if c != 1 or h != w or h > SIDE:
        raise ValueError("expected grey square images of at most %d pixels, not %s" % (SIDE, small.shape[1:]))
    times = SIDE // h
    large = small[:, 0].repeat(times, axis=1).repeat(times, axis=2)
    before = (SIDE - h * times) // 2
    rim = (before, SIDE - h * times - before)
    large = numpy.pad(large, ((0, 0), rim, rim))
    return numpy.broadcast_to(large[..., None], (n, SIDE, SIDE, 3)).copy()


def shift(images: numpy.ndarray, reach: int) -> numpy.ndarray:
    """Move each image by up to ``reach`` pixels both ways, zeros coming in: the random crop of He et al.
    2016, section 4.2, without the flip, which would make other characters.
    """
    if reach == 0:
        return images
    n, h, w, _ = images.shape
    padded = numpy.pad(images, ((0, 0), (reach, reach), (reach, reach), (0, 0)))
    down, right = numpy.random.randint(0, 2 * reach + 1, (2, n))
    return numpy.stack([padded[i, down[i] : down[i] + h, right[i] : right[i] + w] for i in range(n)])


def erase(images: numpy.ndarray, probability: float, fill: int) -> numpy.ndarray:
    """Algorithm 1 of Zhong et al. 2017: a rectangle of random size and place is one grey, in that share of images."""
    erased = images.copy()
    for image in erased:
        hole = random_hole(*image.shape[:2]) if numpy.random.random_sample() < probability else None
        if hole:
            image[hole] = fill
    return erased


def random_hole(height: int, width: int) -> Optional[Tuple[slice, slice]]:
    for _ in range(TRIES):
        area = height * width * numpy.random.uniform(*ERASED)
        aspect = numpy.random.uniform(*ERASED_RATIO)
        h, w = round(math.sqrt(area * aspect)), round(math.sqrt(area / aspect))
        if h < height and w < width:
            top, left = numpy.random.randint(0, height - h + 1), numpy.random.randint(0, width - w + 1)
            return slice(top, top + h), slice(left, left + w)
    return None


def samples_of(run: Any, split: str) -> int:
    folders = run.data.folders
    return len(folders[split].labels) if split in folders else len(run.arrays(split)[1])
