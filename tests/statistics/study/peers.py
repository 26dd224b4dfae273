"""The peers' rules for speed, from their sources, on three runs a side and their steps.

Each takes the steps of the baseline and of the candidate in seconds, (cases, runs, steps), and says for
every case whether it calls the candidate slower and whether faster, both (cases,).
"""

from __future__ import annotations

from collections.abc import Callable

import numpy
from numpy.typing import NDArray
from scipy import stats

Steps = NDArray[numpy.float64]
Called = tuple[NDArray[numpy.bool_], NDArray[numpy.bool_]]
Rule = Callable[[Steps, Steps], Called]

STEPS = 30
WITHIN = 0.05  # step-to-step noise of a run, as a share: then pyperf's false alarms are VERDICTS.md's


def steps_of(runs: NDArray[numpy.float64], rng: numpy.random.Generator) -> Steps:
    """Step times, (cases, runs, STEPS), whose medians are the given ones, (cases, runs)."""
    noise = WITHIN * rng.standard_normal((*runs.shape, STEPS))
    return runs[:, :, None] * numpy.exp(noise - numpy.median(noise, axis=2, keepdims=True))


def torchbench(baseline: Steps, candidate: Steps) -> Called:
    """userbenchmark's regression detector: the mean moves by more than 7 %."""
    return _beyond(_typical(candidate).mean(axis=1) / _typical(baseline).mean(axis=1), 0.07)


def reframe(baseline: Steps, candidate: Steps) -> Called:
    """A reference with tolerances of -5 % and +5 %; Conbench's default threshold is 5 % as well."""
    return _beyond(_typical(candidate).mean(axis=1) / _typical(baseline).mean(axis=1), 0.05)


def asv_continuous(baseline: Steps, candidate: Steps) -> Called:
    """Medians of all samples differ by the factor 1.1 and a Mann-Whitney test has p < 0.002."""
    old, new = _pooled(baseline), _pooled(candidate)
    p = stats.mannwhitneyu(old, new, axis=1, method="asymptotic").pvalue
    ratio = numpy.median(new, axis=1) / numpy.median(old, axis=1)
    return (p < 0.002) & (ratio > 1.1), (p < 0.002) & (ratio < 1 / 1.1)


def pyperf(baseline: Steps, candidate: Steps) -> Called:
    """compare_to: Student's t over the values of all runs, two-sided 5 %."""
    found = stats.ttest_ind(_pooled(candidate), _pooled(baseline), axis=1)
    return _significant(numpy.asarray(found.statistic), numpy.asarray(found.pvalue), 0.05)


def welch(baseline: Steps, candidate: Steps) -> Called:
    """Welch's t over the runs' medians, two-sided 1 %."""
    found = stats.ttest_ind(numpy.log(_typical(candidate)), numpy.log(_typical(baseline)), axis=1, equal_var=False)
    return _significant(numpy.asarray(found.statistic), numpy.asarray(found.pvalue), 0.01)


def band(baseline: Steps, candidate: Steps) -> Called:
    """The candidate's median run lies outside the smallest and the largest run of the baseline."""
    old, new = _typical(baseline), numpy.median(_typical(candidate), axis=1)
    return new > old.max(axis=1), new < old.min(axis=1)


PEERS: dict[str, Rule] = {
    "TorchBench 7 %": torchbench,
    "ReFrame, Conbench 5 %": reframe,
    "asv continuous": asv_continuous,
    "pyperf": pyperf,
    "Welch 1 %": welch,
    "min/max band": band,
}


def _typical(steps: Steps) -> NDArray[numpy.float64]:
    return numpy.asarray(numpy.median(steps, axis=2))


def _pooled(steps: Steps) -> NDArray[numpy.float64]:
    return steps.reshape(len(steps), -1)


def _beyond(ratio: NDArray[numpy.float64], share: float) -> Called:
    return ratio > 1 + share, ratio < 1 - share


def _significant(t: NDArray[numpy.float64], p: NDArray[numpy.float64], level: float) -> Called:
    return (p < level) & (t > 0), (p < level) & (t < 0)
