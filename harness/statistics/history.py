"""Where did a nightly number change, and by how much?  Pure: a history in, change points out.

The procedure, each step with its source at its function: take logs; split into stretches of one level
(``partition``); let steps, one common drift and autocorrelated noise compete to explain the history
(``_explain``); re-test every step by magnitude and by ranks, and against a local slope, dropping the
weakest until all that are left pass (``_confirmed``); say where and how large each may be (``_described``).
"""

from __future__ import annotations

import math
import numbers
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

import numpy
from scipy.special import ndtri, stdtr, stdtrit

from harness.statistics.partition import BAD_NIGHT, MIN_NIGHTS, Floats, partition
from harness.statistics.scan import critical_magnitude, critical_rank, rank_split

PENALTY = 2.5  # times log n for a step: between Yao's 2 (1988) and Zhang and Siegmund's 3 (2007)
_DRIFT_PENALTY = 1.0  # times log n for a common slope: one parameter more (Schwarz 1978)
_BROKEN_PENALTY = 3.5  # of one that begins or ends within: its night and its side are looked for too
_RESOLUTION = 1e-4  # relative: numbers in logs are rounded to about four digits, no single run is known better
_MAD = 1.4826  # standard deviations of a normal in one median absolute deviation
_LOCAL_WEIGHT = 10.0  # degrees of freedom lent by the rest of the history to the spread of two stretches
_MOST_CORRELATION = 0.95
_RANK_LEVEL = 3.0  # times alpha: both tests must pass, and each is there for noise that deceives the other
_SEPARATION = 0.9  # of complete separation is enough where so few nights could never be significant by rank
DRIFT_NIGHTS = 10  # a movement over fewer nights is a step to whoever looks for its cause
_KNEES = 40  # tried: a drift's beginning is never sharper than a fortieth of the time
_LARGEST = 709.0  # log of the largest float
_ROUNDING = 1e-9  # of a cost: nights that say the same, to the last digits
_BENDS, _HEIGHTS = (0.0, BAD_NIGHT, 5.0, 8.0), (0.0, BAD_NIGHT, BAD_NIGHT, 0.0)  # in scales, see _clean


@dataclass(frozen=True, kw_only=True)
class ChangePoint:
    """One lasting change of level.

    ``index`` is the first night of the new level; the change lies in the nights ``low`` to ``high``
    (inclusive, as possible first nights of the new level) with confidence 1 - alpha.  ``effect`` is
    relative, +0.05 = 5 % larger, with its interval of confidence 1 - alpha.
    """

    index: int
    low: int
    high: int
    effect: float
    effect_low: float
    effect_high: float


def change_points(
    values: Sequence[float] | Floats, *, runs_per_point: int = 1, min_effect: float = 0.0, alpha: float = 0.01
) -> tuple[ChangePoint, ...]:
    """The lasting changes of level in a history of one positive number a night, oldest first.

    A night whose value is no positive finite number (NaN, None, zero, ...) counts as missing; indices are
    those of ``values`` all the same.  Fewer than 6 usable nights show nothing: ().  A new level needs 3
    nights.  A steady drift is no change point (see ``drift``).

    ``runs_per_point`` is the number of runs of which a night's number is the mean or median; it only
    lowers the floor under the estimated noise, a resolution of 0.01 % a run.  Changes whose relative
    effect is smaller than ``min_effect`` split the history but are not reported.  ``alpha`` is the
    level of the two tests that every change has to pass.  Raises ValueError for an impossible option,
    never for data.
    """
    check_options(runs_per_point, min_effect, alpha)
    kept, logs = usable(values)
    if len(logs) < 2 * MIN_NIGHTS:
        return ()
    model = explained(logs, runs_per_point=runs_per_point, alpha=alpha)
    found = (_described(model, step, kept, alpha) for step in range(len(model.starts)))
    large = (point for point in found if abs(point.effect) >= min_effect)
    return tuple(sorted(large, key=lambda point: point.index))


