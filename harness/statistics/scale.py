"""What is believed of the run-to-run scale before a session, and on which grid.  Pure."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy

from harness.statistics.contaminated import Array, located, log_total

MAX_HISTORY_DF = 12.0  # a session's scale is never known better than that
HISTORY_DF = 0.8  # degrees of freedom a difference: Qn, robust as well, keeps 0.82 (Rousseeuw & Croux 1993)
MAD_DF = 0.37  # ... and what the MAD keeps (Rousseeuw & Croux 1993)
DISTRUST = 2.5  # times the history's scale: this session is not like it
_DISTRUST_FEW = {3: 4.0, 4: 2.9, 5: 2.9}  # ... of few pairs, what 0.5 % of sessions like it exceed by chance
UNLIKE = 0.05  # of sessions, even of those that look alike, are not
FLOOR = 1e-4  # no run repeats itself to 0.01 %
GRID_STEP = 0.15  # of log scale: with 24 degrees of freedom its deviation is 0.145, and the sum exact to 1e-4
_FLAT = 1 / math.log(1000)  # density of a log scale that may be anything from 0.03 % to 30 %


@dataclass(frozen=True)
class Belief:
    """The prior of the scale on its grid, (scales,), its degrees of freedom, and what it stands on."""

    scales: Array
    log_prior: Array
    df: float
    told: str


def believed(residuals: Array, history: Array, bad_share: float) -> Belief:
    """The prior of the log scale: the likelihood of the ``history`` of differences around zero, tempered.

    A power prior (Ibrahim & Chen 2000): the history's likelihood to the power that leaves it
    ``MAX_HISTORY_DF`` degrees of freedom, with a small share of sessions of any scale.  Without a
    history, and where the robust spread of this session's ``residuals`` exceeds ``DISTRUST`` times that
    of the history, it is flat: then only the session speaks.
    """
    spread = mad(residuals)
    if not len(history):
        return _flat(residuals, spread, "no history")
    centre = max(1.4826 * float(numpy.median(numpy.abs(history))), FLOOR)
    told = f"{len(history)} earlier differences of scale {centre:.2%}"
    if spread > _DISTRUST_FEW.get(len(residuals), DISTRUST) * centre:
        return _flat(residuals, spread, f"a session unlike its {told}")
    df = min(HISTORY_DF * len(history), MAX_HISTORY_DF)
    scales = _grid(residuals, spread, centre, df)
    known = located(history, scales, bad_share) * df / len(history)
    step = math.log(scales[1] / scales[0])
    density = numpy.exp(known - log_total(known)) / step
    return Belief(scales, numpy.log((1 - UNLIKE) * density + UNLIKE * _FLAT), df, told)


def _flat(residuals: Array, spread: float, told: str) -> Belief:
    scales = _grid(residuals, spread, 0.0, 0.0)
    return Belief(scales, numpy.zeros(len(scales)), 0.0, told)


def _grid(residuals: Array, spread: float, centre: float, df: float) -> Array:
    """Scales in equal ratios.  Above, the posterior falls as s^-(df + n - 1): up to 1e-4 of its mass."""
    known = [scale for scale in (spread, centre) if scale > 0]
    low = max(min(known, default=FLOOR) / 10, FLOOR)
    tail = 10 ** (4 / (df + len(residuals) - 1))
    high = 3 * tail * max(float(residuals.std()), centre, FLOOR)
    return numpy.geomspace(low, high, max(math.ceil(math.log(high / low) / GRID_STEP), 2) + 1)


def mad(values: Array) -> float:
    """The median absolute deviation from the median, unbiased for a normal sample of this size, (n,).

    Factors for up to nine by Croux & Rousseeuw (1992), "Time-efficient algorithms for two highly
    robust estimators of scale", section 2; n / (n - 0.8) beyond.
    """
    n = len(values)
    factor = {2: 1.196, 3: 1.495, 4: 1.363, 5: 1.206, 6: 1.200, 7: 1.140, 8: 1.129, 9: 1.107}.get(n, n / (n - 0.8))
    return factor * 1.4826 * float(numpy.median(numpy.abs(values - numpy.median(values))))
