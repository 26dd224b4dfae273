"""Is a candidate slower than a baseline?  The run is the unit, never the step.

Pure: step times in, evidence out.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache
from numbers import Real
from typing import NamedTuple

import numpy
from numpy.typing import NDArray
from scipy.special import logsumexp, stdtrit

from harness.statistics.contaminated import Array, Mixture, Terms, mixture, terms
from harness.statistics.evidence import Decision, Evidence, without_interval
from harness.statistics.sequential import SPEED_LOOKS, nominal_level

PAIRED = "posterior of a contaminated normal on log ratios of pairs, Wang-Tsiatis levels"
UNPAIRED = "posterior of a contaminated normal on log step times, Wang-Tsiatis levels"
SHAPE = 0.4  # between Pocock (0.5) and O'Brien-Fleming (0): three pairs can decide, but two bad ones hardly
POWER = 0.95  # of ``detectable``
FEWEST = 3  # of two runs that disagree nobody knows which is bad
BAD_RUNS = 0.05  # a few per cent of the runs of shared machines; of the pairs it is twice that
HISTORY_DF = 0.37  # degrees of freedom a difference: the efficiency of the MAD (Rousseeuw & Croux 1993)
MAX_HISTORY_DF = 12.0  # a session's scale is never known better than that
DISTRUST = 2.5  # times the history's scale: this session is not like it
FLOOR = 1e-4  # no run repeats itself to 0.01 %
GRID_STEP = 0.15  # of log scale: with 24 degrees of freedom its deviation is 0.145, and the sum exact to 1e-4
BORDERLINE = 0.01  # what a change must exceed on a noisy machine
UNRESOLVED = 0.037  # pair scale at which all twelve pairs just find 5 % with 95 % power: 1.35 s = 0.05
LOOKS_AHEAD = (*SPEED_LOOKS, 16, 20, 24, 32, 48, 64, 96)  # beyond the sequence at its last level
PATHS = 400  # simulated futures: 2.5 % Monte-Carlo error in the share that is covered


class Demand(NamedTuple):
    """What is asked of the evidence."""

    margin: float
    alpha: float
    beta: float


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

    Both are per-run median step times in seconds; ``history`` holds log ratios of earlier A/A pairs
    of the job on this machine.  Call it with all pairs so far after 3, 4, 5, 6, 8, 10 and 12 pairs and
    stop at the first decision: ``alpha`` is the chance of a false alarm, regression or improvement,
    over all these looks, ``beta`` that of a false pass.  Never raises for data.
    """
    demand = Demand(margin, alpha, beta)
    old, new, past = _numbers(baseline), _numbers(candidate), _numbers(history)
    fault = _fault(old, new, demand)
    if old is not None and new is not None and len(old) != len(new):
        fault = fault or f"{len(old)} baseline and {len(new)} candidate runs are no pairs"
    if past is None:
        fault = fault or "the history is no list of finite log ratios"
    if fault or old is None or new is None or past is None:
        return without_interval("invalid", fault, PAIRED)
    ratios = numpy.log(new) - numpy.log(old)
    if len(ratios) < FEWEST:
        return _too_few(ratios, FEWEST - len(ratios), margin, PAIRED)
    belief = scale_belief(ratios - numpy.median(ratios), past)
    posterior = mixture(terms(ratios, belief.scales, 2 * BAD_RUNS), belief.scales, belief.log_prior)
    return _evidence(posterior, belief, len(ratios), 0.0, demand, PAIRED)


def judge_speed(
    baseline: Sequence[float],
    candidate: Sequence[float],
    *,
    margin: float = 0.05,
    alpha: float = 0.01,
    beta: float = 0.05,
) -> Evidence:
    """Judge runs against earlier runs of the same machine class: a screen, see docs/verdicts.md.

    Both are per-run median step times in seconds.  Three runs a side are the fewest that decide; the
    looks are at the paired design's counts of candidate runs.  Never raises for data.
    """
    demand = Demand(margin, alpha, beta)
    old, new = _numbers(baseline), _numbers(candidate)
    fault = _fault(old, new, demand)
    if fault or old is None or new is None:
        return without_interval("invalid", fault, UNPAIRED)
    old, new = numpy.log(old), numpy.log(new)
    if min(len(old), len(new)) < FEWEST:
        return _too_few(new - numpy.median(old), max(FEWEST - len(new), 1), margin, UNPAIRED)
    belief = scale_belief(numpy.concatenate([old - numpy.median(old), new - numpy.median(new)]), numpy.zeros(0))
    before, after = terms(old, belief.scales, BAD_RUNS), terms(new, belief.scales, BAD_RUNS)
    weight, mean, variance = _collapsed(before)
    posterior = mixture(
        Terms(after.log_weight + weight, after.mean - mean, after.variance + variance),
        belief.scales,
        belief.log_prior,
    )
    fixed = float(numpy.median(variance))
    return _evidence(replace(posterior, scale=posterior.scale * 2**0.5), belief, len(new), fixed, demand, UNPAIRED)