def explained(logs: Floats, *, runs_per_point: int, alpha: float) -> Model:
    """The explanation whose steps all pass their tests, of at least 2 MIN_NIGHTS logs."""
    return _confirmed(_explain(logs, _RESOLUTION / math.sqrt(runs_per_point)), alpha)


def usable(values: Sequence[float] | Floats) -> tuple[list[int], Floats]:
    """(indices, logs) of the nights whose value is a positive finite number."""
    listed = isinstance(values, Iterable) and not isinstance(values, str | bytes) and getattr(values, "ndim", 1) > 0
    nights = values if listed else ()
    kept = [(index, value) for index, value in enumerate(nights) if positive(value)]
    return [index for index, _ in kept], numpy.array([math.log(value) for _, value in kept])


def positive(value: object) -> bool:
    """Whether it is a positive finite number; a truth value is none."""
    real = isinstance(value, numbers.Real) and not isinstance(value, bool | numpy.bool_)
    return real and 0 < value < math.inf  # type: ignore[operator]  # NaN is outside


def check_options(runs_per_point: int, min_effect: float, alpha: float) -> None:
    """Raise ValueError for an option that no history could satisfy."""
    if not runs_per_point >= 1:
        raise ValueError(f"runs_per_point is {runs_per_point}: a night's number needs a run")
    if not 0 <= min_effect < math.inf:
        raise ValueError(f"min_effect is {min_effect}: give a relative size, 0.02 for 2 %")
    if not 0 < alpha < 1:
        raise ValueError(f"alpha is {alpha}: give a level between 0 and 1")


class Model(NamedTuple):
    """An explanation of n nights: steps at ``starts``, and a drift already taken out of ``logs``."""

    logs: Floats  # natural logs, the drift taken out
    clean: Floats  # the same with bad nights pulled towards their neighbours
    starts: list[int]
    drift: Floats  # what was taken out, night by night
    correlation: float  # lag 1, of what is left
    spread: float  # standard deviation of a night about its level
    floor: float  # the least spread

    @property
    def edges(self) -> list[int]:
        return [0, *self.starts, len(self.logs)]


class _Fit(NamedTuple):
    criterion: float
    starts: list[int]
    drift: Floats
    correlation: float


class _Line(NamedTuple):
    """A shape that a drift may have; ``cost`` times log n is its penalty."""

    shape: Floats
    cost: float


def _explain(logs: Floats, floor: float) -> Model:
    """The best of many explanations by steps, a drift and autocorrelated noise.

    The partition takes the noise for independent and finds too many steps where it is not; its steps are
    taken away one by one, the smallest first, and each of these nested models is fitted with and without
    a drift and with noise of its own lag-1 correlation.  The one of the smallest information criterion is
    taken (Schwarz 1978; for steps in autocorrelated noise: Chakar, Lebarbier, Levy-Leduc & Robin 2017).
    A second partition is made with the drift taken out, as the first cuts a drift to pieces.
    """
    n = len(logs)
    straight = _Line(numpy.arange(n, dtype=float), _DRIFT_PENALTY)
    scale = _scale(logs, floor)
    best = _Fit(math.inf, [], numpy.zeros(n), 0.0)
    lines = [straight]
    for _ in range(2):
        starts = partition(logs - best.drift, scale=scale, penalty=PENALTY * math.log(n))
        clean = _clean(logs - best.drift, starts) + best.drift
        best = min(best, *_nested(clean, starts, lines, floor), key=lambda fit: fit.criterion)
        if not best.drift.any():
            break
        lines = [straight, _Line(best.drift, _BROKEN_PENALTY)]
    level = logs - best.drift
    clean = _clean(level, best.starts)
    left = clean - levels(clean, best.starts)
    spread = max(math.sqrt(float(left @ left) / (n - len(best.starts) - 1)), floor)
    return Model(level, clean, best.starts, best.drift, best.correlation, spread, floor)


