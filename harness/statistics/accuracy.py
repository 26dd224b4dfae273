"""Does a candidate's accuracy equal a reference's?"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import pairwise
from typing import NamedTuple

from scipy.special import fdtrc, stdtr

from harness.statistics.boundary import (
    MIN_DF,
    Boundary,
    Design,
    noncentrality_of_power,
    normal_maximum,
)
from harness.statistics.evidence import Decision, Evidence, MeanSpread, RawRuns, Single, Spread, without_interval
from harness.statistics.finite import count, number, numbers
from harness.statistics.seeds_ahead import Limits, Present, further_runs
from harness.statistics.sequential import ACCURACY_LOOKS

METHOD = "t of the seeds' means with pooled spread, levels for looks at 1, 2, 3, 5, 8 and 10 seeds"
POWER = 0.95  # of ``detectable``
DEVIATIONS = 2.0  # the margin where none is given, in standard deviations of one run
REGRESSION_SHARE = 0.9  # of alpha; the rest is for gains: a leak is large, and can wait for one seed more
CHANGE_SHAPE = 0.45  # near Pocock's 0.5: what is badly broken is found after few seeds
PASS_SHAPE = 0.35  # a pass may wait for a seed: more of them in the end, and further runs that can be told
ALONE = 0.02  # of alpha: what a single run may spend on either side, see ``Boundary``
UNKNOWN = 4  # seeds that say how much seeds differ, and decide: 3 to 8 in the study
DISTRUST = 0.05  # level at which our own spread is larger than the one known from earlier runs
EQUAL_RUNS = 0.25  # their spread in margins where no two numbers differ: five or six of them can pass
ROUNDING = 1e-9  # relative: differences below are those of floating-point arithmetic


@dataclass(frozen=True, kw_only=True)
class _Reference:
    """``level`` is the mean or the single number; ``runs`` are those of which each is known."""

    level: float
    n: int
    best: bool
    std: float
    df: float
    runs: tuple[float, ...]


class _Question(NamedTuple):
    values: tuple[float, ...]
    reference: _Reference
    spread: tuple[float, float]
    margin: float | None
    alpha: float
    beta: float


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

    Call it again as seeds come in, after 1, 2, 3, 5, 8 and 10 of them, and stop at the first decision that
    is not "inconclusive".  If nothing changed, all looks together say "regression" with probability 0.9
    ``alpha`` and "improved" with 0.1 ``alpha`` at most, hence either with ``alpha``.  If the candidate truly
    differs by the margin, all looks together say "pass" with probability ``beta`` at most.  "pass" has
    the first word: a difference that is certain and shown to be within the margin is equivalence.

    The difference of means has standard error s sqrt(1/n + 1/k) (Student 1908; as a prediction
    interval: Hahn & Meeker 1991, section 4.7) with s pooled over the reference's runs, the candidate's
    and ``spread``, unless our own runs spread significantly more than that.  Equivalence is shown by two
    one-sided tests (Schuirmann 1987); with ``margin`` None they are against two standard deviations of
    one run and noncentral t, since that margin is estimated too (Wellek 2010, section 6.1).  The levels
    of the looks come from the joint distribution of these t (``boundary``).

    A number of unknown spread (``Single``) counts as one run, or as the mean of n that it is, and our own
    runs say how much runs differ; the best of n is corrected by the
    expected excess of a normal maximum, whose distribution is part of the test.  Where no two numbers
    of a group differ, s is taken from the metric's visible steps, or from the margin.

    Never raises for data: what cannot be compared is "invalid", too few runs are "inconclusive".
    ``low`` and ``high`` are the two one-sided bounds that decide, at the levels of this look: of "pass" those
    of equivalence, within the margin; else those of a change; ``detectable`` is
    the loss that a look at k runs finds with 95 % power; ``needs`` is the number of further runs that
    is most probably within a factor 2 of what it takes.
    """
    asked = _question(values, reference, spread, higher_is_better, margin, alpha, beta)
    if isinstance(asked, str):
        return without_interval("invalid", asked, METHOD)
    evidence = _judge(asked)
    return evidence if higher_is_better else _mirrored(evidence)


