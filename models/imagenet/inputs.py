"""Pixels as both frameworks get them: uint8 [n, height, width, 3], in the same order."""

from __future__ import annotations

from typing import Any, Iterator, Tuple

import numpy

SIDE = 32  # pixels: the smallest input that still leaves ResNet-50 one pixel after its five halvings


def batches(run: Any, split: str, batch_size: int) -> Iterator[Tuple[numpy.ndarray, numpy.ndarray]]:
    """Batches (pixels uint8 [n, height, width, 3], labels int64 [n]) of arrays or of an image folder."""
    if split in run.data.folders:
        from harness.worker import images  # only image folders need Pillow

        yield from images.batches(run, split, batch_size)
        return
    reach = int(run.hparams["shift_pixels"]) if split == "train" else 0
    for small, labels in run.batches(split, batch_size):
        yield shift(as_images(small), reach), labels


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

    By numpy's global generator, which the worker seeds and no framework draws from: both
    frameworks see the same images.
    """
    if reach == 0:
        return images
    n, h, w, _ = images.shape
    padded = numpy.pad(images, ((0, 0), (reach, reach), (reach, reach), (0, 0)))
    down, right = numpy.random.randint(0, 2 * reach + 1, (2, n))
    return numpy.stack([padded[i, down[i] : down[i] + h, right[i] : right[i] + w] for i in range(n)])


def samples_of(run: Any, split: str) -> int:
    folders = run.data.folders
    return len(folders[split].labels) if split in folders else len(run.arrays(split)[1])
