"""How many further runs a decision is expected to take.  Pure: fixed draws, same input, same answer."""

from __future__ import annotations

import math
from functools import cache
from typing import NamedTuple

import numpy
from numpy.typing import NDArray
from scipy.special import stdtrit

from harness.statistics.contaminated import Array, Mixture
from harness.statistics.levels import Demand, borderline
from harness.statistics.sequential import SPEED_LOOKS

LOOKS_AHEAD = (*SPEED_LOOKS, 16, 20, 24, 32, 48, 64, 96)  # beyond the sequence at its last level
FUTURES = 400  # 2.5 % Monte-Carlo error in the share that an answer covers


class Standing(NamedTuple):
    """After ``n`` pairs: degrees of freedom of the scale, and the variance that no further run shrinks."""

    n: int
    df: float
    fixed: float


def further_pairs(posterior: Mixture, centre: float, standing: Standing, demand: Demand) -> int | None:
    """The count that is most often within a factor of two of what is then needed; ``centre`` is the median.

    Effects and scales are drawn from the posterior and played forward to the coming looks, each judged
    by a t interval (predictive power: Spiegelhalter, Freedman & Parmar 1994, section 6).  None where
    most futures decide nothing.
    """
    further = numpy.asarray([look - standing.n for look in LOOKS_AHEAD if look > standing.n])
    if not len(further):
        return None
    first = _first_decisions(posterior, centre, standing, further, demand)
    if numpy.isinf(first).mean() > 0.5:
        return None
    guesses = numpy.arange(1, further[-1] + 1)
    near = (guesses[:, None] <= 2 * first) & (2 * guesses[:, None] >= first)
    return int(guesses[near.sum(axis=1).argmax()])


def _first_decisions(posterior: Mixture, centre: float, standing: Standing, further: Array, demand: Demand) -> Array:
    """Further pairs at which each future decides, (FUTURES,); infinite where none of the looks does."""
    n, df, fixed = standing
    z = _draws(len(further))
    middles = (numpy.arange(FUTURES) + 0.5) / FUTURES
    at = numpy.minimum(numpy.searchsorted(posterior.share.cumsum(), middles), len(posterior.share) - 1)
    scale = posterior.scale[at, None]
    spread = numpy.sqrt(numpy.maximum(posterior.deviation[at] ** 2 - fixed, 0.0))
    effect = (posterior.mean[at] + spread * z[:, 0])[:, None]
    walk = (z[:, 1:] * numpy.sqrt(numpy.diff(further, prepend=0))).cumsum(axis=1)
    mean = (n * centre + further * effect + scale * walk) / (n + further)
    square = (df * posterior.typical_scale**2 + further * scale**2) / (df + further)
    error = numpy.sqrt(square / (n + further) + fixed)
    decided = _decided(mean, error, numpy.sqrt(square), df + further, n + further, demand)
    return numpy.where(decided.any(axis=1), further[decided.argmax(axis=1)], math.inf)


def _decided(mean: Array, error: Array, scale: Array, df: Array, counts: Array, demand: Demand) -> NDArray[numpy.bool_]:
    """Whether a t interval around the mean, (futures, looks), passes or shows a change."""
    passing = stdtrit(df, [demand.pass_level(int(count)) for count in counts])
    failing = stdtrit(df, [demand.fail_level(int(count)) for count in counts])
    passed = numpy.abs(mean) - passing * error < math.log1p(demand.margin)
    return numpy.asarray(passed | (numpy.abs(mean) + failing * error > borderline(scale)))


@cache
def _draws(looks: int) -> Array:
    """Standard normal draws, (FUTURES, 1 + looks), always the same."""
    return numpy.random.default_rng(0).standard_normal((FUTURES, 1 + looks))
