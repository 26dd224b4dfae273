"""Small, exact checks; the error rates are measured by a study of its own (issue 3)."""

from __future__ import annotations

import math

import pytest

from harness.statistics import judge_speed, judge_speed_paired


def test_slower_by_ten_percent_is_a_regression_in_both_designs() -> None:
    base, slow = (1.00, 1.01, 0.99, 1.005), (1.10, 1.11, 1.09, 1.105)
    for evidence in (judge_speed(base, slow), judge_speed_paired(base, slow)):
        assert evidence.decision == "regression"
        assert evidence.estimate == pytest.approx(0.0995, abs=0.001)
    assert judge_speed(slow, base).decision == "improved"


def test_equal_speeds_pass_and_one_run_does_not_decide() -> None:
    base = (1.00, 1.01, 0.99, 1.005)
    assert judge_speed(base, base).decision == "pass"
    assert judge_speed(base[:1], base[:1]).decision == "inconclusive"
    assert judge_speed_paired(base[:1], base[:1]).decision == "inconclusive"


@pytest.mark.parametrize(("base", "new"), [((), (1.0,)), ((1.0,), ()), ((0.0,), (1.0,)), ((1.0,), (math.nan,))])
def test_impossible_step_times_are_invalid(base: tuple[float, ...], new: tuple[float, ...]) -> None:
    assert judge_speed(base, new).decision == "invalid"
    assert judge_speed_paired(base, new).decision == "invalid"
    assert judge_speed_paired((1.0, 1.0), (1.0,)).decision == "invalid"