def _collapsed(found: Terms) -> tuple[Array, Array, Array]:
    """Log weight, mean and variance of the location at each scale, (scales, 1): the mixture's moments."""
    weight = numpy.asarray(logsumexp(found.log_weight, axis=1, keepdims=True))
    share = numpy.exp(found.log_weight - weight)
    mean = (share * found.mean).sum(axis=1, keepdims=True)
    return weight, mean, (share * (found.variance + (found.mean - mean) ** 2)).sum(axis=1, keepdims=True)


@dataclass(frozen=True)
class Belief:
    """The prior of the scale on its grid, and what it stands on."""

    scales: Array
    log_prior: Array
    df: float
    told: str


def scale_belief(residuals: Array, history: Array) -> Belief:
    """A scaled inverse chi-squared prior from the ``history`` of differences around zero, else flat in log s.

    Smyth (2004), section 3, with 0.37 degrees of freedom a difference, the efficiency of the MAD that
    gives the centre (Rousseeuw & Croux 1993).  Where the robust spread of this session's ``residuals``
    exceeds ``DISTRUST`` times the centre, the history does not speak for it.
    """
    spread = robust_scale(residuals)
    df, centre = 0.0, 0.0
    told = "no history"
    if len(history):
        df = min(HISTORY_DF * len(history), MAX_HISTORY_DF)
        centre = max(1.4826 * float(numpy.median(numpy.abs(history))), FLOOR)
        told = f"{len(history)} earlier differences of scale {centre:.2%}"
        if spread > DISTRUST * centre:
            df, told = 0.0, f"a session unlike its {told}"
    scales = _grid(residuals, spread, centre if df else 0.0, df)
    log_prior = -df * numpy.log(scales) - df * centre**2 / (2 * scales**2)
    return Belief(scales, log_prior, df, told)


def _grid(residuals: Array, spread: float, centre: float, df: float) -> Array:
    """Scales in steps of a ratio.  Above, the posterior falls as s^-(df + n - 1): to 1e-4 of its mass."""
    known = [scale for scale in (spread, centre) if scale > 0]
    low = max(min(known, default=FLOOR) / 10, FLOOR)
    tail = 10 ** (4 / (df + len(residuals) - 1))
    high = 3 * tail * max(float(residuals.std()), centre, FLOOR)
    return numpy.geomspace(low, high, max(math.ceil(math.log(high / low) / GRID_STEP), 2) + 1)


def robust_scale(residuals: Array) -> float:
    """The MAD of deviations from their median, unbiased for a normal sample of this size.

    Factors for up to nine by Croux & Rousseeuw (1992), "Time-efficient algorithms for two highly
    robust estimators of scale", section 2; n / (n - 0.8) beyond.
    """
    n = len(residuals)
    factor = {2: 1.196, 3: 1.495, 4: 1.363, 5: 1.206, 6: 1.200, 7: 1.140, 8: 1.129, 9: 1.107}.get(n, n / (n - 0.8))
    return factor * 1.4826 * float(numpy.median(numpy.abs(residuals - numpy.median(residuals))))


def _evidence(posterior: Mixture, belief: Belief, n: int, fixed: float, demand: Demand, method: str) -> Evidence:
    """Decide and describe.  ``fixed`` is the part of the variance that further runs do not shrink."""
    fail = nominal_level(n, looks=SPEED_LOOKS, alpha=demand.alpha / 2, shape=SHAPE)
    least = borderline(posterior.scale)
    no_slower, no_faster = posterior.below(least), posterior.above(-least)
    decision = _decide(posterior, no_slower, no_faster, n, demand)
    low, middle, high, strong = posterior.quantiles(fail, 0.5, 1 - fail, POWER)
    looks = sum(look <= n for look in SPEED_LOOKS)
    scale = float(posterior.share @ posterior.scale)
    return Evidence(
        decision=decision,
        estimate=math.expm1(middle),
        low=math.expm1(low),
        high=math.expm1(high),
        margin=demand.margin,
        detectable=math.expm1(float(borderline(numpy.asarray(scale))) + high - middle + strong - middle),
        needs=_needs(posterior, middle, belief.df + n - 1, n, fixed, demand) if decision == "inconclusive" else None,
        looks=looks,
        method=method,
        reason=f"scale {scale:.2%} a pair ({belief.told}); look {looks} of {len(SPEED_LOOKS)}",
        p=min(1.0, 2 * looks * min(posterior.below(0.0), posterior.above(0.0))),
    )


def _decide(posterior: Mixture, no_slower: float, no_faster: float, n: int, demand: Demand) -> Decision:
    """Equivalence first (docs/decisions.md, 6): what is shown to lie within the margin passes."""
    fail = nominal_level(n, looks=SPEED_LOOKS, alpha=demand.alpha / 2, shape=SHAPE)
    equal = nominal_level(n, looks=SPEED_LOOKS, alpha=demand.beta, shape=SHAPE)
    band = math.log1p(demand.margin)
    if band > 0 and posterior.above(band) < equal and posterior.below(-band) < equal:
        return "pass"
    if no_slower < fail:
        return "regression"
    if no_faster < fail:
        return "improved"
    return "inconclusive"


