"""Batches of images: decoded, cropped and augmented by Pillow, the same pixels in every framework.

What a recipe says about its input stands in its hyper-parameters::

    image_size            side of a training image, pixels
    crop_scale, crop_ratio  what random crops may be ([0.08, 1.0] of the area, [0.75, 1.3333] wide)
    interpolation         "bilinear" | "bicubic", of every resizing; operations of a policy have the same
    flip                  probability (0.5)
    auto_augment          "none" | "randaugment" | "trivialaugment" | "autoaugment"
    random_erasing        probability (0), filled with pixel_mean
    repeated_augmentation how often an image comes in a row, each time augmented otherwise (1)
    eval_resize, eval_size  short side and centre crop of evaluation (256/224 of eval_size, image_size)
    input                 "real" | "synthetic": the latter decodes nothing, which tells input and compute apart
"""

from __future__ import annotations

from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, Deque, Dict, Iterator, NamedTuple, Optional, Sequence, Tuple

import numpy
from PIL import Image

from harness.worker.augmentation import POLICIES, apply
from harness.worker.crops import RATIO, SCALE, center_crop, erase, random_box, random_hole, resize_short_side
from harness.worker.data import Pictures, order

AHEAD = 4  # batches decoded before they are needed
RESIZE = 256 / 224  # evaluation: the short side before the centre crop, as torchvision's references
RESAMPLE = {"bilinear": Image.Resampling.BILINEAR, "bicubic": Image.Resampling.BICUBIC}

Batch = Tuple[numpy.ndarray, numpy.ndarray]


class Treatment(NamedTuple):
    """What happens to an image, as the recipe says it."""

    size: int
    eval_resize: int
    eval_size: int
    resample: Image.Resampling = Image.Resampling.BILINEAR
    scale: Sequence[float] = SCALE
    ratio: Sequence[float] = RATIO
    flip: float = 0.5
    policy: str = "none"
    erasing: float = 0.0
    fill: Sequence[float] = (0.0, 0.0, 0.0)


def treatment_of(hparams: Dict[str, Any]) -> Treatment:
    """Raises ValueError for a word that is none of ours."""
    size = int(hparams["image_size"])
    eval_size = int(hparams.get("eval_size", size))
    for key, known in (("interpolation", RESAMPLE), ("auto_augment", POLICIES)):
        if hparams.get(key, next(iter(known))) not in known:
            raise ValueError("%s is one of %s, not %r" % (key, ", ".join(known), hparams[key]))
    erasing = float(hparams.get("random_erasing", 0.0))
    return Treatment(
        size=size,
        eval_resize=int(hparams.get("eval_resize", round(eval_size * RESIZE))),
        eval_size=eval_size,
        resample=RESAMPLE[hparams.get("interpolation", "bilinear")],
        scale=hparams.get("crop_scale", SCALE),
        ratio=hparams.get("crop_ratio", RATIO),
        flip=float(hparams.get("flip", 0.5)),
        policy=hparams.get("auto_augment", "none"),
        erasing=erasing,
        fill=hparams["pixel_mean"] if erasing else (0.0, 0.0, 0.0),
    )


def batches(run: Any, split: str, batch_size: int, threads: Optional[int] = None) -> Iterator[Batch]:
    """(pixels uint8 [n, size, size, 3], labels int64 [n]); the training split is augmented.

    The randomness of an image is keyed by (seed, epoch, row), and by which repetition it is, so it does
    not depend on threads.
    """
    pictures, treatment = run.data.folders[split], treatment_of(run.hparams)
    chosen = _rows(run, split, batch_size, len(pictures.labels))
    if run.hparams.get("input", "real") == "synthetic":
        decoded = _made_up(chosen, treatment, split, batch_size, run.seed)
    else:
        decoded = _decoded(chosen, pictures, treatment, split, run, threads or run.threads)
    for rows, pixels in decoded:
        labels = pictures.labels[rows]
        if split == "train":
            run.saw_batch(pixels, labels)
        yield pixels, labels


