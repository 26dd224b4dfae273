"""How large the largest of all splits of a series without change becomes by chance: two tabulated nulls."""

from __future__ import annotations

import math
from functools import lru_cache

import numpy
from scipy.special import ndtri

from harness.statistics.partition import Floats

TAILS = (0.1, 0.05, 0.02, 0.01, 0.005, 0.001, 0.0001)
NIGHTS = (6, 7, 8, 9, 10, 12, 14, 17, 20, 25, 30, 40, 60, 100, 200, 400, 1000, 4000)

# Upper quantiles (columns: TAILS) of the maximum over k = 3 .. n - 3 of the absolute standardised sum of the
# first k of n values without change (rows: NIGHTS).  By simulation, 2,000,000 series for n <= 30 to 20,000
# for n = 4000; `python -m tests.statistics.study.nulls` makes them again, a test compares a few.
# fmt: off
_MAGNITUDE = (  # independent normal values of known spread about their own mean (Worsley 1979)
    (1.65, 1.96, 2.33, 2.58, 2.81, 3.30, 3.92),
    (1.86, 2.17, 2.52, 2.76, 2.99, 3.46, 4.02),
    (1.99, 2.29, 2.63, 2.87, 3.09, 3.55, 4.16),
    (2.07, 2.37, 2.71, 2.94, 3.16, 3.61, 4.18),
    (2.14, 2.43, 2.77, 3.00, 3.22, 3.67, 4.23),
    (2.23, 2.52, 2.85, 3.08, 3.29, 3.73, 4.30),
    (2.30, 2.58, 2.91, 3.14, 3.35, 3.79, 4.34),
    (2.37, 2.65, 2.98, 3.20, 3.41, 3.85, 4.42),
    (2.42, 2.70, 3.03, 3.25, 3.45, 3.89, 4.43),
    (2.49, 2.76, 3.08, 3.30, 3.50, 3.94, 4.49),
    (2.53, 2.80, 3.12, 3.34, 3.54, 3.97, 4.53),
    (2.60, 2.87, 3.18, 3.40, 3.60, 4.03, 4.61),
    (2.68, 2.94, 3.25, 3.47, 3.67, 4.08, 4.62),
    (2.76, 3.02, 3.33, 3.53, 3.73, 4.16, 4.71),
    (2.85, 3.11, 3.41, 3.61, 3.80, 4.20, 4.69),
    (2.93, 3.18, 3.48, 3.68, 3.87, 4.30, 4.79),
    (3.01, 3.26, 3.55, 3.76, 3.96, 4.33, 4.74),
    (3.10, 3.33, 3.63, 3.83, 4.02, 4.41, 4.95),
)
_RANK = (  # normal scores of the ranks in random order: whatever the distribution of the nights (Pettitt 1979)
    (1.92, 1.92, 1.92, 1.92, 1.92, 1.92, 1.92),
    (1.76, 2.07, 2.07, 2.07, 2.07, 2.07, 2.07),
    (1.99, 2.19, 2.24, 2.24, 2.24, 2.24, 2.24),
    (2.05, 2.28, 2.37, 2.37, 2.37, 2.37, 2.37),
    (2.12, 2.36, 2.48, 2.48, 2.52, 2.52, 2.52),
    (2.19, 2.37, 2.51, 2.66, 2.74, 2.77, 2.77),
    (2.24, 2.44, 2.66, 2.79, 2.80, 2.98, 3.00),
    (2.32, 2.52, 2.74, 2.85, 2.96, 3.15, 3.31),
    (2.37, 2.59, 2.83, 2.95, 3.08, 3.29, 3.49),
    (2.44, 2.66, 2.90, 3.04, 3.18, 3.45, 3.70),
    (2.49, 2.71, 2.96, 3.11, 3.25, 3.54, 3.86),
    (2.56, 2.78, 3.04, 3.22, 3.37, 3.68, 4.06),
    (2.64, 2.88, 3.15, 3.33, 3.50, 3.84, 4.24),
    (2.73, 2.97, 3.26, 3.44, 3.62, 3.99, 4.46),
    (2.84, 3.08, 3.37, 3.57, 3.75, 4.13, 4.59),
    (2.92, 3.16, 3.45, 3.64, 3.83, 4.23, 4.73),
    (3.01, 3.26, 3.54, 3.74, 3.93, 4.32, 4.71),
    (3.11, 3.34, 3.63, 3.81, 3.99, 4.41, 4.79),
)
# fmt: on


def critical_magnitude(nights: int, alpha: float) -> float:
    """What the largest standardised split of ``nights`` normal values exceeds with probability ``alpha``."""
    return _quantile(_MAGNITUDE, nights, alpha)


def critical_rank(nights: int, alpha: float) -> float:
    """What the largest standardised split of the normal scores exceeds with probability ``alpha`` at most."""
    return _quantile(_RANK, nights, alpha)


@lru_cache(maxsize=4096)
def _quantile(table: tuple[tuple[float, ...], ...], nights: int, alpha: float) -> float:
    """Linear in log nights and log alpha; beyond the table's tail as a normal's, z^2 = 2 log(1 / alpha) + constant.

    A level above the table's largest is judged at that one: stricter than asked, never laxer.
    """
    row = [float(numpy.interp(math.log(nights), numpy.log(NIGHTS), column)) for column in zip(*table, strict=True)]
    beyond = max(0.0, math.log(TAILS[-1] / alpha))
    within = float(numpy.interp(-math.log(alpha), -numpy.log(TAILS), row))
    return math.sqrt(within**2 + 2 * beyond)


def normal_scores(values: Floats) -> Floats:
    """Expected-normal (van der Waerden) scores of the mid-ranks of n values, centred; ties share theirs."""
    _, place, count = numpy.unique(values, return_inverse=True, return_counts=True)
    mid_rank = (numpy.cumsum(count) - (count - 1) / 2)[place]
    scores = ndtri(mid_rank / (len(values) + 1))
    return numpy.asarray(scores - scores.mean(), dtype=float)


def rank_split(values: Floats, first: int) -> tuple[float, float]:
    """(z, most): the absolute standardised sum of the first ``first`` normal scores, and the most it could be.

    The variance is that of ``first`` scores drawn without replacement (Hajek & Sidak 1967).
    ``most`` is reached where every value before is smaller, or every one larger, than all after.
    """
    n = len(values)
    scores = normal_scores(values)
    spread = math.sqrt(first * (n - first) / (n * (n - 1)) * float(scores @ scores))
    if spread == 0:
        return 0.0, math.inf
    ordered = numpy.sort(scores)
    most = max(abs(float(ordered[:first].sum())), abs(float(ordered[n - first :].sum())))
    return abs(float(scores[:first].sum())) / spread, most / spread