def _nested(clean: Floats, starts: list[int], lines: list[_Line], floor: float) -> list[_Fit]:
    """Fits with ever fewer of the steps, each without and with a drift; without a step, a broken drift too."""
    fits = []
    while True:
        fits.append(_fit(clean, starts, None, floor))
        fits.extend(_fit(clean, starts, line, floor) for line in lines)
        if not starts:
            return [*fits, _fit(clean, starts, _Line(_broken_line(clean), _BROKEN_PENALTY), floor)]
        edges = numpy.array([0, *starts, len(clean)])
        sizes = numpy.diff(edges)
        heights = numpy.diff(numpy.add.reduceat(clean, edges[:-1]) / sizes)
        weakest = int(numpy.argmin(heights**2 / (1 / sizes[1:] + 1 / sizes[:-1])))
        starts = starts[:weakest] + starts[weakest + 1 :]


def _fit(clean: Floats, starts: list[int], line: _Line | None, floor: float) -> _Fit:
    """Least squares: a level for every stretch and, with a line, one slope for all; then the correlation."""
    n = len(clean)
    left = clean - levels(clean, starts)
    drift = numpy.zeros(n)
    if line is not None:
        within = line.shape - levels(line.shape, starts)
        slope = float(within @ left) / float(within @ within)
        left = left - slope * within
        drift = slope * (line.shape - line.shape.mean())
    lag = _lag(left, floor)
    innovations = left[1:] - lag * left[:-1]
    variance = (float(innovations @ innovations) + (1 - lag**2) * left[0] ** 2) / n + floor**2
    penalty = PENALTY * len(starts) + (line.cost if line is not None else 0.0)
    return _Fit(
        n * math.log(variance) + penalty * math.log(n), starts, drift, correlation(left, len(starts) + 1, floor)
    )


def _broken_line(clean: Floats) -> Floats:
    """The best line that is flat before or after one of a few knees."""
    n = len(clean)
    nights = numpy.arange(n, dtype=float)
    knees = numpy.linspace(0, max(n - 1 - DRIFT_NIGHTS, 0), min(n, _KNEES))
    lines = numpy.concatenate([broken_lines(nights, knees), broken_lines(-nights, knees - n + 1)])
    best: Floats = lines[numpy.argmax((lines @ clean) ** 2 / (lines**2).sum(axis=1))]
    return best


def broken_lines(nights: Floats, knees: Floats) -> Floats:
    """Lines of mean 0, one row for each knee: flat before it, of slope 1 after."""
    lines: Floats = numpy.maximum(nights - knees[:, None], 0.0)
    lines -= lines.mean(axis=1, keepdims=True)
    return lines


def _lag(left: Floats, floor: float) -> float:
    """Lag-1 correlation of what a fit leaves, from 0 to 0.95; 0 where it leaves no more than rounding."""
    power = float(left @ left)
    if power <= len(left) * floor**2:
        return 0.0
    return min(max(float(left[1:] @ left[:-1]) / power, 0.0), _MOST_CORRELATION)


def correlation(left: Floats, fitted: int, floor: float) -> float:
    """Lag-1 correlation of what ``fitted`` levels leave, their bias of -(1 + 3 r) / n each taken out (Kendall 1954)."""
    lag, n = _lag(left, floor), len(left)
    return min((n * lag + fitted) / max(n - 3 * fitted, n / 2), _MOST_CORRELATION) if lag > 0 else 0.0


def _confirmed(model: Model, alpha: float) -> Model:
    """The model without the steps that fail a test, taken away weakest first as each changes its neighbours."""
    known: dict[tuple[int, int, int], float] = {}
    while model.starts:
        triples = list(zip(model.edges, model.starts, model.edges[2:], strict=False))
        for step, triple in enumerate(triples):
            if triple not in known:
                known[triple] = _margin(model, step, alpha)
        weakest = min(triples, key=lambda triple: known[triple])
        if known[weakest] >= 1:
            break
        model = model._replace(starts=[start for start in model.starts if start != weakest[1]])
    return model


