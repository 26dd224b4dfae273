"""Run-to-run noise of log step times, as fitted to public data (VERDICTS.md), and held-out kinds.

Each model fills an array of shape (cases, runs) with the logs of what multiplies a run's step time;
runs of a case come in the order in which they are made on one machine.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy
from numpy.typing import NDArray

Logs = NDArray[numpy.float64]
Model = Callable[[numpy.random.Generator, tuple[int, int]], Logs]


def quiet(rng: numpy.random.Generator, shape: tuple[int, int]) -> Logs:
    return 0.003 * rng.standard_normal(shape)


def typical(rng: numpy.random.Generator, shape: tuple[int, int]) -> Logs:
    return 0.015 * rng.standard_normal(shape)


def shared(rng: numpy.random.Generator, shape: tuple[int, int]) -> Logs:
    """Typical, and 2 % of the runs are bad as on a noisy machine: so the peers err as often as VERDICTS.md says."""
    bad = rng.random(shape) < 0.02
    return typical(rng, shape) + bad * rng.uniform(0.05, 0.35, shape)


def noisy(rng: numpy.random.Generator, shape: tuple[int, int]) -> Logs:
    """3 %, and 8 % of the runs are bad: slower by 5 to 35 %."""
    bad = rng.random(shape) < 0.08
    return 0.03 * rng.standard_normal(shape) + bad * rng.uniform(0.05, 0.35, shape)


# Held out: nothing was tuned on these.


def two_mode(rng: numpy.random.Generator, shape: tuple[int, int]) -> Logs:
    """A quarter of the runs land on a slower mode (another memory layout, another core pair)."""
    return 0.006 * rng.standard_normal(shape) + 0.025 * (rng.random(shape) < 0.25)


def gamma(rng: numpy.random.Generator, shape: tuple[int, int]) -> Logs:
    """Skewed: only ever slower than the best; standard deviation 1.5 %."""
    return 0.015 / 2**0.5 * (rng.gamma(2.0, size=shape) - 2.0)


def student_t(rng: numpy.random.Generator, shape: tuple[int, int]) -> Logs:
    """Heavy tails: three degrees of freedom, scaled to an interquartile range of a 1.2 % normal."""
    return 0.012 * 0.6745 / 0.7649 * rng.standard_t(3, shape)


def autocorrelated(rng: numpy.random.Generator, shape: tuple[int, int]) -> Logs:
    """An AR(1) series with lag-1 correlation 0.6 and standard deviation 1.5 %."""
    noise = 0.015 * rng.standard_normal(shape)
    for run in range(1, shape[1]):
        noise[:, run] = 0.6 * noise[:, run - 1] + 0.8 * noise[:, run]
    return noise


def drifting(rng: numpy.random.Generator, shape: tuple[int, int]) -> Logs:
    """Typical, and each run 0.5 % slower than the one before: a machine that warms up."""
    return typical(rng, shape) + 0.005 * numpy.arange(shape[1])