def _judge(asked: _Question) -> Evidence:
    """The evidence where higher is better."""
    k, reference = len(asked.values), asked.reference
    looks = sum(look <= k for look in ACCURACY_LOOKS)
    mean = math.fsum(asked.values) / k
    s, known_df = _spread(asked, mean)
    df = known_df + k - 1
    naive = mean - reference.level
    if df < MIN_DF or s == 0:
        return replace(_unknown_spread(naive, df, asked.margin), looks=looks)
    design = Design(n=reference.n, df=known_df, best=reference.best)
    difference = naive + design.excess * s
    error = s * design.error(k)
    limits = _limits(design, k, asked.margin is None, asked.alpha, asked.beta)
    band = DEVIATIONS * s if asked.margin is None else asked.margin
    decision = _decision(limits, difference, error, asked.margin)
    if decision == "pass":
        low, high = limits.shown_within(difference, error, asked.margin, band)
    else:
        low, high = difference - limits.improved * error, difference + limits.regression * error
    needs = None
    if decision == "inconclusive":
        present = Present(difference=difference, s=s, k=k, design=design, margin=asked.margin)
        needs = further_runs(present, lambda at: _limits(design, at, asked.margin is None, asked.alpha, asked.beta))
    return Evidence(
        decision=decision,
        estimate=difference,
        low=low,
        high=high,
        margin=band,
        detectable=_found(df, limits.regression) * error,
        needs=needs,
        looks=looks,
        method=METHOD,
        reason=_reason(asked, s, df),
        p=_p(difference / error, df, limits, asked.alpha),
    )


def _p(t: float, df: float, limits: Limits, alpha: float) -> float:
    """``alpha`` where t stands at this look's limit, and smaller or larger as its tail is: paid for all looks."""
    limit = limits.regression if t < 0 else limits.improved
    return min(1.0, alpha * float(stdtr(df, -abs(t)) / stdtr(df, -limit)))


def _reason(asked: _Question, s: float, df: float) -> str:
    told, n = f"seeds differ by {s:.2g} (standard deviation, {df:.0f} degrees of freedom)", asked.reference.n
    if asked.reference.best:
        above = s * normal_maximum(n)[0]
        return f"{told}; the reference is the best of {n} runs, which lies {above:.2g} beyond a typical one"
    return f"{told}; the reference is a single number" if n == 1 else told


def _unknown_spread(difference: float, df: float, margin: float | None) -> Evidence:
    if df < MIN_DF:
        told = "how much seeds differ is not known yet"
        return without_interval("inconclusive", told, METHOD, estimate=difference, margin=margin, needs=UNKNOWN)
    told = "all runs are equal and no margin is given: nothing tells what a difference would mean"
    return without_interval("inconclusive", told, METHOD, estimate=difference, margin=margin)


def _decision(limits: Limits, difference: float, error: float, margin: float | None) -> Decision:
    if limits.equivalent(difference, error, margin):
        return "pass"
    if difference < -limits.regression * error:
        return "regression"
    if difference > limits.improved * error:
        return "improved"
    return "inconclusive"


@lru_cache(maxsize=8192)
def _limits(design: Design, k: int, relative: bool, alpha: float, beta: float) -> Limits:
    """The t of each decision at a look at k runs; ``relative``: the margin is in deviations of one run."""

    def limit(level: float, shape: float, *, below: bool, **other: float | None) -> float:
        return Boundary(design=design, level=level, shape=shape, below=below, **other).limit(k)

    loss, gain, alone = REGRESSION_SHARE * alpha, (1 - REGRESSION_SHARE) * alpha, ALONE * alpha
    deviations = DEVIATIONS if relative else None
    return Limits(
        regression=limit(loss, CHANGE_SHAPE, below=True, alone=alone),
        improved=limit(gain, CHANGE_SHAPE, below=False, alone=alone),
        above_worse=limit(beta, PASS_SHAPE, below=False, deviations=deviations),
        below_better=limit(beta, PASS_SHAPE, below=True, deviations=deviations),
    )


@lru_cache(maxsize=8192)
def _found(df: float, limit: float) -> float:
    """The change that is found with 95 % power, in standard errors."""
    return noncentrality_of_power(POWER, df, limit)


def _spread(asked: _Question, mean: float) -> tuple[float, float]:
    """(s, degrees of freedom known before the candidate's own); s = 0 where nothing at all differs."""
    reference, k = asked.reference, len(asked.values)
    own_std = math.sqrt(math.fsum((value - mean) ** 2 for value in asked.values) / (k - 1)) if k > 1 else 0.0
    ours = [(reference.std, reference.df), (own_std, k - 1.0)]
    s, df = pooled(ours)
    earlier_std, earlier_df = asked.spread
    known = reference.df
    if earlier_df > 0 and not _larger(s, df, earlier_std, earlier_df):
        s, df = pooled([*ours, asked.spread])
        known += earlier_df
    if df <= 0:
        return 0.0, known
    runs = (*asked.values, *reference.runs)
    least = ROUNDING * max(map(abs, (*runs, reference.level)))
    if s > least:
        stepwise = any(gap <= least for gap in _gaps(runs))
        return math.hypot(s, _step(runs, least) / math.sqrt(12)) if stepwise else s, known
    return _step((*runs, reference.level), least) / math.sqrt(12) or EQUAL_RUNS * (asked.margin or 0.0), known