def load_train(source: Any, random: numpy.random.RandomState, treatment: Treatment) -> numpy.ndarray:
    """A random crop, resized, flipped, put through the policy and erased: uint8 [size, size, 3].

    The order is that of torchvision's references; a step that is off draws nothing but the flip.
    """
    image = _open(source)
    box = random_box(image.width, image.height, random, treatment.scale, treatment.ratio)
    image = image.crop(box).resize((treatment.size, treatment.size), treatment.resample)
    if random.uniform() < treatment.flip:
        image = image.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    for operation in POLICIES[treatment.policy](random, treatment.size):
        image = apply(image, operation, treatment.resample)
    pixels = numpy.asarray(image)
    if treatment.erasing and random.uniform() < treatment.erasing:
        hole = random_hole(treatment.size, random)
        return erase(pixels, hole, treatment.fill) if hole else pixels
    return pixels


def load_eval(source: Any, treatment: Treatment) -> numpy.ndarray:
    """The short side resized, then the centre: uint8 [eval_size, eval_size, 3]."""
    image = resize_short_side(_open(source), treatment.eval_resize, treatment.resample)
    return numpy.asarray(center_crop(image, treatment.eval_size))


def repeated(rows: numpy.ndarray, times: int) -> numpy.ndarray:
    """Each row ``times`` times in a row, cut to as many as there were: an epoch is as long as before and sees
    ``1 / times`` of the images (Hoffer et al. 2020; the sampler of DeiT and torchvision, which also drops what
    does not fill 256).
    """
    return rows.repeat(times)[: len(rows)]


def _rows(run: Any, split: str, batch_size: int, samples: int) -> Iterator[Tuple[numpy.ndarray, numpy.ndarray]]:
    """(rows, which repetition each is) of every batch."""
    times = int(run.hparams.get("repeated_augmentation", 1)) if split == "train" else 1
    if times == 1:
        for rows in run.indices(split, batch_size):
            yield rows, numpy.zeros(len(rows), dtype=numpy.int64)
        return
    again = repeated(order(run.seed, run.epoch, samples), times)
    for places in run.indices(split, batch_size, shuffle=False):  # also where they are only one device's part
        yield again[places], places % times


def _decoded(
    chosen: Iterator[Tuple[numpy.ndarray, numpy.ndarray]],
    pictures: Pictures,
    treatment: Treatment,
    split: str,
    run: Any,
    threads: int,
) -> Iterator[Tuple[numpy.ndarray, numpy.ndarray]]:
    """(rows, pixels) of every batch, decoded by ``threads`` some batches ahead."""
    seed, epoch = run.seed, run.epoch

    def one(row: int, repetition: int) -> numpy.ndarray:
        if split != "train":
            return load_eval(pictures.source(row), treatment)
        key = [seed, epoch, row, repetition] if repetition else [seed, epoch, row]
        return load_train(pictures.source(row), numpy.random.RandomState(key), treatment)

    with ThreadPoolExecutor(threads) as pool:
        waiting: Deque[Tuple[numpy.ndarray, Any]] = deque()
        while True:
            while len(waiting) < AHEAD:
                following = next(chosen, None)
                if following is None:
                    break
                rows, repetitions = following
                images = [pool.submit(one, int(row), int(which)) for row, which in zip(rows, repetitions)]
                waiting.append((rows, images))
            if not waiting:
                return
            rows, images = waiting.popleft()
            yield rows, numpy.stack([_result(image) for image in images])


def _made_up(
    chosen: Iterator[Tuple[numpy.ndarray, numpy.ndarray]], treatment: Treatment, split: str, batch_size: int, seed: int
) -> Iterator[Tuple[numpy.ndarray, numpy.ndarray]]:
    """One batch of noise for all: nothing is read or decoded, and nothing can be learned."""
    side = treatment.size if split == "train" else treatment.eval_size
    noise = numpy.random.RandomState([seed]).randint(0, 256, (batch_size, side, side, 3), numpy.uint8)
    for rows, _ in chosen:
        yield rows, noise[: len(rows)]


def _open(source: Any) -> Image.Image:
    with Image.open(source) as opened:
        return opened.convert("RGB")


def _result(image: Future[numpy.ndarray]) -> numpy.ndarray:
    return image.result()
