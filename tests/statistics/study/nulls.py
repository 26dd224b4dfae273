"""``python -m tests.statistics.study.nulls``: the two tables of ``harness/statistics/scan.py`` made again."""

from __future__ import annotations

import math

import numpy

from harness.statistics.partition import Floats
from harness.statistics.scan import NIGHTS, TAILS, normal_scores


def largest_splits(nights: int, series: int, *, ranks: bool, seed: int = 1979) -> Floats:
    """The largest standardised split, three nights on either side at least, of so many series without change."""
    rng = numpy.random.default_rng(seed)
    first = numpy.arange(3, nights - 2)
    spread = numpy.sqrt(first * (nights - first) / nights)
    scores = normal_scores(numpy.arange(float(nights)))
    largest = []
    chunk = max(1, 4_000_000 // nights)  # 32 MB at a time
    for begun in range(0, series, chunk):
        count = min(chunk, series - begun)
        if ranks:
            values = rng.permuted(numpy.tile(scores, (count, 1)), axis=1) / math.sqrt(scores @ scores / (nights - 1))
        else:
            values = rng.standard_normal((count, nights))
            values -= values.mean(axis=1, keepdims=True)
        largest.append(numpy.abs(values.cumsum(axis=1)[:, first - 1] / spread).max(axis=1))
    return numpy.concatenate(largest)


def _series(nights: int) -> int:
    """How many, so that each size takes about as long."""
    return next(
        many
        for most, many in ((30, 2_000_000), (100, 1_000_000), (400, 300_000), (1000, 60_000), (4000, 20_000))
        if nights <= most
    )


def main() -> None:
    for ranks in (False, True):
        print("rank" if ranks else "magnitude")
        for nights in NIGHTS:
            quantiles = numpy.quantile(largest_splits(nights, _series(nights), ranks=ranks), 1 - numpy.array(TAILS))
            print(f"    ({', '.join(f'{quantile:.2f}' for quantile in quantiles)}),")


if __name__ == "__main__":
    main()