def pooled(parts: list[tuple[float, float]]) -> tuple[float, float]:
    """(std, df) of several (std, df) that estimate one spread; (nan, 0) where none has df."""
    df = sum(freedom for _, freedom in parts)
    if df <= 0:
        return math.nan, 0.0
    return math.sqrt(sum(freedom * std**2 for std, freedom in parts if freedom > 0) / df), df


def _larger(s: float, df: float, earlier: float, earlier_df: float) -> bool:
    """Whether our own runs differ more than the earlier ones, by an F test at level ``DISTRUST``."""
    if df < 1 or s <= earlier:
        return False
    ratio = s / earlier if earlier > 0 else math.inf
    return float(fdtrc(df, earlier_df, ratio * ratio)) < DISTRUST


def _step(runs: Sequence[float], least: float) -> float:
    """The smallest difference of two runs above ``least``: a metric's step, as far as it shows; 0 if none.

    Rounding to steps of h has a standard deviation of h / sqrt(12) (Sheppard 1898), which equal runs hide.
    """
    return min((gap for gap in _gaps(runs) if gap > least), default=0.0)


def _gaps(runs: Sequence[float]) -> list[float]:
    return [after - before for before, after in pairwise(sorted(runs))]


def _mirrored(evidence: Evidence) -> Evidence:
    """The same evidence in a metric of which less is better: it was judged with its sign turned."""
    low, high = evidence.low, evidence.high
    return replace(
        evidence,
        estimate=None if evidence.estimate is None else -evidence.estimate,
        low=None if high is None else -high,
        high=None if low is None else -low,
    )


def _question(
    values: object,
    reference: object,
    spread: object,
    higher_is_better: object,
    margin: object,
    alpha: object,
    beta: object,
) -> _Question | str:
    """What is asked, turned so that higher is better; or why it cannot be asked."""
    measured = numbers(values)
    if not measured:
        return "a measured value is not a finite number" if measured is None else "no run was measured"
    if not isinstance(higher_is_better, bool):
        return "whether higher is better must be said"
    sign = 1.0 if higher_is_better else -1.0
    known = _reference(reference, sign)
    if isinstance(known, str):
        return known
    earlier = _earlier(spread)
    if isinstance(earlier, str):
        return earlier
    band = None if margin is None else number(margin)
    if margin is not None and (band is None or band < 0):
        return "the margin is no distance"
    levels = [number(level) for level in (alpha, beta)]
    if any(level is None or not 1e-6 <= level < 0.5 for level in levels):
        return "alpha and beta must lie between 0.000001 and 0.5"
    alpha_level, beta_level = (level for level in levels if level is not None)
    turned = tuple(sign * value for value in measured)
    return _Question(turned, known, earlier, band, alpha_level, beta_level)


def _earlier(spread: object) -> tuple[float, float] | str:
    if spread is None:
        return 0.0, 0.0
    if not isinstance(spread, Spread):
        return "the known spread is none"
    std, df = number(spread.std), number(spread.df)
    if std is None or df is None or std < 0 or df < 0:
        return "the known spread is impossible"
    return std, df


def _reference(reference: object, sign: float) -> _Reference | str:
    if isinstance(reference, RawRuns):
        return _raw(reference, sign)
    if isinstance(reference, MeanSpread):
        return _summary(reference, sign)
    if isinstance(reference, Single):
        return _single(reference, sign)
    return "there is no reference"


def _raw(reference: RawRuns, sign: float) -> _Reference | str:
    runs = numbers(reference.values)
    if not runs:
        return "the reference is empty or not finite"
    n = len(runs)
    mean = math.fsum(runs) / n
    std = math.sqrt(math.fsum((run - mean) ** 2 for run in runs) / (n - 1)) if n > 1 else 0.0
    turned = tuple(sign * run for run in runs)
    return _Reference(level=sign * mean, n=n, best=False, std=std, df=n - 1.0, runs=turned)


def _summary(reference: MeanSpread, sign: float) -> _Reference | str:
    mean, std, n = number(reference.mean), number(reference.std), count(reference.n)
    if mean is None or std is None:
        return "the reference is empty or not finite"
    if n is None or std < 0 or reference.std_kind not in ("sample", "population", "standard error"):
        return "the reference's spread or count is impossible"
    return _Reference(level=sign * mean, n=n, best=False, std=reference.sample_std, df=n - 1.0, runs=())


def _single(reference: Single, sign: float) -> _Reference | str:
    value, n = number(reference.value), count(reference.n)
    if value is None:
        return "the reference is empty or not finite"
    if n is None or reference.of not in ("single", "mean", "best"):
        return "the reference's count is impossible"
    best = reference.of == "best" and n > 1
    draws = 1 if reference.of == "single" else n
    return _Reference(level=sign * value, n=draws, best=best, std=0.0, df=0.0, runs=())
