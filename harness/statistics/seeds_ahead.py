"""How many more seeds it will take.  Pure; its draws are fixed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

import numpy
from numpy.typing import NDArray
from scipy.special import gammaincinv, ndtri

from harness.statistics.boundary import Design
from harness.statistics.sequential import ACCURACY_LOOKS

Floats = NDArray[numpy.float64]
Flags = NDArray[numpy.bool_]
LATER = (13, 16, 20, 25, 32, 40, 50, 65, 80, 100)  # looks of a caller that goes on beyond the last one
UNCHANGED = 0.5  # prior probability that nothing changed
CHANGE = 3.0  # prior standard deviation of a change, in those of one run
SETTLED = 0.95  # of the futures decided: the others do not change the answer
_FUTURES = 400
_SEED = 20240612
_MIDDLES = (numpy.arange(_FUTURES) + 0.5) / _FUTURES


class Limits(NamedTuple):
    """The t that decide at one look.  The last two against a margin; see ``equivalent``."""

    regression: float
    improved: float
    above_worse: float
    below_better: float

    def equivalent(self, difference: float, error: float, margin: float | None) -> bool:
        """Whether the difference is shown to lie within ``margin``; None: these limits have it inside."""
        reach = 0.0 if margin is None else margin
        return -reach + self.above_worse * error < difference < reach - self.below_better * error

    def shown_within(self, difference: float, error: float, margin: float | None, band: float) -> tuple[float, float]:
        """The bounds of the difference that lie within ``band`` exactly where ``equivalent`` holds."""
        inside = 0.0 if margin is not None else band
        low = difference - self.above_worse * error - inside
        return low, difference + self.below_better * error + inside


@dataclass(frozen=True, kw_only=True)
class Present:
    """What is known after k runs: the candidate is better by ``difference``, runs differ by ``s``."""

    difference: float
    s: float
    k: int
    design: Design
    margin: float | None


def further_runs(present: Present, limits: Callable[[int], Limits]) -> int | None:
    """The number of further runs that most probably is within a factor 2 of what it takes.

    The looks to come are played through from the posterior distribution of change and spread (half of
    the prior on no change; Gelman et al. 2013, sections 3.2 and 7.1) with fixed draws.  None where
    more than half of the futures are undecided after ``LATER``.
    """
    taken = _runs_taken(present, limits)
    if not numpy.isfinite(taken).mean() > 0.5:
        return None
    offers = numpy.arange(1, int(taken[numpy.isfinite(taken)].max()) + 1)
    right = ((taken[:, None] <= 2 * offers) & (2 * taken[:, None] >= offers)).mean(axis=0)
    best = offers[right >= right.max() - 1e-9]
    return int(best[len(best) // 2])


def _runs_taken(present: Present, limits: Callable[[int], Limits]) -> Floats:
    """(futures,) how many further runs each takes until its decision; infinity: more than are looked at."""
    design, k, s_now = present.design, present.k, present.s
    df = design.df + k - 1
    draws = _draws(k)
    sigma = s_now / _estimated(df)
    centre = _centre(present, sigma, draws)
    taken = numpy.full(_FUTURES, numpy.inf)
    gap = numpy.full(_FUTURES, present.difference - design.excess * s_now)  # mean minus the published number
    squares = numpy.full(_FUTURES, df * s_now**2)
    before = k
    for look, normal, chi2 in zip(_looks(k), draws.means, draws.squares, strict=True):
        block = look - before
        new = centre + sigma * normal
        squares = squares + sigma**2 * chi2 + before * block / look * (new - gap) ** 2  # Chan et al. 1983
        gap = gap + block / look * (new - gap)
        s = numpy.sqrt(squares / (design.df + look - 1))
        decided = _decided(limits(look), gap + design.excess * s, s * design.error(look), present.margin)
        taken[decided & numpy.isinf(taken)] = look - k
        before = look
        if numpy.isfinite(taken).mean() >= SETTLED:
            break
    return taken


def _decided(limits: Limits, difference: Floats, error: Floats, margin: float | None) -> Flags:
    reach = 0.0 if margin is None else margin
    worst, best = difference - limits.above_worse * error, difference + limits.below_better * error
    equivalent = (-reach < worst) & (best < reach)
    return numpy.asarray(
        equivalent | (difference < -limits.regression * error) | (difference > limits.improved * error)
    )


class _Draws(NamedTuple):
    unchanged: Floats  # (futures,) uniform
    change: Floats  # (futures,) normal
    own: Floats  # (futures,) normal: of the reference's error
    means: Floats  # (looks, futures) of the runs between two looks
    squares: Floats  # (looks, futures) chi-squared: of these runs about their mean


def _looks(k: int) -> tuple[int, ...]:
    return tuple(look for look in (*ACCURACY_LOOKS, *LATER) if look > k) or (2 * k,)


@lru_cache(maxsize=256)
def _draws(k: int) -> _Draws:
    """Standard draws for the looks after k runs."""
    rng = numpy.random.default_rng(_SEED)
    blocks = numpy.diff((k, *_looks(k)))[:, None]
    uniform, change, own = rng.permutation(_MIDDLES), rng.permutation(ndtri(_MIDDLES)), rng.standard_normal(_FUTURES)
    means = rng.standard_normal((len(blocks), _FUTURES)) / blocks**0.5
    squares = rng.chisquare(numpy.maximum(blocks - 1, 1), (len(blocks), _FUTURES)) * (blocks > 1)
    return _Draws(uniform, change, own, means, squares)


@lru_cache(maxsize=1024)
def _estimated(df: float) -> Floats:
    """(futures,) estimated spreads in true ones."""
    return numpy.asarray(numpy.sqrt(2 * gammaincinv(df / 2, _MIDDLES) / df))


def _centre(present: Present, sigma: Floats, draws: _Draws) -> Floats:
    """(futures,) the candidate's true accuracy minus the published number, from its posterior.

    Two normal priors of the change (a spike at zero, a wide one), each conjugate given sigma.
    """
    k, error = present.k, present.design.error(present.k)
    weight = error**2 - 1 / k  # of the reference
    z2 = (present.difference / sigma) ** 2
    wide = error**2 + CHANGE**2
    evidence = numpy.minimum(z2 / 2 * (1 / error**2 - 1 / wide), 700.0)  # exp is finite up to 709
    odds = (1 - UNCHANGED) / UNCHANGED * error / wide**0.5 * numpy.exp(evidence)
    shrunk = CHANGE**2 / wide
    changed = shrunk * present.difference + sigma * error * shrunk**0.5 * draws.change
    delta = numpy.where(draws.unchanged < 1 / (1 + odds), 0.0, changed)
    spare = (weight / k) ** 0.5 / error
    level = delta + (present.difference - delta) * weight / error**2 + sigma * spare * draws.own
    return numpy.asarray(level - present.design.excess * present.s)
