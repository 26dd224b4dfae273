"""What the twins share: first weights, windows of text and the learning rate, all from numpy."""

from __future__ import annotations

import math
from typing import Any, Dict, Iterator, Tuple

import numpy

Window = Tuple[numpy.ndarray, numpy.ndarray]


def first_weights(classes: int, hparams: Dict[str, Any], seed: int) -> Dict[str, numpy.ndarray]:
    """Every weight by name, float32, matrices [in, out]; the distributions of nanoGPT's model.py, ``_init_weights``.

    ``wte`` is also the last layer, transposed.
    """
    width, layers = hparams["width"], hparams["layers"]
    random = numpy.random.RandomState([seed, 0])

    def normal(*shape: int, std: float = 0.02) -> numpy.ndarray:
        return random.normal(0.0, std, shape).astype(numpy.float32)

    into_residual = 0.02 / math.sqrt(2 * layers)
    weights = {"wte": normal(classes, width), "wpe": normal(hparams["block_size"], width)}
    for layer in range(layers):
        weights["h%d_ln_1" % layer] = numpy.ones(width, numpy.float32)
        weights["h%d_attn" % layer] = normal(width, 3 * width)
        weights["h%d_attn_proj" % layer] = normal(width, width, std=into_residual)
        weights["h%d_ln_2" % layer] = numpy.ones(width, numpy.float32)
        weights["h%d_fc" % layer] = normal(width, 4 * width)
        weights["h%d_fc_proj" % layer] = normal(4 * width, width, std=into_residual)
    weights["ln_f"] = numpy.ones(width, numpy.float32)
    return weights


def text_of(run: Any, split: str) -> numpy.ndarray:
    """The characters of a split, int64: the one before the first, then those that follow."""
    x, y = run.arrays(split)
    return numpy.concatenate([x[:1, -1].astype(numpy.int64), y])


def windows(text: numpy.ndarray, hparams: Dict[str, Any], random: numpy.random.RandomState) -> Iterator[Window]:
    """Endless batches int64 [batch_size, block_size] from anywhere, and the same moved on by one; ``get_batch``."""
    size, block = hparams["batch_size"], hparams["block_size"]
    while True:
        places = random.randint(0, len(text) - block, size)[:, None] + numpy.arange(block)
        yield text[places], text[places + 1]


def learning_rate(step: int, hparams: Dict[str, Any]) -> float:
    """A linear rise, then a cosine down to a tenth; ``get_lr``."""
    highest, lowest = hparams["learning_rate"], hparams["min_learning_rate"]
    warmup, steps = hparams["warmup_steps"], hparams["epochs"] * hparams["steps_per_epoch"]
    if step < warmup:
        return float(highest * (step + 1) / (warmup + 1))
    share = (step - warmup) / (steps - warmup)
    return float(lowest + 0.5 * (1.0 + math.cos(math.pi * share)) * (highest - lowest))
