"""RandAugment, TrivialAugment and AutoAugment with Pillow, as torchvision's training references use them.

A policy draws what happens to an image, a list of (operation, magnitude); ``apply`` does one.  Operations
and their reach are torchvision 0.28.0's (transforms/autoaugment.py), so that its published recipes mean the
same here.
"""

from __future__ import annotations

from typing import Any, Callable, Dict, List, Sequence, Tuple

import numpy
from PIL import Image, ImageEnhance, ImageOps

Operation = Tuple[str, float]  # name and magnitude, its sign drawn
Resample = Image.Resampling

# What the strongest magnitude means: a slope, a share of the side, degrees, a factor away from one, bits lost.
REACH = {
    "ShearX": 0.3,
    "ShearY": 0.3,
    "TranslateX": 150 / 331,  # 150 of the 331 pixels of Cubuk et al. 2019
    "TranslateY": 150 / 331,
    "Rotate": 30.0,
    "Brightness": 0.9,
    "Color": 0.9,
    "Contrast": 0.9,
    "Sharpness": 0.9,
    "Posterize": 4.0,
}
# Mueller and Hutter 2021, Table 1, "wide"; translations are in pixels, whatever the image's size.
WIDE_REACH = {
    "ShearX": 0.99,
    "ShearY": 0.99,
    "TranslateX": 32.0,
    "TranslateY": 32.0,
    "Rotate": 135.0,
    "Brightness": 0.99,
    "Color": 0.99,
    "Contrast": 0.99,
    "Sharpness": 0.99,
    "Posterize": 6.0,
}
SIGNED = ("ShearX", "ShearY", "TranslateX", "TranslateY", "Rotate", "Brightness", "Color", "Contrast", "Sharpness")
OPERATIONS = ("Identity", *SIGNED, "Posterize", "Solarize", "AutoContrast", "Equalize")
BINS = 30  # magnitudes are thirtieths in RandAugment and TrivialAugment, ninths in AutoAugment

# Cubuk et al. 2019, "AutoAugment", Table 9: operation, probability, magnitude of ten (-1: it has none).
# The code that came with the paper writes probabilities and magnitudes as below; so does torchvision.
IMAGENET_POLICY = (
    (("Posterize", 0.4, 8), ("Rotate", 0.6, 9)),
    (("Solarize", 0.6, 5), ("AutoContrast", 0.6, -1)),
    (("Equalize", 0.8, -1), ("Equalize", 0.6, -1)),
    (("Posterize", 0.6, 7), ("Posterize", 0.6, 6)),
    (("Equalize", 0.4, -1), ("Solarize", 0.2, 4)),
    (("Equalize", 0.4, -1), ("Rotate", 0.8, 8)),
    (("Solarize", 0.6, 3), ("Equalize", 0.6, -1)),
    (("Posterize", 0.8, 5), ("Equalize", 1.0, -1)),
    (("Rotate", 0.2, 3), ("Solarize", 0.6, 8)),
    (("Equalize", 0.6, -1), ("Posterize", 0.4, 6)),
    (("Rotate", 0.8, 8), ("Color", 0.4, 0)),
    (("Rotate", 0.4, 9), ("Equalize", 0.6, -1)),
    (("Equalize", 0.0, -1), ("Equalize", 0.8, -1)),
    (("Invert", 0.6, -1), ("Equalize", 1.0, -1)),
    (("Color", 0.6, 4), ("Contrast", 1.0, 8)),
    (("Rotate", 0.8, 8), ("Color", 1.0, 2)),
    (("Color", 0.8, 8), ("Solarize", 0.8, 7)),
    (("Sharpness", 0.4, 7), ("Invert", 0.6, -1)),
    (("ShearX", 0.6, 5), ("Equalize", 1.0, -1)),
    (("Color", 0.4, 0), ("Equalize", 0.6, -1)),
    (("Equalize", 0.4, -1), ("Solarize", 0.2, 4)),
    (("Solarize", 0.6, 5), ("AutoContrast", 0.6, -1)),
    (("Invert", 0.6, -1), ("Equalize", 1.0, -1)),
    (("Color", 0.6, 4), ("Contrast", 1.0, 8)),
    (("Equalize", 0.8, -1), ("Equalize", 0.6, -1)),
)


def none(_random: numpy.random.RandomState, _side: int) -> List[Operation]:
    return []


