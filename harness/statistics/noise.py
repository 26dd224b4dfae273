"""What A/A pairs tell of a machine: its noise, its false alarms, and which change would be seen."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy
from numpy.typing import NDArray

from harness.statistics.sequential import SPEED_LOOKS
from harness.statistics.speed import judge_speed_paired

CHANGES = (0.02, 0.03, 0.05, 0.10)  # slowdowns whose detection is told
SESSIONS = 100  # drawn for each: a share of 1 % is known to about ±2 %
MIN_PAIRS = 3


@dataclass(frozen=True, kw_only=True)
class Change:
    change: float  # relative slowdown
    caught: float  # share of sessions that end in "regression"
    pairs: float  # on average until the session's end


@dataclass(frozen=True, kw_only=True)
class Noise:
    pairs: int
    run_std: float  # of one run's log step time
    outliers: int  # pairs further than three deviations from none
    sessions: int
    false_alarms: float  # share of sessions without any change that end in "regression" or "improved"
    changes: tuple[Change, ...]


def noise_of(ratios: Sequence[float]) -> Noise | None:
    """From the log ratios of A/A pairs; None for fewer than three, or where one is not finite.

    A run's deviation is 1.4826 median(abs(ratio)) / sqrt 2 (the median absolute deviation about the known
    centre zero; Rousseeuw & Croux 1993).  Sessions are drawn from the ratios with replacement and with random
    signs, since either run of an A/A pair could have been the first (Efron & Tibshirani 1993, chapter 6); the
    generator's seed is fixed, so equal input gives an equal answer.
    """
    found = numpy.asarray(ratios, dtype=numpy.float64)
    if len(found) < MIN_PAIRS or not numpy.isfinite(found).all():
        return None
    deviation = 1.4826 * float(numpy.median(numpy.abs(found)))
    alarms = [_session(_draw(found, seed), found, 0.0)[0] for seed in range(SESSIONS)]
    return Noise(
        pairs=len(found),
        run_std=deviation / math.sqrt(2),
        outliers=int((numpy.abs(found) > 3 * deviation).sum()),
        sessions=SESSIONS,
        false_alarms=sum(decision in ("regression", "improved") for decision in alarms) / SESSIONS,
        changes=tuple(_change(found, change) for change in CHANGES),
    )


def _change(ratios: NDArray[numpy.float64], change: float) -> Change:
    ends = [_session(_draw(ratios, seed), ratios, math.log1p(change)) for seed in range(SESSIONS)]
    caught = sum(decision == "regression" for decision, _ in ends)
    return Change(change=change, caught=caught / SESSIONS, pairs=sum(pairs for _, pairs in ends) / SESSIONS)


def _draw(ratios: NDArray[numpy.float64], seed: int) -> NDArray[numpy.float64]:
    rng = numpy.random.default_rng(seed)
    drawn: NDArray[numpy.float64] = rng.choice(ratios, SPEED_LOOKS[-1]) * rng.choice((-1.0, 1.0), SPEED_LOOKS[-1])
    return drawn


def _session(drawn: NDArray[numpy.float64], history: NDArray[numpy.float64], effect: float) -> tuple[str, int]:
    """The decision on pairs as they come, and after how many it fell."""
    candidate = numpy.exp(drawn + effect)
    decision = "inconclusive"
    for look in SPEED_LOOKS:
        decision = judge_speed_paired([1.0] * look, candidate[:look].tolist(), history=history.tolist()).decision
        if decision != "inconclusive":
            return decision, look
    return decision, SPEED_LOOKS[-1]
