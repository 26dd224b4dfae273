"""Is a nightly number creeping away from its published value?  Pure: a history in, a finding or None out.

A step is no drift: the steps that ``change_points`` confirms are taken out first.  A baseline that rolls
along with the history never sees a drift; the reference of this one stands still.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy
from scipy.special import ndtr, ndtri

from harness.statistics.history import (
    DRIFT_NIGHTS,
    broken_lines,
    check_options,
    explained,
    levels,
    positive,
    relative,
    usable,
    variance_of_mean,
)
from harness.statistics.partition import Floats

MIN_NIGHTS = 20  # a correlated history of fewer shows no trend at 1 % that a person would not see sooner
_MOST_NIGHTS = 1000  # the slopes of all pairs are looked at: the last three years are enough
_LAST = 7  # nights whose mean is the level now: a week


@dataclass(frozen=True, kw_only=True)
class Drift:
    """A slow movement that is not a step.

    ``since`` is the night from which it moves, ``slope`` its relative change a night and ``moved`` the
    relative change from then to the last night, steps left out.  ``distance`` is how far the mean of the
    last nights lies from the reference, relative (+0.03 = 3 % above), steps included, in its interval of
    confidence 1 - alpha from ``distance_low`` to ``distance_high``; None where the reference is no
    positive finite number.  ``p`` is the two-sided p-value of the trend.
    """

    since: int
    slope: float
    moved: float
    distance: float | None
    distance_low: float | None
    distance_high: float | None
    p: float

    @property
    def away(self) -> bool:
        """Whether it moves further from the reference, and not back towards it; unknown is away."""
        return self.distance is None or self.distance * self.slope >= 0


def drift(
    values: Sequence[float] | Floats, *, reference: float | None, runs_per_point: int = 1, alpha: float = 0.01
) -> Drift | None:
    """The drift in a history of one positive number a night, or None where none is shown at level alpha.

    Mann-Kendall's test with the variance of S for autocorrelated nights (Hamed & Rao 1998, with
    the correlations of an AR(1) series), Theil-Sen's slope (Sen 1968).  The onset is that
    of the least-squares broken line, level before and straight after it.  Nights that are no positive
    finite number are missing, indices are those of ``values``; fewer than 20 nights show nothing.
    Raises ValueError for an impossible option, never for data.
    """
    check_options(runs_per_point, 0.0, alpha)
    kept, logs = usable(values)
    kept, logs = kept[-_MOST_NIGHTS:], logs[-_MOST_NIGHTS:]
    if len(logs) < MIN_NIGHTS:
        return None
    model = explained(logs, runs_per_point=runs_per_point, alpha=alpha)
    nights = numpy.array(kept, dtype=float)
    moving = model.clean + model.drift
    smooth = moving - levels(model.clean, model.starts)
    p = 2 * float(ndtr(-abs(_trend(smooth)) / math.sqrt(_inflation(len(smooth), model.correlation))))
    onset = _onset(nights, smooth)
    slope = _slope(nights[onset:], smooth[onset:])
    if p > alpha or slope == 0:
        return None
    now = float(moving[-_LAST:].mean())
    error = model.spread * math.sqrt(variance_of_mean(_LAST, model.correlation))
    distance, low, high = _distance(now, error, reference, alpha)
    return Drift(
        since=kept[onset],
        slope=relative(slope),
        moved=relative(slope * (kept[-1] - kept[onset])),
        distance=distance,
        distance_low=low,
        distance_high=high,
        p=p,
    )


def _distance(
    now: float, error: float, reference: float | None, alpha: float
) -> tuple[float, float, float] | tuple[None, None, None]:
    """(distance, low, high) of a log level from the reference, relative."""
    if reference is None or not positive(reference):
        return None, None, None
    away = now - math.log(reference)
    width = -float(ndtri(alpha / 2)) * error
    return relative(away), relative(away - width), relative(away + width)


def _trend(series: Floats) -> float:
    """Mann-Kendall's S as a normal deviate with continuity correction, ties accounted for (Kendall 1955)."""
    n = len(series)
    concordance = numpy.sign(series[None, :] - series[:, None])
    s = float(numpy.triu(concordance).sum())
    ties = numpy.unique(series, return_counts=True)[1].astype(float)
    variance = (n * (n - 1) * (2 * n + 5) - float((ties * (ties - 1) * (2 * ties + 5)).sum())) / 18
    return math.copysign(max(abs(s) - 1, 0.0), s) / math.sqrt(variance) if variance > 0 else 0.0


def _inflation(n: int, lag: float) -> float:
    """By what factor AR(1) nights widen the variance of S (Hamed & Rao 1998).

    The correlation of the ranks of two normal nights correlated by r is 6 / pi arcsin(r / 2).
    """
    apart = numpy.arange(1, n)
    ranks = 6 / math.pi * numpy.arcsin(lag**apart / 2)
    return 1 + 2 / (n * (n - 1) * (n - 2)) * float(((n - apart) * (n - apart - 1) * (n - apart - 2)) @ ranks)


def _slope(nights: Floats, series: Floats) -> float:
    """Theil-Sen's slope a night: the median over all pairs (Sen 1968)."""
    first, second = numpy.triu_indices(len(series), 1)
    return float(numpy.median((series[second] - series[first]) / (nights[second] - nights[first])))


def _onset(nights: Floats, series: Floats) -> int:
    """First night of the least-squares broken line, flat and then straight for DRIFT_NIGHTS at least."""
    lines = broken_lines(nights, nights[: len(nights) - DRIFT_NIGHTS])
    return int(numpy.argmax((lines @ series) ** 2 / (lines**2).sum(axis=1)))
