"""The three-way decision on one estimate with a t-distributed error."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

from scipy.special import stdtrit

from harness.statistics.evidence import Decision

POWER = 0.95
MAX_FURTHER = 100  # beyond this "more runs" is no advice


class Estimate(NamedTuple):
    """``value`` is oriented so that positive is better; ``error`` is its standard error."""

    value: float
    error: float
    df: float


class Bounds(NamedTuple):
    decision: Decision
    low: float
    high: float
    detectable: float


def decide(estimate: Estimate, *, margin: float, alpha: float, beta: float) -> Bounds:
    """PASS by two one-sided tests, else a change when no change is excluded, else inconclusive.

    Equivalence: both one-sided intervals of level ``1 - beta`` lie within the margin (Schuirmann
    1987, "A comparison of the two one-sided tests procedure and the power approach").  A change:
    the one-sided interval of level ``1 - alpha`` excludes zero, whether or not it lies beyond the
    margin, since whatever is equivalent has passed before.  ``low`` and ``high`` are the two-sided
    interval made of the two one-sided ones of level ``1 - alpha``.
    """
    value, error, df = estimate
    fail_width = float(stdtrit(df, 1 - alpha)) * error
    pass_width = float(stdtrit(df, 1 - beta)) * error
    detectable = (float(stdtrit(df, 1 - alpha)) + float(stdtrit(df, POWER))) * error
    decision: Decision = "inconclusive"
    if -margin < value - pass_width and value + pass_width < margin:
        decision = "pass"
    elif value + fail_width < 0:
        decision = "regression"
    elif value - fail_width > 0:
        decision = "improved"
    return Bounds(decision, value - fail_width, value + fail_width, detectable)


def further_runs(widen: Callable[[int], Estimate], *, margin: float, alpha: float, beta: float) -> int | None:
    """How many more runs decide, if the estimate and its spread stay as they are.

    ``widen(m)`` is the estimate with m further runs.  None when not even ``MAX_FURTHER`` do.
    """
    for more in range(1, MAX_FURTHER + 1):
        if decide(widen(more), margin=margin, alpha=alpha, beta=beta).decision != "inconclusive":
            return more
    return None


def pooled(parts: list[tuple[float, float]]) -> tuple[float, float]:
    """(std, df) of several (std, df) that estimate one spread; (nan, 0) where none has df."""
    df = sum(freedom for _, freedom in parts)
    if df <= 0:
        return math.nan, 0.0
    return math.sqrt(sum(freedom * std**2 for std, freedom in parts if freedom > 0) / df), df
