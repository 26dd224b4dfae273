"""Split a series into stretches of one level each, unmoved by single bad nights."""

from __future__ import annotations

import numpy
from numpy.typing import NDArray

Floats = NDArray[numpy.float64]
MIN_NIGHTS = 3  # a new level is carried by three nights (VERDICTS rule 9)
BAD_NIGHT = 3.0  # scales: beyond, a night costs no more however far away it lies (Fearnhead & Rigaill 2019)
_MOST_LEVELS = 250  # closer than a fifth of a scale apart wherever stretches of a few nights lie


def partition(series: Floats, *, scale: float, penalty: float) -> list[int]:
    """First index of every stretch but the first, of the cheapest partition of a series of shape (n,).

    A stretch at level m costs the sum of min(((y - m) / scale)^2, BAD_NIGHT^2), the biweight loss, and
    each further stretch ``penalty`` (Fearnhead & Rigaill 2019, "Changepoint detection in the presence of
    outliers").  Their functional recursion is made over a finite set of levels (the values and
    their running medians), which is Viterbi's algorithm with the state (level, nights of this stretch so far,
    counted up to MIN_NIGHTS): O(n levels) and vectorised over the levels.  Needs n >= 2 MIN_NIGHTS.
    """
    levels = _levels(series)
    losses = numpy.minimum(((series[:, None] - levels) / scale) ** 2, BAD_NIGHT**2)
    grown = numpy.full(len(levels), numpy.inf)  # cost of the stretches that are long enough to end
    second = grown
    first = losses[0]
    came_of_age = numpy.zeros(losses.shape, dtype=bool)  # whether the best grown stretch has just MIN_NIGHTS
    before = numpy.zeros(len(series), dtype=numpy.intp)  # the level from which a stretch beginning here comes
    for night in range(1, len(series)):
        loss = losses[night]
        numpy.less(second, grown, out=came_of_age[night])
        best = before[night] = grown.argmin()
        born = grown[best] + penalty
        grown = numpy.minimum(grown, second) + loss
        second = first + loss
        first = born + loss
    return _starts(came_of_age, before, int(grown.argmin()))


def _starts(came_of_age: NDArray[numpy.bool_], before: NDArray[numpy.intp], level: int) -> list[int]:
    starts: list[int] = []
    night = len(before) - 1
    while True:
        while not came_of_age[night, level]:
            night -= 1
        start = night - MIN_NIGHTS + 1
        if start == 0:
            return starts[::-1]
        starts.append(start)
        level, night = int(before[start]), start - 1


def _levels(series: Floats) -> Floats:
    """Levels worth trying: every value and the running medians of 3 and 7 nights, at most _MOST_LEVELS of them."""
    levels = numpy.unique(numpy.concatenate([series, running_median(series, 3), running_median(series, 7)]))
    if len(levels) > _MOST_LEVELS:
        levels = levels[numpy.linspace(0, len(levels) - 1, _MOST_LEVELS).astype(int)]
    return levels


def running_median(series: Floats, width: int) -> Floats:
    """Median of the ``width`` (odd) nights around each of n >= width // 2 + 1 nights, reflected at the ends."""
    padded = numpy.pad(series, width // 2, mode="reflect")
    windows = numpy.lib.stride_tricks.sliding_window_view(padded, width)
    median: Floats = numpy.partition(windows, width // 2, axis=1)[:, width // 2]
    return median
