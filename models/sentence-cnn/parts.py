"""Which sentences train, which choose the epoch and which test, for both frameworks."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy

PADDING = 0  # the word that fills a sentence up; its vector stays zero
FOLDS = 10


class Parts(NamedTuple):
    train: numpy.ndarray  # rows of the split "train": whole batches
    dev: numpy.ndarray  # rows of the same split
    test: numpy.ndarray  # rows of the split ``test_split``
    test_split: str


def cut(run: Any) -> Parts:
    """The test split where the data set has one, else fold ``run.seed`` modulo 10; a tenth of the rest is dev.

    As main.lua of sent-conv-torch does it, where both permutations come from an unseeded generator.
    Its training part also holds the first and the last sentence of the fold; ours does not.
    """
    samples = len(run.arrays("train")[1])
    if "test" in run.data.arrays:
        rest, test_split = numpy.arange(samples), "test"
        test = numpy.arange(len(run.arrays("test")[1]))
    else:
        rest, test = fold(samples, run.seed % FOLDS, run.hparams["fold_seed"])
        test_split = "train"
    shuffled = numpy.random.RandomState(run.seed % 2**32).permutation(rest)
    batch_size = int(run.hparams["batch_size"])
    stop = round(len(rest) // batch_size * run.hparams["train_share"]) * batch_size
    return Parts(shuffled[:stop], shuffled[stop:], test, test_split)


def fold(samples: int, number: int, seed: int) -> Any:
    """(rows of all other folds, rows of this one), of ten that are the same for every run."""
    rows = numpy.random.RandomState(seed).permutation(samples)
    start, stop = number * samples // FOLDS, (number + 1) * samples // FOLDS
    return numpy.concatenate([rows[:start], rows[stop:]]), rows[start:stop]


def vocabulary(run: Any) -> int:
    """How many words there are, padding included: each is in some sentence."""
    return 1 + max(int(x.max()) for x, _ in run.data.arrays.values())