def borderline(scale: Array) -> Array:
    """m0, what a change must exceed: 0, rising to 1 % where all the pairs can no longer resolve 5 %."""
    return BORDERLINE * numpy.clip((scale / UNRESOLVED - 0.7) / 0.3, 0.0, 1.0)


def _needs(posterior: Mixture, middle: float, df: float, n: int, fixed: float, demand: Demand) -> int | None:
    """The count of further runs that is most often within a factor of two of what is needed.

    The posterior's effects and scales are played forward to the coming looks (predictive power:
    Spiegelhalter, Freedman & Parmar 1994, section 6), with a t interval at every look.  None where
    most futures decide nothing.
    """
    further = numpy.asarray([look - n for look in LOOKS_AHEAD if look > n])
    if not len(further):
        return None
    z = _futures(len(further))
    at = numpy.minimum(numpy.searchsorted(posterior.share.cumsum(), (numpy.arange(PATHS) + 0.5) / PATHS), len(posterior.share) - 1)
    scale = posterior.scale[at]
    effect = posterior.mean[at] + numpy.sqrt(numpy.maximum(posterior.deviation[at] ** 2 - fixed, 0)) * z[:, 0]
    walk = (z[:, 1:] * numpy.sqrt(numpy.diff(further, prepend=0))).cumsum(axis=1)
    mean = (n * middle + further * effect[:, None] + scale[:, None] * walk) / (n + further)
    now = float(posterior.share @ posterior.scale**2)
    square = (df * now + further * scale[:, None] ** 2) / (df + further)
    error = numpy.sqrt(square / (n + further) + fixed)
    decided = _would_decide(mean, error, numpy.sqrt(square), df + further, n + further, demand)
    first = numpy.where(decided.any(axis=1), further[decided.argmax(axis=1)], math.inf)
    if numpy.isinf(first).mean() > 0.5:
        return None
    guesses = numpy.arange(1, further[-1] + 1)
    near = (guesses[:, None] <= 2 * first) & (2 * guesses[:, None] >= first)
    return int(guesses[near.sum(axis=1).argmax()])


def _would_decide(mean: Array, error: Array, scale: Array, df: Array, counts: Array, demand: Demand) -> NDArray[numpy.bool_]:
    fail = [nominal_level(int(count), looks=SPEED_LOOKS, alpha=demand.alpha / 2, shape=SHAPE) for count in counts]
    equal = [nominal_level(int(count), looks=SPEED_LOOKS, alpha=demand.beta, shape=SHAPE) for count in counts]
    passed = numpy.abs(mean) - stdtrit(df, equal) * error < math.log1p(demand.margin)
    changed = numpy.abs(mean) + stdtrit(df, fail) * error > borderline(scale)
    return passed | changed


@cache
def _futures(looks: int) -> Array:
    """Fixed standard normal draws, (PATHS, 1 + looks): same input, same answer."""
    return numpy.random.default_rng(0).standard_normal((PATHS, 1 + looks))


def _too_few(differences: Array, more: int, margin: float, method: str) -> Evidence:
    estimate = math.expm1(float(numpy.median(differences)))
    return without_interval(
        "inconclusive", "fewer than three runs a side decide nothing", method, estimate=estimate, margin=margin, needs=more
    )


def _numbers(values: object) -> Array | None:
    """A one-dimensional array of finite numbers; None for anything else, booleans and text included."""
    if isinstance(values, numpy.ndarray):
        values = values.tolist()
    if isinstance(values, str | bytes | bytearray) or not isinstance(values, Sequence):
        return None
    if not all(isinstance(value, Real) and not isinstance(value, bool) for value in values):
        return None
    try:
        array = numpy.asarray([float(value) for value in values], dtype=float)
    except (OverflowError, ValueError):
        return None
    return array if numpy.isfinite(array).all() else None


def _fault(old: Array | None, new: Array | None, demand: Demand) -> str:
    """Why nothing can be compared; empty when it can."""
    for name, runs in (("baseline", old), ("candidate", new)):
        if runs is None:
            return f"the {name} is no list of finite numbers of seconds"
        if not len(runs):
            return f"the {name} holds no run"
        if (runs <= 0).any():
            return f"a step time of the {name} is not positive"
    for name, share, most in (("alpha", demand.alpha, 0.5), ("beta", demand.beta, 0.5), ("margin", demand.margin, 1.0)):
        if isinstance(share, bool) or not isinstance(share, Real) or not 0 <= share < most:
            return f"{name} = {share!r} is no share between 0 and {most}"
    if min(demand.alpha, demand.beta) < 1e-6:
        return "alpha and beta below one in a million are beyond what runs can show"
    return ""
