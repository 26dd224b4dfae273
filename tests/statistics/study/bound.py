"""The fewest seeds with which any test at all can catch a drop: what a target may ask for.

A test that does not depend on where the metric lies and on its scale decides by the sequence of t statistics
(candidate's mean less baseline's mean, over the pooled standard error), of which the newest tells all that the
earlier ones tell (Hall, Wijsman and Ghosh 1965, "The relationship between sufficiency and invariance with
applications in sequential analysis", Ann. Math. Statist. 36).  Its expected seeds under the drop, plus ``a`` times
its false alarms, plus ``b`` times the drops it misses, cannot be below the optimum of that sum, which backward
induction over simulated paths finds; less ``a`` and ``b`` times what is allowed, that is a bound for whoever keeps
to it (Lagrange), and the best ``a`` and ``b`` give the largest.  The optimum is fitted to the paths, bin by bin:
that makes the bound too low rather than too high (3.92 where 2,000 paths a bin give 3.96).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy
from numpy.typing import NDArray
from scipy import optimize

Numbers = NDArray[numpy.float64]
PATHS_PER_BIN = 500


def fewest_seeds(
    *, baseline: int, lower: float, looks: Sequence[int], false_alarms: float, missed: float, paths: int, seed: int
) -> float:
    """The least expected number of seeds, of a drop by ``lower`` standard deviations against ``baseline`` runs.

    For any test that looks after ``looks`` seeds, alarms an unchanged model in at most ``false_alarms`` and misses
    the drop in at most ``missed``.  The runs are normal with equal, unknown standard deviations.
    """
    rng = numpy.random.default_rng(seed)
    same, worse = (_statistics(rng, baseline, drop, looks, paths) for drop in (0.0, lower))

    def negative_bound(logs: Numbers) -> float:
        alarm, miss = map(float, numpy.exp(logs))
        return alarm * false_alarms + miss * missed - _least(same, worse, looks, alarm, miss)

    found = optimize.minimize(negative_bound, numpy.log([200.0, 30.0]), method="Nelder-Mead", options={"maxfev": 40})
    return -float(found.fun)


def _statistics(rng: numpy.random.Generator, n: int, drop: float, looks: Sequence[int], paths: int) -> list[Numbers]:
    """The t statistic of every path at every look."""
    known, fresh = rng.standard_normal((paths, n)), rng.standard_normal((paths, looks[-1])) - drop
    squares = known.var(axis=1) * n
    told = []
    for k in looks:
        spread = (squares + fresh[:, :k].var(axis=1) * k) / (n + k - 2)
        told.append((fresh[:, :k].mean(axis=1) - known.mean(axis=1)) / numpy.sqrt(spread * (1 / n + 1 / k)))
    return told


def _least(same: Sequence[Numbers], worse: Sequence[Numbers], looks: Sequence[int], alarm: float, miss: float) -> float:
    """The least of expected seeds + ``alarm`` x false alarms + ``miss`` x misses, by backward induction.

    In every bin of the statistic the cheapest of three: to alarm, to give up, to look on.
    """
    paths = len(same[0])
    bins = max(paths // PATHS_PER_BIN, 10)
    later_same, later_worse = numpy.zeros(paths), numpy.full(paths, miss)  # what is still to come, on each path
    for look in reversed(range(len(looks))):
        edges = numpy.quantile(numpy.concatenate([same[look], worse[look]]), numpy.linspace(0, 1, bins + 1)[1:-1])
        of_same, of_worse = numpy.digitize(same[look], edges), numpy.digitize(worse[look], edges)
        costs = [
            numpy.bincount(of_same, later_same, bins) + numpy.bincount(of_worse, later_worse, bins),
            alarm * numpy.bincount(of_same, minlength=bins),
            miss * numpy.bincount(of_worse, minlength=bins),
        ]
        choice = numpy.argmin(costs, axis=0)
        taken = choice[of_same], choice[of_worse]
        later_same = numpy.select([taken[0] == 1, taken[0] == 2], [alarm, 0.0], later_same)
        later_worse = numpy.select([taken[1] == 1, taken[1] == 2], [0.0, miss], later_worse)
        later_worse = later_worse + (looks[look] - (looks[look - 1] if look else 0))
    return float(later_same.mean() + later_worse.mean())
