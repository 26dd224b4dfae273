"""Batches of an image folder: decoded and cropped by Pillow, the same pixels in every framework."""

from __future__ import annotations

import math
from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, Deque, Iterator, Optional, Tuple

import numpy
from PIL import Image

AHEAD = 4  # batches decoded before they are needed
SCALE, RATIO = (0.08, 1.0), (3 / 4, 4 / 3)  # Szegedy et al. 2015, section 6
RESIZE = 256 / 224  # evaluation: the short side before the centre crop, as torchvision's references

Batch = Tuple[numpy.ndarray, numpy.ndarray]


def batches(run: Any, split: str, batch_size: int, size: int, threads: Optional[int] = None) -> Iterator[Batch]:
    """(pixels uint8 [n, size, size, 3], labels int64 [n]); the training split is augmented.

    The randomness of an image is keyed by (seed, epoch, row), so it does not depend on threads.
    """
    folder = run.data.folders[split]

    def one(row: int) -> numpy.ndarray:
        if split == "train":
            return load_train(folder.paths[row], numpy.random.RandomState([run.seed, run.epoch, row]), size)
        return load_eval(folder.paths[row], round(size * RESIZE), size)

    with ThreadPoolExecutor(threads or run.threads) as pool:
        waiting: Deque[Tuple[numpy.ndarray, Any]] = deque()
        rows_of_batches = run.indices(split, batch_size)
        while True:
            while len(waiting) < AHEAD:
                rows = next(rows_of_batches, None)
                if rows is None:
                    break
                waiting.append((rows, [pool.submit(one, int(row)) for row in rows]))
            if not waiting:
                return
            rows, images = waiting.popleft()
            pixels, labels = numpy.stack([_result(image) for image in images]), folder.labels[rows]
            if split == "train":
                run.saw_batch(pixels, labels)
            yield pixels, labels


def load_train(path: str, random: numpy.random.RandomState, size: int) -> numpy.ndarray:
    """A random crop of 8 to 100 % of the area, resized, flipped half of the time: uint8 [size, size, 3]."""
    with Image.open(path) as opened:
        image = opened.convert("RGB")
    box = _random_box(image.width, image.height, random)
    image = image.resize((size, size), Image.Resampling.BILINEAR, box)
    pixels = numpy.asarray(image)
    return pixels[:, ::-1] if random.uniform() < 0.5 else pixels


def load_eval(path: str, resize: int, size: int) -> numpy.ndarray:
    """The short side resized, then the centre: uint8 [size, size, 3]."""
    with Image.open(path) as opened:
        image = opened.convert("RGB")
    scale = resize / min(image.size)
    image = image.resize((round(image.width * scale), round(image.height * scale)), Image.Resampling.BILINEAR)
    left, top = (image.width - size) // 2, (image.height - size) // 2
    return numpy.asarray(image.crop((left, top, left + size, top + size)))


def _random_box(width: int, height: int, random: numpy.random.RandomState) -> Tuple[int, int, int, int]:
    for _ in range(10):
        area = width * height * random.uniform(*SCALE)
        ratio = math.exp(random.uniform(math.log(RATIO[0]), math.log(RATIO[1])))
        w, h = round(math.sqrt(area * ratio)), round(math.sqrt(area / ratio))
        if 0 < w <= width and 0 < h <= height:
            left, top = random.randint(0, width - w + 1), random.randint(0, height - h + 1)
            return left, top, left + w, top + h
    side = min(width, height)
    left, top = (width - side) // 2, (height - side) // 2
    return left, top, left + side, top + side


def _result(image: Future[numpy.ndarray]) -> numpy.ndarray:
    return image.result()
