"""Which rows of the training split train and which validate, for both frameworks."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy


class Parts(NamedTuple):
    train: numpy.ndarray  # rows of the split "train"
    val: numpy.ndarray  # the others of it


def cut(samples: int, hparams: Any) -> Parts:
    """As scikit-learn's train_test_split does it: the first of a permutation are held out."""
    rows = numpy.random.RandomState(hparams["split_seed"]).permutation(samples)
    held_out = round(samples * hparams["val_share"])
    return Parts(train=rows[held_out:], val=rows[:held_out])
