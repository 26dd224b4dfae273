"""The splits of a table, the order in which rows come, and what predictions are worth: for both frameworks."""

from __future__ import annotations

import math
from typing import Any, Dict, Iterable, Iterator, List, NamedTuple, Sequence, Tuple

import numpy

SEED = 1  # of the split_data_train_test.py that the source keeps beside each table
TRAIN_SHARE = 0.9


class Parts(NamedTuple):
    """All splits side by side, each standardised by its training rows; ``test_y`` is on the scale of the table."""

    x: numpy.ndarray  # float32 [splits, n, features]
    y: numpy.ndarray  # float32 [splits, n]
    test_x: numpy.ndarray  # float32 [splits, m, features]
    test_y: numpy.ndarray  # float64 [splits, m]
    mean: numpy.ndarray  # float64 [splits]: of the training targets
    deviation: numpy.ndarray  # float64 [splits]


def parts_of(run: Any) -> Parts:
    x, y = run.arrays("train")
    return standardise(x, y, splits(len(y), len(run.hparams["dropout"])))


def splits(samples: int, count: int) -> List[Tuple[numpy.ndarray, numpy.ndarray]]:
    """(training rows, test rows) of each split, the same in every run."""
    random = numpy.random.RandomState(SEED)
    stop = round(samples * TRAIN_SHARE)
    orders = [random.choice(samples, samples, replace=False) for _ in range(count)]
    return [(order[:stop], order[stop:]) for order in orders]


def standardise(x: numpy.ndarray, y: numpy.ndarray, rows: Iterable[Tuple[numpy.ndarray, numpy.ndarray]]) -> Parts:
    """Columns of the training rows get mean 0 and deviation 1, but those that are constant."""
    found = []
    for train, test in rows:
        mean, deviation = x[train].mean(axis=0), x[train].std(axis=0)
        scaled = ((x - mean) / numpy.where(deviation == 0, 1, deviation)).astype(numpy.float32)
        y_mean, y_deviation = y[train].mean(), y[train].std()
        scaled_y = ((y[train] - y_mean) / y_deviation).astype(numpy.float32)
        found.append((scaled[train], scaled_y, scaled[test], y[test], y_mean, y_deviation))
    return Parts(*map(numpy.array, zip(*found)))


def weight_decay(samples: int, hparams: Dict[str, Any]) -> numpy.ndarray:
    """What a squared weight costs, float32 [splits]: Gal and Ghahramani 2016, equation 7, as net.py solves it."""
    dropout, tau = numpy.array(hparams["dropout"]), numpy.array(hparams["tau"])
    return (hparams["length_scale"] ** 2 * (1 - dropout) / (2 * samples * tau)).astype(numpy.float32)


def orders(seed: int, epoch: int, parts: Parts, hparams: Dict[str, Any]) -> Iterator[numpy.ndarray]:
    """Once in an epoch of the harness, which is many of the source: orders of the training rows of each split,
    int64 [epochs of the source, splits, n]."""
    random = numpy.random.RandomState([seed % 2**32, epoch])
    count, samples = parts.y.shape
    many = range(hparams["epochs_multiplier"])
    yield numpy.array([[random.permutation(samples) for _ in range(count)] for _ in many])


def scores(blocks: Iterable[numpy.ndarray], parts: Parts, tau: Sequence[float]) -> Tuple[numpy.ndarray, numpy.ndarray]:
    """RMSE of the mean over all passes, and the log-likelihood of a test row in nats, of each split.

    Equations 6 and 8 of the paper, from standardised predictions [splits, passes, m], some passes at a time.
    """
    precision, done = numpy.array(tau)[:, None], 0
    total, likelihood = numpy.zeros(parts.test_y.shape), numpy.full(parts.test_y.shape, -numpy.inf)
    for block in blocks:
        predicted = block * parts.deviation[:, None, None] + parts.mean[:, None, None]
        errors = parts.test_y[:, None] - predicted
        each = numpy.logaddexp.reduce(-0.5 * precision[:, None] * errors**2, axis=1)
        likelihood = numpy.logaddexp(likelihood, each)
        total += predicted.sum(axis=1)
        done += block.shape[1]
    likelihood += 0.5 * numpy.log(precision) - 0.5 * math.log(2 * math.pi) - math.log(done)
    return ((parts.test_y - total / done) ** 2).mean(axis=1) ** 0.5, likelihood.mean(axis=1)


def report(run: Any, rmse: numpy.ndarray, log_likelihood: numpy.ndarray) -> None:
    """Each split's, in their order, and then the means, which are the run's."""
    for name, values in (("rmse", rmse), ("log_likelihood", log_likelihood)):
        for value in (*values, values.mean()):
            run.metric(name, value)