def _margin(model: Model, step: int, alpha: float) -> float:
    """By what factor the step exceeds what it must, at the worst of its tests."""
    start, split, end = model.edges[step : step + 3]
    needed = critical_magnitude(end - start, alpha)
    rank, most = rank_split(model.logs[start:end], split - start)
    by_rank = rank / min(critical_rank(end - start, _RANK_LEVEL * alpha), _SEPARATION * most)
    height, error, freedom = _height(model, step)
    by_magnitude = _normal(abs(height) / error, freedom) / needed
    return min(by_rank, by_magnitude, _beside_slope(model, step) / needed)


def _height(model: Model, step: int) -> tuple[float, float, float]:
    """(height, standard error, degrees of freedom) of a step, as Student's t for correlated nights.

    The mean of m nights of lag-1 correlation r has variance v(m, r) times that of a night; what is left
    within two stretches has as many degrees of freedom less.  The rest of the history lends its spread
    with a few degrees of freedom (as in Smyth 2004).
    """
    start, split, end = model.edges[step : step + 3]
    before, after = model.clean[start:split], model.clean[split:end]
    of_mean = variance_of_mean(len(before), model.correlation), variance_of_mean(len(after), model.correlation)
    freedom = len(before) * (1 - of_mean[0]) + len(after) * (1 - of_mean[1])
    squares = float(len(before) * before.var() + len(after) * after.var())
    lent = min(_LOCAL_WEIGHT, len(model.logs) - (end - start))
    variance = (lent * model.spread**2 + squares) / (lent + freedom)
    error = math.sqrt(max(variance, model.floor**2) * (sum(of_mean) + _share_of_drift(model, start, split, end)))
    return float(after.mean() - before.mean()), error, lent + freedom


def _share_of_drift(model: Model, start: int, split: int, end: int) -> float:
    """What the uncertain size of the drift adds to the variance of a step, in variances of a night."""
    if not model.drift.any():
        return 0.0
    within = model.drift - levels(model.drift, model.starts)
    apart = model.drift[split:end].mean() - model.drift[start:split].mean()
    inflation = (1 + model.correlation) / (1 - model.correlation)
    return float(apart**2 * inflation / (within @ within))


def variance_of_mean(nights: int, correlation: float) -> float:
    """Variance of the mean of so many nights of an AR(1) series of unit variance (Bayley & Hammersley 1946)."""
    r = correlation
    return ((1 + r) / (1 - r) - 2 * r * (1 - r**nights) / (nights * (1 - r) ** 2)) / nights


def _normal(t: float, freedom: float) -> float:
    """The normal deviate that is as rare as a t."""
    return -float(ndtri(max(float(stdtr(freedom, -t)), 1e-300)))


def _beside_slope(model: Model, step: int) -> float:
    """The step as a normal deviate where a slope of its own stands beside it; infinity where no slope is needed.

    A straight line through both stretches that leaves less than the step leaves is a drift to be preferred,
    unless there is a step beside it (analysis of covariance: two levels with a common slope).
    """
    start, split, end = model.edges[step : step + 3]
    clean, n = model.clean[start:end], end - start
    by_step = clean - levels(clean, [split - start])
    nights = numpy.arange(n) - (n - 1) / 2
    by_line = clean - clean.mean()
    by_line = by_line - nights * (nights @ by_line) / (nights @ nights)
    if by_line @ by_line >= by_step @ by_step:
        return math.inf
    jump = (numpy.arange(n) >= split - start) - (end - split) / n
    jump = jump - nights * (nights @ jump) / (nights @ nights)
    height = float(jump @ by_line) / float(jump @ jump)
    left = by_line - height * jump
    lent = min(_LOCAL_WEIGHT, len(model.logs) - n)
    variance = (lent * model.spread**2 + float(left @ left)) / (lent + n - 3)
    inflation = (1 + model.correlation) / (1 - model.correlation)
    error = math.sqrt(max(variance, model.floor**2) * inflation / float(jump @ jump))
    return _normal(abs(height) / error, lent + n - 3)


