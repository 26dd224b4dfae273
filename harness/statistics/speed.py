"""Is a candidate slower than a baseline?  The run is the unit, never the step.

Pure: step times in, evidence out.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy

from harness.statistics.contaminated import Array, Mixture, Terms, log_total, mixture, terms
from harness.statistics.evidence import Decision, Evidence, without_interval
from harness.statistics.finite import array, share
from harness.statistics.levels import Demand, borderline
from harness.statistics.pairs_ahead import Standing, further_pairs
from harness.statistics.scale import Belief, believed
from harness.statistics.sequential import SPEED_LOOKS

PAIRED = "posterior of a contaminated normal on log ratios of pairs, Wang-Tsiatis levels"
UNPAIRED = "posterior of a contaminated normal on log step times, Wang-Tsiatis levels"
POWER, POWER_Z = 0.95, 1.645  # of ``detectable``, and its normal quantile
FEWEST = 3  # of two runs that disagree nobody knows which is bad
MANY = 8  # runs of one side that know the spread to a quarter: 1 / sqrt(2 (8 - 1)); then the other may have fewer
BAD_RUNS = 0.05  # a few per cent of the runs of shared machines; of the pairs it is twice that
RAREST = 1e-6  # no run-to-run noise is known so well that smaller levels mean anything


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

    Both are per-run median step times in seconds, in the order run; ``history`` holds log ratios of
    earlier A/A pairs of the job on this machine.  Call it with all pairs so far after 3, 4, 5, 6, 8, 10
    and 12 pairs and stop at the first decision: over all these looks ``alpha`` is the chance of a false
    alarm, regression and improvement together, and ``beta`` that a change as large as the margin
    passes.  A margin of 0 looks for changes only: nothing passes.  Never raises for data.
    """
    demand = Demand(margin, alpha, beta)
    old, new, past = array(baseline), array(candidate), array(history)
    fault = _fault(old, new, demand)
    if not fault and past is None:
        fault = "the history is no list of finite log ratios"
    if fault or old is None or new is None or past is None:
        return without_interval("invalid", fault, PAIRED)
    if len(old) != len(new):
        return without_interval("invalid", f"{len(old)} baseline and {len(new)} candidate runs are no pairs", PAIRED)
    ratios = numpy.log(new) - numpy.log(old)
    if len(ratios) < FEWEST:
        return _too_few(ratios, FEWEST - len(ratios), demand, PAIRED)
    belief = believed(ratios, past, 2 * BAD_RUNS)
    posterior = mixture(terms(ratios, belief.scales, 2 * BAD_RUNS), belief.scales, belief.log_prior)
    standing = Standing(n=len(ratios), df=belief.df + len(ratios) - 1, fixed=0.0)
    return _evidence(posterior, belief, standing, demand, PAIRED)


def judge_speed(
    baseline: Sequence[float],
    candidate: Sequence[float],
    *,
    margin: float = 0.05,
    alpha: float = 0.01,
    beta: float = 0.05,
) -> Evidence:
    """Judge runs against earlier runs of the same machine class: a screen, see docs/verdicts.md.

    Both are per-run median step times in seconds.  Three runs a side are the fewest that decide, or
    two where the other side has eight; the looks are at 3, 4, 5, 6, 8, 10 and 12 candidate runs.  What
    differs between the days of the two sides is not in the interval.  Never raises for data.
    """
    demand = Demand(margin, alpha, beta)
    old, new = array(baseline), array(candidate)
    fault = _fault(old, new, demand)
    if fault or old is None or new is None:
        return without_interval("invalid", fault, UNPAIRED)
    old, new = numpy.log(old), numpy.log(new)
    if min(len(old), len(new)) < FEWEST and max(len(old), len(new)) < MANY:
        return _too_few(new - numpy.median(old), max(FEWEST - len(new), 1), demand, UNPAIRED)
    residuals = numpy.concatenate([old - numpy.median(old), new - numpy.median(new)])
    belief = believed(residuals, numpy.zeros(0), BAD_RUNS)
    before, after = terms(old, belief.scales, BAD_RUNS), terms(new, belief.scales, BAD_RUNS)
    weight, mean, variance = _collapsed(before)
    shifted = Terms(after.log_weight + weight, after.mean - mean, after.variance + variance)
    posterior = mixture(shifted, belief.scales, belief.log_prior)
    fixed = float(variance[numpy.abs(belief.scales - posterior.typical_scale).argmin(), 0])
    of_pairs = replace(posterior, scale=posterior.scale * 2**0.5)
    standing = Standing(n=len(new), df=float(len(residuals) - 2), fixed=fixed)
    return _evidence(of_pairs, belief, standing, demand, UNPAIRED)


