"""How far a studentised difference of seeds must lie from its hypothesis at each look.

Looks at the same reference are strongly correlated, and a t statistic of few degrees of freedom is
not a normal one, so the constant of the boundary comes from the joint distribution itself.  Pure.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache, lru_cache

import numpy
from numpy.typing import NDArray
from scipy.optimize import brentq
from scipy.special import gammaincinv, ndtr, stdtrit

from harness.statistics.sequential import ACCURACY_LOOKS

Floats = NDArray[numpy.float64]
MAX_RUNS = ACCURACY_LOOKS[-1]
LONELY_DF = 4.0  # how heavy a tail of single runs is supposed to be, however well the spread is known
MIN_DF = 1.0  # below, a spread is hardly known
_DRAWS = 6000  # and as many mirrored ones: the error spent is known to 5 %, ...
_ALLOWANCE = 0.95  # ... hence this share of the level is spent
_SEED = 20240611
_COUNTS = (1, 2, 3, 4, 5, 7, 10, 15, 30, 100, 1000)
_STEPS = (numpy.arange(200) + 0.5) / 200


@dataclass(frozen=True, kw_only=True)
class Design:
    """What does not change from look to look.

    The reference is the mean of ``n`` runs, or the ``best`` of ``n``; ``df`` degrees of freedom of
    the spread are known before the candidate's own.
    """

    n: int
    df: float
    best: bool = False

    @property
    def excess(self) -> float:
        """How far the reference is expected to lie above a typical run, in standard deviations."""
        return normal_maximum(self.n)[0] if self.best else 0.0

    @property
    def weight(self) -> float:
        """The reference's variance in those of one run."""
        return normal_maximum(self.n)[1] if self.best else 1 / self.n

    def error(self, k: int) -> float:
        """Standard deviation of candidate minus reference after k runs, in those of one run."""
        return math.sqrt(self.weight + 1 / k)

    def errors(self, counts: NDArray[numpy.int64]) -> Floats:
        """(counts,) as ``error``."""
        return numpy.asarray(numpy.sqrt(self.weight + 1 / counts))

    @property
    def rounded(self) -> Design:
        """A neighbour with nearly the same constant (1 % apart at most), so that few are computed."""
        near = min(_COUNTS, key=lambda count: abs(math.log(count / self.n)))
        df = 0.0 if self.df < 0.5 else min(_COUNTS, key=lambda count: abs(math.log(count / self.df)))
        return Design(n=self.n if self.best else near, df=float(df), best=self.best)


@dataclass(frozen=True, kw_only=True)
class Boundary:
    """What t may not cross by chance: all scheduled looks together cross it with probability ``level``.

    ``below``: t is crossed downwards.  The hypothesis is that candidate and reference are equal, or with
    ``deviations`` that the candidate is that many standard deviations of one run off, on the side that
    is not crossed to.  ``shape`` is Wang & Tsiatis': 0.5 needs the fewest runs, 0 misses the fewest changes.
    ``alone`` is the level of a look at one run, whose tail is then supposed to be that of a t of
    ``LONELY_DF``: a single run that went wrong leaves no trace in the spread, one among several does.
    """

    design: Design
    level: float
    below: bool
    shape: float
    deviations: float | None = None
    alone: float | None = None

    def limit(self, k: int) -> float:
        """The t in the direction of crossing that is too far at a look at k runs."""
        symmetric = not self.design.best
        known = replace(self, design=self.design.rounded, below=self.below or symmetric)
        return float(_limits((k,), self, _constant(known))[0])


def _limits(looks: Sequence[int], boundary: Boundary, constant: float) -> Floats:
    """(looks,) one limit each.

    The level of a look is that of z = c (k / 10)^(shape - 1/2) (Wang & Tsiatis 1987, with a count's share
    of the maximum as its time; beyond 10 that of 10), and serves a t statistic (Jennison & Turnbull 2000,
    section 4.4).  Deviations of an estimated spread make t noncentral (Wellek 2010, section 6.1).
    """
    design = boundary.design
    counts = numpy.array(looks)
    levels = ndtr(-constant * numpy.minimum(counts / MAX_RUNS, 1.0) ** (boundary.shape - 0.5))
    dfs = design.df + counts - 1
    if boundary.deviations is not None:
        return -noncentral_t_quantiles(levels, dfs, boundary.deviations / design.errors(counts))
    if boundary.alone is not None and counts[0] == 1:
        levels[0], dfs[0] = boundary.alone, min(dfs[0], LONELY_DF)
    return numpy.asarray(-stdtrit(dfs, levels))


