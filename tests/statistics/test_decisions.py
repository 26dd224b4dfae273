"""Small, exact checks; the error rates are measured by a study of its own (issue 3)."""

from __future__ import annotations

import math

import numpy
import pytest
from scipy import stats

from harness.statistics import (
    MeanSpread,
    RawRuns,
    Single,
    Spread,
    judge_accuracy,
)
from harness.statistics.accuracy import normal_maximum

REFERENCE = (0.960, 0.956, 0.962, 0.960, 0.965, 0.958, 0.963, 0.964, 0.964, 0.957)


def test_the_interval_is_that_of_a_pooled_t_test() -> None:
    values = (0.961, 0.963, 0.958)
    evidence = judge_accuracy(values, reference=RawRuns(REFERENCE), alpha=0.01)
    expected = stats.ttest_ind(values, REFERENCE).confidence_interval(0.98)
    assert evidence.low == pytest.approx(expected.low, rel=1e-9)
    assert evidence.high == pytest.approx(expected.high, rel=1e-9)


def test_mean_and_spread_judge_like_the_runs_they_came_from() -> None:
    std = float(numpy.std(REFERENCE, ddof=1))
    raw = judge_accuracy((0.961, 0.963), reference=RawRuns(REFERENCE))
    for kind, value in (
        ("sample", std),
        ("population", std * math.sqrt(9 / 10)),
        ("standard error", std / math.sqrt(10)),
    ):
        summary = MeanSpread(mean=float(numpy.mean(REFERENCE)), std=value, n=10, std_kind=kind)  # type: ignore[arg-type]
        told = judge_accuracy((0.961, 0.963), reference=summary)
        assert told.low == pytest.approx(raw.low)
        assert told.high == pytest.approx(raw.high)


def test_lower_is_better_turns_the_verdict_round() -> None:
    assert judge_accuracy((0.90,), reference=RawRuns(REFERENCE)).decision == "regression"
    assert judge_accuracy((0.90,), reference=RawRuns(REFERENCE), higher_is_better=False).decision == "improved"


def test_one_run_against_one_number_is_undecided_until_a_spread_is_known() -> None:
    assert judge_accuracy((0.96,), reference=Single(0.96)).decision == "inconclusive"
    known = Spread(std=0.003, df=9)
    assert judge_accuracy((0.96,), reference=Single(0.96), spread=known, margin=0.02).decision == "pass"


def test_the_best_of_five_is_expected_to_lie_above_a_typical_run() -> None:
    known = Spread(std=0.003, df=30)
    best = judge_accuracy((0.96,), reference=Single(0.9635, of="best", n=5), spread=known)
    single = judge_accuracy((0.96,), reference=Single(0.9635), spread=known)
    assert abs(best.estimate or 1) < abs(single.estimate or 0)


@pytest.mark.parametrize(("n", "mean", "variance"), [(1, 0.0, 1.0), (2, 0.5642, 0.6817), (5, 1.1630, 0.4475)])
def test_moments_of_a_normal_maximum_equal_the_tabulated_ones(n: int, mean: float, variance: float) -> None:
    """Harter 1961, Biometrika 48, table 1 (means); Teichroew 1956 (variances)."""
    found = normal_maximum(n)
    assert found[0] == pytest.approx(mean, abs=1e-4)
    assert found[1] == pytest.approx(variance, abs=1e-4)


@pytest.mark.parametrize("values", [(), (math.nan,), (0.96, math.inf)])
def test_what_is_no_number_is_invalid(values: tuple[float, ...]) -> None:
    assert judge_accuracy(values, reference=RawRuns(REFERENCE)).decision == "invalid"


@pytest.mark.parametrize(
    "bad",
    [
        RawRuns(()),
        RawRuns((math.nan,)),
        MeanSpread(mean=0.9, std=-1.0, n=5),
        MeanSpread(mean=0.9, std=0.1, n=0),
        Single(math.nan),
    ],
)
def test_an_impossible_reference_is_invalid(bad: RawRuns | MeanSpread | Single) -> None:
    assert judge_accuracy((0.96, 0.96), reference=bad).decision == "invalid"


def test_without_margin_and_spread_even_equal_numbers_do_not_pass() -> None:
    assert judge_accuracy((1.0, 1.0), reference=RawRuns((1.0, 1.0))).decision == "inconclusive"
    assert judge_accuracy((1.0, 1.0), reference=RawRuns((1.0, 1.0)), margin=0.01).decision == "pass"
