"""Whatever comes in, a decision comes out, and nothing but good numbers within tolerance ever passes."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from fractions import Fraction
from numbers import Real
from typing import Any, get_args

import numpy
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

import harness.statistics
from harness.statistics import (
    Evidence,
    MeanSpread,
    RawRuns,
    Single,
    Spread,
    judge_accuracy,
    judge_speed,
    judge_speed_paired,
)
from harness.statistics.evidence import Decision

# Deterministic, so that a red night is never the generator's; no deadline, since first calls fill caches.
tried = settings(
    max_examples=200,
    derandomize=True,
    database=None,
    deadline=None,
    phases=[Phase.explicit, Phase.generate, Phase.shrink],
    suppress_health_check=list(HealthCheck),
)

GOOD = st.one_of(
    st.floats(0.89, 0.91), st.sampled_from([0.9, 0.91, 1.0, 1, 0.1 + 0.2]), st.floats(0.85, 0.95).map(numpy.float64)
)
BAD = st.sampled_from(
    [
        *(
            math.nan,
            math.inf,
            -math.inf,
            None,
            "0.9",
            b"1",
            "",
            True,
            numpy.bool_(True),
            1 + 2j,
            [0.9],
            (),
            {},
            object(),
        ),
        *(10**400, -(10**400), 1e308, -1e308, 5e-324, 1e200, -0.0, 0, -1, numpy.nan, numpy.datetime64("2026-01-01")),
        *(Fraction(9, 10), numpy.float32(0.9), numpy.array(0.9), numpy.array([0.9, 0.8]), numpy.ma.masked),
    ]
)
ANY = st.one_of(GOOD, BAD, st.floats(), st.integers())
RUNS = st.lists(GOOD, min_size=1, max_size=12)
BAD_RUNS = st.one_of(
    st.lists(st.one_of(GOOD, GOOD, GOOD, BAD), max_size=6),
    st.lists(st.floats(), max_size=6).map(tuple),
    st.lists(st.floats(), max_size=6).map(numpy.array),
    st.sampled_from([numpy.ones((2, 2)), numpy.array(1.0), numpy.array(["0.9"]), numpy.array([None, 0.9])]),
    ANY,
)
GOOD_RUNS = st.one_of(RUNS, RUNS.map(tuple), RUNS.map(numpy.array))
LEVEL, MARGIN = st.sampled_from([0.01, 0.05]), st.floats(0.001, 0.5)  # each new level is calibrated
KINDS = st.sampled_from(["sample", "population", "standard error"])
ORIGINS = st.sampled_from(["single", "mean", "best"])
REFERENCE = st.one_of(
    GOOD_RUNS.map(RawRuns),
    st.builds(MeanSpread, mean=GOOD, std=st.floats(0, 0.02), n=st.integers(1, 12), std_kind=KINDS),
    st.builds(Single, GOOD, of=ORIGINS, n=st.integers(1, 12)),
)
BAD_REFERENCE = st.one_of(
    BAD_RUNS.map(RawRuns),
    st.builds(MeanSpread, mean=ANY, std=ANY, n=st.integers(1, 12), std_kind=KINDS),
    st.builds(MeanSpread, mean=GOOD, std=GOOD, n=ANY, std_kind=st.one_of(KINDS, BAD)),
    st.builds(Single, ANY, of=ORIGINS, n=ANY),
    st.builds(Single, GOOD, of=BAD),
    BAD_RUNS,
)
SPREAD = st.one_of(st.none(), st.builds(Spread, std=st.floats(0, 0.02), df=st.floats(0, 30)))


@st.composite
def spoilt(draw: st.DrawFn, /, **arguments: tuple[st.SearchStrategy[Any], st.SearchStrategy[Any]]) -> dict[str, Any]:
    """Good arguments, none to two of which are garbage; each name comes with its (good, garbage)."""
    bad = draw(st.lists(st.sampled_from(sorted(arguments)), max_size=2))
    return {name: draw(choices[name in bad]) for name, choices in arguments.items()}


def is_finite(value: object) -> bool:
    """Said anew, on purpose, not taken from the code under test."""
    if isinstance(value, bool | numpy.bool_) or not isinstance(value, Real):
        return False
    try:
        return math.isfinite(float(value))
    except OverflowError:
        return False


def are_finite(values: Any, *, at_least: int = 1) -> bool:
    good = isinstance(values, Sequence | numpy.ndarray) and not isinstance(values, str | bytes)
    return good and numpy.ndim(values) == 1 and len(values) >= at_least and all(map(is_finite, values))


def check_form(evidence: Evidence) -> None:
    assert isinstance(evidence, Evidence)
    assert evidence.decision in get_args(Decision)
    assert evidence.reason
    assert evidence.needs is None or (type(evidence.needs) is int and evidence.needs >= 1)
    for bound in (evidence.estimate, evidence.low, evidence.high, evidence.margin, evidence.detectable):
        assert bound is None or not math.isnan(bound)
    if evidence.low is not None and evidence.high is not None and evidence.estimate is not None:
        assert evidence.low <= evidence.estimate <= evidence.high


def check_pass(evidence: Evidence, scale: Callable[[float], float] = float) -> None:
    """A pass has an interval, and its estimate lies within its margin."""
    assert is_finite(evidence.low)
    assert is_finite(evidence.high)
    assert is_finite(evidence.margin)
    assert evidence.estimate is not None
    assert evidence.margin is not None
    assert abs(scale(evidence.estimate)) < scale(evidence.margin)


@tried
@given(
    spoilt(
        values=(GOOD_RUNS, BAD_RUNS),
        reference=(REFERENCE, BAD_REFERENCE),
        spread=(SPREAD, st.one_of(st.builds(Spread, std=ANY, df=ANY), ANY)),
        higher_is_better=(st.booleans(), ANY),
        margin=(st.one_of(st.none(), MARGIN), ANY),
        alpha=(LEVEL, ANY),
        beta=(LEVEL, ANY),
    )
)
def test_accuracy(asked: dict[str, Any]) -> None:
    evidence = judge_accuracy(**asked)
    check_form(evidence)
    if evidence.decision in ("pass", "regression", "improved"):
        assert are_finite(asked["values"])
        assert isinstance(asked["higher_is_better"], bool)
        assert all(is_finite(asked[level]) and 0 < asked[level] < 0.5 for level in ("alpha", "beta"))
        assert asked["margin"] is None or (is_finite(asked["margin"]) and asked["margin"] >= 0)
        assert asked["spread"] is None or (is_finite(asked["spread"].std) and is_finite(asked["spread"].df))
        check_reference(asked["reference"])
    if evidence.decision == "pass":
        check_pass(evidence)


def check_reference(reference: Any) -> None:
    match reference:
        case RawRuns():
            assert are_finite(reference.values)
        case MeanSpread():
            assert is_finite(reference.mean)
            assert is_finite(reference.std)
            assert reference.n >= 1
            assert reference.std >= 0
        case Single():
            assert is_finite(reference.value)
            assert reference.n >= 1
        case _:
            pytest.fail("decided without a reference")


SPEED = {
    "baseline": (GOOD_RUNS, BAD_RUNS),
    "candidate": (GOOD_RUNS, BAD_RUNS),
    "margin": (MARGIN, ANY),
    "alpha": (LEVEL, ANY),
    "beta": (LEVEL, ANY),
}
LOGS = st.lists(st.floats(-0.05, 0.05), max_size=30)


@tried
@given(spoilt(**SPEED), st.one_of(LOGS, BAD_RUNS), st.booleans())
def test_paired_speed(asked: dict[str, Any], history: Any, cut: bool) -> None:
    if cut and are_finite(asked["baseline"]) and are_finite(asked["candidate"]):
        pairs = min(len(asked["baseline"]), len(asked["candidate"]))
        asked = {**asked, "baseline": asked["baseline"][:pairs], "candidate": asked["candidate"][:pairs]}
    evidence = judge_speed_paired(**asked, history=history)
    check_form(evidence)
    if evidence.decision in ("pass", "regression", "improved"):
        assert len(asked["baseline"]) == len(asked["candidate"])
        check_speed(**asked)
        assert are_finite(history, at_least=0)
    if evidence.decision == "pass":
        check_pass(evidence, math.log1p)


@tried
@given(spoilt(**SPEED))
def test_speed(asked: dict[str, Any]) -> None:
    evidence = judge_speed(**asked)
    check_form(evidence)
    if evidence.decision in ("pass", "regression", "improved"):
        check_speed(**asked)
    if evidence.decision == "pass":
        check_pass(evidence, math.log1p)


def check_speed(baseline: Any, candidate: Any, margin: Any, alpha: Any, beta: Any) -> None:
    for runs in (baseline, candidate):
        assert are_finite(runs)
        assert min(runs) > 0
    assert is_finite(margin)
    assert margin >= 0
    assert all(is_finite(level) and 0 < level < 1 for level in (alpha, beta))


@tried
@given(st.one_of(GOOD_RUNS, BAD_RUNS))
def test_change_points(values: Any) -> None:
    """What is no history has no change; a change lies inside its history, in which nights may be missing."""
    change_points = getattr(harness.statistics, "change_points", None)
    if change_points is None:
        pytest.skip("not merged yet")
    found = change_points(values)
    assert isinstance(found, tuple)
    for change in found:
        assert sum(is_finite(value) and value > 0 for value in values) >= 2
        assert 0 <= change.low <= change.index <= change.high < len(values)
        assert is_finite(change.effect)
        assert change.effect > -1


@pytest.mark.parametrize("count", range(5))
def test_too_few_of_anything_is_no_pass(count: int) -> None:
    runs = (1.0,) * count
    for evidence in (
        judge_accuracy(runs[:1], reference=RawRuns(runs[:2])),
        judge_speed(runs[:1], runs),
        judge_speed_paired(runs[:1], runs[:1]),
    ):
        assert evidence.decision in ("invalid", "inconclusive")
