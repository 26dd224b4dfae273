"""Rules by which other tools find changes in a history, written from their published definitions.

Each takes one positive number a night and gives the first nights of the new levels, in order.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise

import numpy
from numpy.typing import NDArray
from scipy.special import stdtr

Floats = NDArray[numpy.float64]


def torchbench(values: Sequence[float], *, threshold: float = 0.07) -> list[int]:
    """Night against the night before, beyond 7 % (pytorch/benchmark, regression detector's default)."""
    nights = numpy.asarray(values, dtype=float)
    moved = numpy.abs(nights[1:] / nights[:-1] - 1) >= threshold
    return [int(night) + 1 for night in numpy.flatnonzero(moved)]


def mongodb(values: Sequence[float], *, level: float = 0.05, permutations: int = 100) -> list[int]:
    """E-divisive means with a permutation test, as in signal-processing-algorithms (Matteson & James 2014).

    The next split is the largest energy statistic of all stretches; it stands if at most 5 % of the
    permutations within the stretches exceed it anywhere (Daly et al. 2020).  The seed is fixed.
    """
    rng = numpy.random.default_rng(1234)
    nights = numpy.asarray(values, dtype=float)
    splits: list[int] = []
    while True:
        stretches = [nights[start:end] for start, end in pairwise([0, *sorted(splits), len(nights)])]
        energies = [_energy(stretch) for stretch in stretches]
        widest = max(range(len(stretches)), key=lambda place: float(energies[place].max()))
        best = float(energies[widest].max())
        split = [0, *sorted(splits)][widest] + int(energies[widest].argmax())
        beaten = 0
        for _ in range(permutations):
            beaten += max(float(_energy(rng.permutation(stretch)).max()) for stretch in stretches) >= best
        if split == 0 or split in splits or beaten / (permutations + 1) > level:
            return sorted(splits)
        splits.append(split)


def _energy(nights: Floats) -> Floats:
    """n m / (n + m) (2 E|X - Y| - E|X - X'| - E|Y - Y'|) for every split; 0 for the empty one."""
    n = len(nights)
    distances = numpy.abs(nights[:, None] - nights)
    lower = numpy.concatenate([[0.0], numpy.cumsum(numpy.tril(distances).sum(axis=1))])[:n]  # pairs before
    upper = numpy.cumsum(numpy.triu(distances).sum(axis=1)[::-1])[::-1]  # pairs after
    first = numpy.arange(n, dtype=float)
    last = n - first
    across = distances.sum() / 2 - lower - upper
    with numpy.errstate(divide="ignore", invalid="ignore"):
        energy: Floats = first * last / n * (2 * across / (first * last) - 2 * lower / first**2 - 2 * upper / last**2)
    energy[0] = 0.0
    return energy


def otava(values: Sequence[float], *, window: int = 50, level: float = 0.001) -> list[int]:
    """Apache Otava (Hunter, Fleming et al. 2023) at its defaults: windowed e-divisive, Student's t, then merging.

    Every window of 50 nights, moved on by 25 or to the last split found, is divided at ten times the level;
    the weakest of all these splits goes until every one is significant between its neighbours.
    """
    nights = numpy.asarray(values, dtype=float)
    splits: set[int] = set()
    start = 0
    while start < len(nights):
        found = _divided(nights[start : start + window], 10 * level)
        splits |= {start + split for split in found}
        start = max(start + max(found, default=-start), start + window // 2)
    kept = sorted(splits)
    chances = [_between(nights, kept, place) for place in range(len(kept))]
    while kept and max(chances) >= level:
        weakest = chances.index(max(chances))
        del kept[weakest], chances[weakest]
        for place in (weakest, weakest + 1):  # as in Otava: the split before keeps what it had
            if place < len(kept):
                chances[place] = _between(nights, kept, place)
    return kept


def _between(nights: Floats, splits: list[int], place: int) -> float:
    start, split, end = [0, *splits, len(nights)][place : place + 3]
    return _chance(nights[start:split], nights[split:end])


def _divided(nights: Floats, level: float) -> list[int]:
    splits: list[int] = []
    while True:
        stretches = list(pairwise([0, *splits, len(nights)]))
        candidates = [(*_most_apart(nights[a:b]), a, b) for a, b in stretches if b - a >= 2]
        if not candidates:
            return splits
        _, offset, start, end = max(candidates, key=lambda candidate: candidate[0])
        split = start + offset
        if not _chance(nights[start:split], nights[split:end]) <= level:
            return splits
        splits = sorted([*splits, split])


def _most_apart(nights: Floats) -> tuple[float, int]:
    """(q, split) of the largest q over all splits and all ends of the second part (Otava's QQ)."""
    n = len(nights)
    sums = numpy.zeros((n + 1, n + 1))
    sums[1:, 1:] = numpy.abs(nights[:, None] - nights).cumsum(axis=0).cumsum(axis=1)
    whole = numpy.diag(sums) / 2  # pairs among the first k nights
    split = numpy.arange(1, n)[:, None]
    end = numpy.arange(2, n + 1)[None, :]
    first, second = split.astype(float), (end - split).astype(float)
    across = sums[1:n, 2:] - 2 * whole[1:n, None]
    within = whole[None, 2:] - whole[1:n, None] - across
    with numpy.errstate(divide="ignore", invalid="ignore"):
        q = 2 / end * across
        q -= numpy.where(first > 1, 2 * second / end / (first - 1) * whole[1:n, None], 0.0)
        q -= numpy.where(second > 1, 2 * first / end / (second - 1) * within, 0.0)
    q[second < 1] = 0.0
    place = int(q.argmax())
    return float(q.flat[place]), place // q.shape[1] + 1


def _chance(left: Floats, right: Floats) -> float:
    """Two-sided p of Student's t with the population spreads, as Otava passes them; 1 where it says nothing."""
    n, m = len(left), len(right)
    if n + m <= 2:
        return 1.0
    variance = ((n - 1) * left.var() + (m - 1) * right.var()) / (n + m - 2)
    apart = abs(left.mean() - right.mean())
    if variance == 0:
        return 0.0 if apart > 0 else 1.0
    return float(2 * stdtr(n + m - 2, -apart / math.sqrt(variance * (1 / n + 1 / m))))


def asv(values: Sequence[float]) -> list[int]:
    """airspeed velocity's step detection: the L1 Potts fit whose penalty minimises an information criterion.

    The criterion is 4 log(n) / n for each stretch plus the log of the absolute innovations, with the lag-1
    correlation fitted and a floor of a tenth of the smallest step (asv's ``step_detect``).  A step counts
    beyond the mean absolute deviation of both stretches; stretches of one night do not.  Both directions.
    """
    nights = numpy.asarray(values, dtype=float)
    n = len(nights)
    costs, medians = _absolute_costs(nights)
    total = costs[0, n] or 1.0
    best: tuple[float, list[int]] = (math.inf, [])
    for share in numpy.geomspace(0.1 / n, 1.0, 24):
        starts = _potts(costs, share * total)
        fitted = [medians[a, b] for a, b in pairwise([*starts, n])]
        left = nights - numpy.repeat(fitted, numpy.diff([*starts, n]))
        lags = numpy.linspace(-1, 1, 21)
        innovations = numpy.abs(left[0]) + numpy.abs(left[1:] - lags[:, None] * left[:-1]).sum(axis=1).min()
        steps = numpy.abs(numpy.diff(fitted))
        floor = 0.1 * steps.min() if len(steps) > 1 else 0.001 * numpy.abs(fitted).min()
        best = min(best, (4 * math.log(n) / n * len(starts) + math.log(max(floor, 1e-300) + innovations), starts))
    edges = [*best[1], n]
    stretches = [(a, b) for a, b in pairwise(edges) if b - a >= 2]
    found = []
    for (a, b), (c, d) in pairwise(stretches):
        error = max(costs[a, b] / (b - a), costs[c, d] / (d - c))
        if abs(medians[a, b] - medians[c, d]) > error:
            found.append(c)
    return found


def _absolute_costs(nights: Floats) -> tuple[Floats, Floats]:
    """(sum of absolute deviations, median) of nights[a:b] at [a, b]."""
    n = len(nights)
    costs, medians = numpy.full((n + 1, n + 1), numpy.inf), numpy.zeros((n + 1, n + 1))
    for width in range(1, n + 1):
        windows = numpy.lib.stride_tricks.sliding_window_view(nights, width)
        starts = numpy.arange(n - width + 1)
        middle = numpy.median(windows, axis=1)
        medians[starts, starts + width] = middle
        costs[starts, starts + width] = numpy.abs(windows - middle[:, None]).sum(axis=1)
    return costs, medians


def _potts(costs: Floats, penalty: float) -> list[int]:
    """Starts of the stretches of least cost plus penalty a stretch (Friedrich et al. 2008)."""
    n = len(costs) - 1
    least = numpy.zeros(n + 1)
    before = numpy.zeros(n + 1, dtype=int)
    for end in range(1, n + 1):
        sums = least[:end] + costs[:end, end] + penalty
        before[end] = sums.argmin()
        least[end] = sums[before[end]]
    starts = [int(before[n])]
    while starts[0] > 0:
        starts.insert(0, int(before[starts[0]]))
    return starts