def _described(model: Model, step: int, kept: list[int], alpha: float) -> ChangePoint:
    """Where and how large.

    The nights where the step may lie are those at which it would cost at most 2 x more than where it
    costs least.  Away from the change the log likelihood walks down on both sides, and the higher of the
    two maxima exceeds x + 0.583 d with probability 1 - (1 - exp(-x - 0.583 d))^2 = alpha for a step of d
    deviations a night (Siegmund 1988, with his correction for walks in steps); deflated for correlation.
    The size's interval is that of Student's t at the first, the best and the last of these nights together.
    """
    start, split, end = model.edges[step : step + 3]
    costs = _costs(model, start, split, end)
    deflation = (1 - model.correlation) / (1 + model.correlation)
    deviations = abs(_height(model, step)[0]) / model.spread * math.sqrt(deflation)
    most = 2 * max(-math.log(-math.expm1(math.log1p(-alpha) / 2)) - 0.583 * deviations, 0.0) / deflation
    likely = start + MIN_NIGHTS + numpy.flatnonzero(costs <= costs.min() + most + _ROUNDING)
    split, low, high = start + MIN_NIGHTS + int(costs.argmin()), int(likely[0]), int(likely[-1])
    heights = [_height(_moved(model, step, night), step) for night in (split, low, high)]
    widths = [float(stdtrit(freedom, 1 - alpha / 2)) * error for _, error, freedom in heights]
    return ChangePoint(
        index=kept[split],
        low=kept[low - 1] + 1,  # the nights missing before it may have been the first
        high=kept[high],
        effect=relative(heights[0][0]),
        effect_low=relative(min(height - width for (height, _, _), width in zip(heights, widths, strict=True))),
        effect_high=relative(max(height + width for (height, _, _), width in zip(heights, widths, strict=True))),
    )


def _moved(model: Model, step: int, night: int) -> Model:
    return model._replace(starts=[*model.starts[:step], night, *model.starts[step + 1 :]])


def relative(logs: float) -> float:
    """A difference of logs as a relative one, infinite beyond the largest float."""
    return math.expm1(logs) if logs < _LARGEST else math.inf


def _costs(model: Model, start: int, split: int, end: int) -> Floats:
    """Cost of the two stretches for every split that leaves each MIN_NIGHTS, their levels as found."""
    nights = model.logs[start:end]
    before, after = model.clean[start:split].mean(), model.clean[split:end].mean()
    of_before = numpy.minimum(((nights - before) / model.spread) ** 2, BAD_NIGHT**2)
    of_after = numpy.minimum(((nights - after) / model.spread) ** 2, BAD_NIGHT**2)
    costs: Floats = numpy.cumsum(of_before - of_after) + of_after.sum()  # of a split after each night
    return costs[MIN_NIGHTS - 1 : len(nights) - MIN_NIGHTS]


def levels(series: Floats, starts: list[int]) -> Floats:
    """The mean of each night's stretch."""
    edges = numpy.array([0, *starts, len(series)])
    sizes = numpy.diff(edges)
    return numpy.repeat(numpy.add.reduceat(series, edges[:-1]) / sizes, sizes)


def _scale(logs: Floats, floor: float) -> float:
    """Standard deviation of a night from the differences of neighbours, unmoved by steps and bad nights.

    Where most neighbours are equal (rounded numbers) their median says nothing and their mean is taken.
    """
    differences = numpy.abs(numpy.diff(logs))
    return max(float(_MAD * numpy.median(differences) or numpy.mean(differences)) / math.sqrt(2), floor)


def _clean(series: Floats, starts: list[int]) -> Floats:
    """The series with bad nights pulled to the median of their stretch: Hampel's three-part function (1974).

    A deviation counts as it is up to 3 scales, as 3 from there to 5, as less and less to 8, and not at all beyond.
    """
    edges = [0, *starts, len(series)]
    middles = [float(numpy.median(series[start:end])) for start, end in pairwise(edges)]
    away = series - numpy.repeat(middles, numpy.diff(edges))
    distance = numpy.abs(away)
    scale = float(_MAD * numpy.median(distance) or numpy.mean(distance))
    if scale == 0:
        return series
    kept: Floats = numpy.interp(distance / scale, _BENDS, _HEIGHTS) * scale
    clean: Floats = series - away + numpy.copysign(kept, away)
    return clean