def _collapsed(found: Terms) -> tuple[Array, Array, Array]:
    """Log weight, mean and variance of the location at each scale, (scales, 1) each: the mixture's moments."""
    weight = log_total(found.log_weight, axis=1)
    part = numpy.exp(found.log_weight - weight)
    mean = (part * found.mean).sum(axis=1, keepdims=True)
    return weight, mean, (part * (found.variance + (found.mean - mean) ** 2)).sum(axis=1, keepdims=True)


def _evidence(posterior: Mixture, belief: Belief, standing: Standing, demand: Demand, method: str) -> Evidence:
    """Decide and describe; the interval is of the level that decided (Jennison & Turnbull 2000, chapter 9)."""
    decision, fail = decide(posterior, standing.n, demand), demand.fail_level(standing.n)
    low, middle, high, powered = posterior.quantiles(fail, 0.5, 1 - fail, POWER)
    reach = high - middle
    if decision == "pass":  # the bounds that show it
        equal = demand.pass_level(standing.n)
        low, high = posterior.quantiles(equal, 1 - equal)
    scale = posterior.typical_scale
    looks = max(sum(look <= standing.n for look in SPEED_LOOKS), 1)
    return Evidence(
        decision=decision,
        estimate=_relative(middle),
        low=_relative(low),
        high=_relative(high),
        margin=demand.margin,
        detectable=_relative(float(borderline(numpy.asarray(scale))) + _found(reach, powered - middle, standing.df)),
        needs=further_pairs(posterior, middle, standing, demand) if decision == "inconclusive" else None,
        looks=looks,
        method=method,
        reason=f"noise of {scale:.2%} a pair ({belief.told}), look {looks} of {len(SPEED_LOOKS)}",
        p=min(1.0, 2 * looks * min(posterior.below(0.0), posterior.above(0.0))),  # Bonferroni over the looks
    )


def decide(posterior: Mixture, n: int, demand: Demand) -> Decision:
    """The three-way decision on the posterior of a log slowdown after ``n`` pairs.

    Equivalence is asked first (docs/decisions.md, 6): what is shown to lie within the margin passes,
    real or not (two one-sided tests, Schuirmann 1987).
    """
    band, equal = math.log1p(demand.margin), demand.pass_level(n)
    if band > 0 and posterior.above(band) < equal and posterior.below(-band) < equal:
        return "pass"
    least, fail = borderline(posterior.scale), demand.fail_level(n)
    if posterior.below(least) < fail:
        return "regression"
    if posterior.above(-least) < fail:
        return "improved"
    return "inconclusive"


def _found(reach: float, doubt: float, df: float) -> float:
    """The effect found with 95 % power: the level's ``reach`` beyond the centre, and the ``doubt`` of that power.

    The reach is itself an estimate with ``df`` degrees of freedom (Johnson & Welch 1940, the normal
    approximation of a noncentral t): t + z sqrt(1 + t^2 / 2 df).
    """
    t = reach / doubt * POWER_Z
    return reach + doubt * math.sqrt(1 + t**2 / (2 * df))


def _relative(slowdown: float) -> float:
    """A difference of logs as a share; the largest float's log is 709."""
    return math.expm1(min(slowdown, 700.0))


def _too_few(differences: Array, more: int, demand: Demand, method: str) -> Evidence:
    return without_interval(
        "inconclusive",
        "fewer than three runs a side decide nothing",
        method,
        estimate=_relative(float(numpy.median(differences))),
        margin=demand.margin,
        needs=more,
    )


def _fault(old: Array | None, new: Array | None, demand: Demand) -> str:
    """Why nothing can be compared; empty when it can."""
    for name, runs in (("baseline", old), ("candidate", new)):
        if runs is None:
            return f"the {name} is no list of finite numbers of seconds"
        if not len(runs):
            return f"the {name} holds no run"
        if not (runs > 0).all():
            return f"a step time of the {name} is not positive"
    if not share(demand.margin, 1.0):
        return f"margin = {demand.margin!r} is no share from 0 to below 1"
    for name, level in (("alpha", demand.alpha), ("beta", demand.beta)):
        if not share(level, 0.5) or level < RAREST:
            return f"{name} = {level!r} is no level from {RAREST:g} to below 0.5"
    return ""
