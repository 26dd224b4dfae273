"""Is a candidate slower than a baseline?  The run is the unit, never the step."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy
from numpy.typing import NDArray

from harness.statistics.evidence import Evidence, without_interval
from harness.statistics.interval import Estimate, decide, further_runs, pooled

PAIRED = "t on log ratios of pairs, two one-sided tests"
UNPAIRED = "t on log step times, pooled spread, two one-sided tests"


def judge_speed_paired(
    baseline: Sequence[float],
    candidate: Sequence[float],
    *,
    history: Sequence[float] = (),
    margin: float = 0.05,
    alpha: float = 0.01,
    beta: float = 0.02,
) -> Evidence:
    """Judge pairs of runs made in one session; pair i is (baseline[i], candidate[i]).

    Both are per-run median step times in seconds; ``history`` holds log ratios of earlier A/A
    pairs of the job here, whose spread is pooled in with its degrees of freedom.  Estimates are
    relative slowdowns.  Never raises for data.
    """
    fault = _fault(baseline, candidate, margin)
    if not fault and len(baseline) != len(candidate):
        fault = f"{len(baseline)} baseline and {len(candidate)} candidate runs are no pairs"
    if not fault and not all(math.isfinite(ratio) for ratio in history):
        fault = "the history holds a number that is not finite"
    if fault:
        return without_interval("invalid", fault, PAIRED)
    ratios = numpy.log(candidate) - numpy.log(baseline)
    n = len(ratios)
    s, df = pooled([(_std(ratios), n - 1.0), (_std(numpy.asarray(history)), len(history) - 1.0 if history else 0.0)])
    return _evidence(float(ratios.mean()), s, df, lambda more: 1 / (n + more), margin, alpha, beta, PAIRED)


def judge_speed(
    baseline: Sequence[float],
    candidate: Sequence[float],
    *,
    margin: float = 0.05,
    alpha: float = 0.01,
    beta: float = 0.05,
) -> Evidence:
    """Judge runs against earlier runs of the same machine class: a screen, see docs/verdicts.md.

    Both are per-run median step times in seconds.  Never raises for data.
    """
    fault = _fault(baseline, candidate, margin)
    if fault:
        return without_interval("invalid", fault, UNPAIRED)
    old, new = numpy.log(baseline), numpy.log(candidate)
    n, k = len(old), len(new)
    s, df = pooled([(_std(old), n - 1.0), (_std(new), k - 1.0)])
    return _evidence(
        float(new.mean() - old.mean()), s, df, lambda more: 1 / n + 1 / (k + more), margin, alpha, beta, UNPAIRED
    )


def _evidence(
    slowdown: float,
    s: float,
    df: float,
    weight: Callable[[int], float],
    margin: float,
    alpha: float,
    beta: float,
    method: str,
) -> Evidence:
    """``slowdown`` is a difference of logs; the margin 5 % is log 1.05 on that scale."""
    if df <= 0 or s == 0:
        told = "the spread between runs is unknown"
        return without_interval("inconclusive", told, method, estimate=math.expm1(slowdown), margin=margin, needs=1)
    band = math.log1p(margin)
    now = Estimate(-slowdown, s * math.sqrt(weight(0)), df)
    bounds = decide(now, margin=band, alpha=alpha, beta=beta)
    needs = None
    if bounds.decision == "inconclusive":
        needs = further_runs(
            lambda more: Estimate(-slowdown, s * math.sqrt(weight(more)), df + more),
            margin=band,
            alpha=alpha,
            beta=beta,
        )
    return Evidence(
        decision=bounds.decision,
        estimate=math.expm1(slowdown),
        low=math.expm1(-bounds.high),
        high=math.expm1(-bounds.low),
        margin=margin,
        detectable=math.expm1(bounds.detectable),
        needs=needs,
        looks=1,
        method=method,
        reason=f"s = {s:.2%} a run with {df:.0f} degrees of freedom",
    )


def _std(values: NDArray[numpy.float64]) -> float:
    return float(values.std(ddof=1)) if len(values) > 1 else 0.0


def _fault(baseline: Sequence[float], candidate: Sequence[float], margin: float) -> str:
    if not baseline or not candidate:
        return "no run was measured" if not candidate else "the baseline holds no run"
    if not all(math.isfinite(seconds) and seconds > 0 for seconds in (*baseline, *candidate)):
        return "a step time is not a positive finite number of seconds"
    if not (math.isfinite(margin) and margin > 0):
        return "the margin is no positive fraction"
    return ""