def randaugment(random: numpy.random.RandomState, side: int) -> List[Operation]:
    """Two operations at magnitude 9 of 30 (Cubuk et al. 2020, section 4.3; torchvision's defaults)."""
    return [_signed(_named(random), 9 / BINS, REACH, side, random.randint(2) == 1) for _ in range(2)]


def trivialaugment(random: numpy.random.RandomState, _side: int) -> List[Operation]:
    """One operation at any of 31 magnitudes (Mueller and Hutter 2021, algorithm 1)."""
    name, level = _named(random), random.randint(BINS + 1) / BINS
    return [_signed(name, level, WIDE_REACH, 1, random.randint(2) == 1)]


def autoaugment(random: numpy.random.RandomState, side: int) -> List[Operation]:
    """One of the 25 pairs that were found for ImageNet, each operation with its probability."""
    pair = IMAGENET_POLICY[random.randint(len(IMAGENET_POLICY))]
    chances, signs = random.uniform(size=2), random.randint(2, size=2)
    return [
        _signed(name, max(bin_, 0) / 9, REACH, side, negative == 1)
        for (name, probability, bin_), chance, negative in zip(pair, chances, signs)
        if chance <= probability
    ]


POLICIES: Dict[str, Callable[[numpy.random.RandomState, int], List[Operation]]] = {
    "none": none,
    "randaugment": randaugment,
    "trivialaugment": trivialaugment,
    "autoaugment": autoaugment,
}


def magnitude(name: str, level: float, reach: Dict[str, float], side: int) -> float:
    """What ``level``, 0 to 1, means for an operation; ``side`` in pixels scales the translations."""
    if name == "Posterize":
        return 8.0 - round(level * reach[name])  # bits that stay
    if name == "Solarize":
        return 255.0 * (1.0 - level)  # brighter pixels are inverted
    return level * reach.get(name, 0.0) * (side if name.startswith("Translate") else 1)


def apply(image: Image.Image, operation: Operation, resample: Resample) -> Image.Image:
    """One operation on an RGB image; what comes in from outside is black."""
    name, amount = operation
    return _DO[name](image, amount, resample)


def _named(random: numpy.random.RandomState) -> str:
    return OPERATIONS[random.randint(len(OPERATIONS))]


def _signed(name: str, level: float, reach: Dict[str, float], side: int, negative: bool) -> Operation:
    amount = magnitude(name, level, reach, side)
    return name, -amount if negative and name in SIGNED else amount


def _affine(image: Image.Image, matrix: Sequence[float], resample: Resample) -> Image.Image:
    """``matrix`` (a, b, c, d, e, f): the pixel at (x, y) comes from (a x + b y + c, d x + e y + f)."""
    return image.transform(image.size, Image.Transform.AFFINE, tuple(matrix), resample, fillcolor=(0, 0, 0))


_DO: Dict[str, Callable[[Image.Image, Any, Resample], Image.Image]] = {
    "Identity": lambda image, _amount, _resample: image,
    "ShearX": lambda image, amount, resample: _affine(image, (1, amount, 0, 0, 1, 0), resample),
    "ShearY": lambda image, amount, resample: _affine(image, (1, 0, 0, amount, 1, 0), resample),
    "TranslateX": lambda image, amount, resample: _affine(image, (1, 0, -int(amount), 0, 1, 0), resample),
    "TranslateY": lambda image, amount, resample: _affine(image, (1, 0, 0, 0, 1, -int(amount)), resample),
    "Rotate": lambda image, amount, resample: image.rotate(amount, resample, fillcolor=(0, 0, 0)),
    "Brightness": lambda image, amount, _resample: ImageEnhance.Brightness(image).enhance(1.0 + amount),
    "Color": lambda image, amount, _resample: ImageEnhance.Color(image).enhance(1.0 + amount),
    "Contrast": lambda image, amount, _resample: ImageEnhance.Contrast(image).enhance(1.0 + amount),
    "Sharpness": lambda image, amount, _resample: ImageEnhance.Sharpness(image).enhance(1.0 + amount),
    "Posterize": lambda image, amount, _resample: ImageOps.posterize(image, int(amount)),
    "Solarize": lambda image, amount, _resample: ImageOps.solarize(image, amount),
    "AutoContrast": lambda image, _amount, _resample: ImageOps.autocontrast(image),
    "Equalize": lambda image, _amount, _resample: ImageOps.equalize(image),
    "Invert": lambda image, _amount, _resample: ImageOps.invert(image),
}
