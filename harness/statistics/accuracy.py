"""Does a candidate's accuracy equal a reference's?"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy
from scipy.special import ndtr

from harness.statistics.evidence import Evidence, MeanSpread, RawRuns, Single, Spread, without_interval
from harness.statistics.interval import Estimate, decide, further_runs, pooled

METHOD = "prediction interval (t, pooled spread) and two one-sided tests"


def judge_accuracy(
    values: Sequence[float],
    *,
    reference: RawRuns | MeanSpread | Single,
    spread: Spread | None = None,
    higher_is_better: bool = True,
    margin: float | None = None,
    alpha: float = 0.01,
    beta: float = 0.05,
) -> Evidence:
    """Judge the accuracies of k candidate runs, one a run, in the metric's unit.

    The difference of means has standard error s sqrt(1/n + 1/k) (Student 1908; as a prediction
    interval: Hahn & Meeker 1991, section 4.7) with s pooled over the reference's runs, the
    candidate's and ``spread``.  ``margin`` is absolute; None means two standard deviations s.
    A number of unknown spread (``Single``) counts as one run; the best of n runs is corrected by
    the expected excess and the variance of a normal maximum.  Never raises for data: what cannot
    be compared is "invalid", too few runs are "inconclusive".
    """
    fault = _fault(values, reference, spread, margin)
    if fault:
        return without_interval("invalid", fault, METHOD)
    sign = 1.0 if higher_is_better else -1.0
    k = len(values)
    mean, std, own_df, shift, weight = _reference(reference)
    parts = [(std, own_df), (_std(values), k - 1.0)]
    if spread is not None:
        parts.append((spread.std, spread.df))
    s, df = pooled(parts)
    difference = float(numpy.mean(values)) - mean
    if df <= 0:
        told = f"the spread between runs is unknown after {k} run(s)"
        return without_interval("inconclusive", told, METHOD, estimate=difference, margin=margin, needs=1)
    difference += sign * shift * s  # the best of n lies this far beyond a typical run
    band = 2 * s if margin is None else margin
    if band == 0:
        told = "neither a margin nor any spread between runs is known"
        return without_interval("inconclusive", told, METHOD, estimate=difference, margin=0.0)

    def after(more: int) -> Estimate:
        return Estimate(sign * difference, s * math.sqrt(weight + 1 / (k + more)), df + more)

    now = Estimate(sign * difference, s * math.sqrt(weight + 1 / k), df)
    bounds = decide(now, margin=band, alpha=alpha, beta=beta)
    low, high = sorted((sign * bounds.low, sign * bounds.high))
    needs = None
    if bounds.decision == "inconclusive":
        needs = further_runs(after, margin=band, alpha=alpha, beta=beta)
    return Evidence(
        decision=bounds.decision,
        estimate=difference,
        low=low,
        high=high,
        margin=band,
        detectable=bounds.detectable,
        needs=needs,
        looks=1,
        method=METHOD,
        reason=f"s = {s:.4g} with {df:.0f} degrees of freedom",
    )


def _reference(reference: RawRuns | MeanSpread | Single) -> tuple[float, float, float, float, float]:
    """(mean, std, df, shift, weight): weight is the reference mean's variance in units of s^2."""
    if isinstance(reference, RawRuns):
        n = len(reference.values)
        return float(numpy.mean(reference.values)), _std(reference.values), n - 1.0, 0.0, 1 / n
    if isinstance(reference, MeanSpread):
        return reference.mean, reference.sample_std, reference.n - 1.0, 0.0, 1 / reference.n
    if reference.of == "best" and reference.n > 1:
        excess, variance = normal_maximum(reference.n)
        return reference.value, 0.0, 0.0, excess, variance
    return reference.value, 0.0, 0.0, 0.0, 1.0


def normal_maximum(n: int) -> tuple[float, float]:
    """Mean and variance of the largest of n standard normal draws.

    E[M^k] is the integral of x^k n phi(x) Phi(x)^(n-1) (David & Nagaraja 2003, section 3.1), by
    the trapezoidal rule, which is exact to rounding for so smooth an integrand.
    """
    x = numpy.linspace(-12.0, 12.0, 4801)
    density = n * numpy.exp(-(x**2) / 2) / math.sqrt(2 * math.pi) * ndtr(x) ** (n - 1)
    mean = float(numpy.trapezoid(x * density, x))
    return mean, float(numpy.trapezoid(x**2 * density, x)) - mean**2


def _std(values: Sequence[float]) -> float:
    return float(numpy.std(values, ddof=1)) if len(values) > 1 else 0.0


def _fault(
    values: Sequence[float], reference: RawRuns | MeanSpread | Single, spread: Spread | None, margin: float | None
) -> str:
    """Why these cannot be compared; empty when they can."""
    if not values:
        return "no run was measured"
    if not all(math.isfinite(value) for value in values):
        return "a measured value is not a finite number"
    numbers: list[float] = []
    if isinstance(reference, RawRuns):
        numbers = list(reference.values)
    elif isinstance(reference, MeanSpread):
        numbers = [reference.mean, reference.std, float(reference.n)]
    else:
        numbers = [reference.value, float(reference.n)]
    if not numbers or not all(math.isfinite(number) for number in numbers):
        return "the reference is empty or not finite"
    if isinstance(reference, MeanSpread) and (reference.n < 1 or reference.std < 0):
        return "the reference's spread or count is impossible"
    if isinstance(reference, Single) and reference.n < 1:
        return "the reference's count is impossible"
    if spread is not None and not (math.isfinite(spread.std) and spread.std >= 0 and 0 <= spread.df < math.inf):
        return "the known spread is impossible"
    if margin is not None and not (math.isfinite(margin) and margin >= 0):
        return "the margin is no distance"
    return ""