@lru_cache(maxsize=4096)
def _constant(boundary: Boundary) -> float:
    """The constant with which all scheduled looks together spend the level at most.

    The error is an expectation over the candidate's runs and the spread (fixed draws), in which the
    reference is integrated out: given the rest, all looks are crossed beyond one value of it.
    """
    design, below = boundary.design, boundary.below
    looks = [k for k in ACCURACY_LOOKS if design.df + k - 1 >= MIN_DF]
    means, spreads = (drawn[:, -len(looks) :] for drawn in _draws(design.df))
    sign = 1.0 if below else -1.0
    means = means + sign * (boundary.deviations or 0.0)
    errors = design.errors(numpy.array(looks))

    def excess(constant: float) -> float:
        # Crossed where reference - final mean exceeds (below) or falls short of (above) this value.
        values = means + spreads * (design.excess + sign * _limits(looks, boundary, constant) * errors)
        nearest = values.min(axis=1) if below else values.max(axis=1)
        return float(_beyond(design, nearest, below).mean()) - _ALLOWANCE * boundary.level

    return float(brentq(excess, 0.0, 12.0, xtol=1e-3))


def _beyond(design: Design, limits: Floats, below: bool) -> Floats:
    """Probability that the reference minus the mean of all ``MAX_RUNS`` runs is above each limit, or below it."""
    if design.best and design.n > 1:
        grid, distribution = _maximum_distribution(design.n)
        falls = numpy.interp(limits, grid, distribution)
        return 1 - falls if below else falls
    z = limits / math.sqrt(1 / design.n + 1 / MAX_RUNS)
    return numpy.asarray(ndtr(-z if below else z))


@lru_cache(maxsize=8)  # a megabyte each
def _draws(df: float) -> tuple[Floats, Floats]:
    """(draws, looks) means minus the last look's mean, and spreads, both in true deviations.

    The mean of all runs is independent of both (Basu 1955), hence it is not drawn.
    """
    rng = numpy.random.default_rng(_SEED)
    runs = rng.standard_normal((_DRAWS, MAX_RUNS))
    chance = (rng.permutation(_DRAWS) + 0.5) / _DRAWS
    runs, chance = numpy.concatenate([runs, -runs]), numpy.concatenate([chance, chance])
    own = 2 * gammaincinv(df / 2, chance) if df > 0 else numpy.zeros(2 * _DRAWS)
    counts = numpy.array(ACCURACY_LOOKS)
    means = runs.cumsum(axis=1)[:, counts - 1] / counts
    squares = (runs**2).cumsum(axis=1)[:, counts - 1] - counts * means**2
    freedom = numpy.maximum(df + counts - 1, 1e-9)
    return means - means[:, -1:], numpy.sqrt((own[:, None] + squares) / freedom)


@cache
def normal_maximum(n: int) -> tuple[float, float]:
    """Mean and variance of the largest of n standard normal draws.

    E[M^k] is the integral of x^k n phi(x) Phi(x)^(n-1) (David & Nagaraja 2003, section 3.1), by
    the trapezoidal rule, which is exact to rounding for so smooth an integrand.
    """
    x, density = _maximum_density(n)
    mean = float(numpy.trapezoid(x * density, x))
    return mean, float(numpy.trapezoid(x**2 * density, x)) - mean**2


def _maximum_density(n: int) -> tuple[Floats, Floats]:
    x = numpy.linspace(-12.0, 12.0, 1201)
    return x, n * numpy.exp(-(x**2) / 2) / math.sqrt(2 * math.pi) * ndtr(x) ** (n - 1)


@cache
def _maximum_distribution(n: int) -> tuple[Floats, Floats]:
    """Distribution function of the largest of n minus the mean of ``MAX_RUNS`` further draws, on a grid."""
    x, density = _maximum_density(n)
    grid = numpy.linspace(-12.0, 12.0, 481)
    return grid, ndtr((grid[:, None] - x) * math.sqrt(MAX_RUNS)) @ density * (x[1] - x[0])


def noncentral_t_quantiles(levels: Floats, dfs: Floats, shifts: Floats) -> Floats:
    """(n,) the t below which noncentral t statistics fall with probability ``levels``, each with its own df."""
    chi = numpy.array([_chi(float(df)) for df in dfs])
    shift = shifts[:, None]
    high = (shift[:, 0] + 40) / chi[:, 0]
    low = -high
    for _ in range(36):  # halvings: to 1e-8 of the range
        middle = (low + high) / 2
        over = ndtr(middle[:, None] * chi - shift).mean(axis=1) > levels
        low, high = numpy.where(over, low, middle), numpy.where(over, middle, high)
    return numpy.asarray((low + high) / 2)


def noncentrality_of_power(power: float, df: float, limit: float) -> float:
    """The noncentrality with which a t statistic exceeds ``limit`` with probability ``power``."""
    chi = _chi(df)

    def excess(noncentrality: float) -> float:
        return float(ndtr(noncentrality - limit * chi).mean()) - power

    reach = abs(limit) * float(chi[-1]) + 10
    return float(brentq(excess, -reach, reach, xtol=1e-6))


@lru_cache(maxsize=1024)
def _chi(df: float) -> Floats:
    """Quantiles of an estimated spread in true ones: a chi variable over the root of its df."""
    return numpy.asarray(numpy.sqrt(2 * gammaincinv(df / 2, _STEPS) / df))
