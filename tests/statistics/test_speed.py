"""Claims about the decisions on speed, exact where they can be; error rates by a small, seeded study."""

from __future__ import annotations

import math
from typing import Any

import numpy
import pytest
from scipy import stats

from harness.statistics import Evidence, judge_speed, judge_speed_paired
from harness.statistics.contaminated import mixture, terms
from harness.statistics.families import false_discovery
from harness.statistics.levels import borderline
from harness.statistics.scale import believed, mad
from harness.statistics.screen import suspicious
from tests.statistics.study import noise, speed
from tests.statistics.study.sessions import draw, play

BASE = (1.00, 1.01, 0.99, 1.005)
QUIET = tuple(0.004 * (-1) ** pair * (1 + pair % 5) / 3 for pair in range(30))  # log ratios of earlier A/A pairs
TYPICAL = tuple(5 * ratio for ratio in QUIET)


def slowed(share: float, base: tuple[float, ...] = BASE) -> list[float]:
    return [seconds * (1 + share) for seconds in base]


def test_slower_by_ten_percent_is_a_regression_in_both_designs() -> None:
    for evidence in (judge_speed(BASE, slowed(0.1)), judge_speed_paired(BASE, slowed(0.1), history=QUIET)):
        assert evidence.decision == "regression"
        assert evidence.estimate == pytest.approx(0.1, abs=0.001)
        assert evidence.low is not None
        assert evidence.low > 0


def test_faster_is_improved_never_a_pass() -> None:
    assert judge_speed(slowed(0.1), BASE).decision == "improved"
    assert judge_speed_paired(slowed(0.1), BASE, history=QUIET).decision == "improved"


def test_equal_speeds_pass() -> None:
    assert judge_speed(BASE, BASE).decision == "pass"
    assert judge_speed_paired(BASE, (1.001, 1.008, 0.992, 1.004), history=QUIET).decision == "pass"


def test_swapping_the_sides_mirrors_the_evidence() -> None:
    new = (1.03, 1.02, 1.04, 1.01)
    there, back = judge_speed_paired(BASE, new, history=TYPICAL), judge_speed_paired(new, BASE, history=TYPICAL)
    assert mirrored(there.estimate) == pytest.approx(back.estimate, abs=2e-4)
    assert mirrored(there.low) == pytest.approx(back.high, abs=2e-4)
    assert there.p == pytest.approx(back.p, rel=1e-6)


def mirrored(slowdown: float | None) -> float:
    assert slowdown is not None
    return 1 / (1 + slowdown) - 1


def test_fewer_than_three_runs_a_side_decide_nothing() -> None:
    for count in (1, 2):
        evidence = judge_speed_paired(BASE[:count], slowed(0.5)[:count], history=QUIET)
        assert (evidence.decision, evidence.needs, evidence.p) == ("inconclusive", 3 - count, None)
        assert judge_speed(BASE, slowed(0.5)[:count]).decision == "inconclusive"
        assert judge_speed(BASE[:count], slowed(0.5)).decision == "inconclusive"


def test_two_runs_decide_where_the_other_side_knows_the_spread_and_one_run_does_not() -> None:
    assert judge_speed(BASE * 3, slowed(0.1)[:2]).decision == "regression"
    alone = judge_speed(BASE * 3, slowed(0.1)[:1])
    assert alone.decision == "inconclusive"  # it may be a bad run
    assert alone.estimate == pytest.approx(0.1, abs=0.01)


def test_with_margin_zero_nothing_passes_and_two_percent_is_found_in_three_quiet_pairs() -> None:
    assert judge_speed_paired(BASE, BASE, history=QUIET, margin=0.0).decision == "inconclusive"
    assert judge_speed_paired(BASE[:3], slowed(0.02)[:3], history=QUIET, margin=0.0).decision == "regression"


def test_a_real_change_within_the_margin_passes() -> None:
    evidence = judge_speed_paired(BASE, slowed(0.02), history=QUIET)
    assert evidence.decision == "pass"
    assert evidence.low is not None
    assert evidence.low > 0  # and the interval says that it is real


@pytest.mark.parametrize("bad", [0, 1, 2])
def test_one_pair_with_a_bad_run_does_not_decide(bad: int) -> None:
    new = [1.0, 1.01, 0.99]
    new[bad] *= 1.2
    for evidence in (judge_speed_paired(BASE[:3], new, history=TYPICAL), judge_speed_paired(BASE[:3], new)):
        assert evidence.decision in ("pass", "inconclusive")


def test_a_session_unlike_its_history_is_judged_by_itself() -> None:
    new = (1.06, 1.00, 1.12, 1.03)
    distrusted = judge_speed_paired(BASE, new, history=QUIET)
    assert "unlike" in distrusted.reason
    assert distrusted.low == pytest.approx(judge_speed_paired(BASE, new).low)


def test_a_longer_history_narrows_the_interval() -> None:
    new = (1.05, 1.02, 1.03, 1.035)
    widths = [width(judge_speed_paired(BASE, new, history=TYPICAL[:count])) for count in (0, 4, 10, 30)]
    assert widths == sorted(widths, reverse=True)


def width(evidence: Evidence) -> float:
    assert evidence.low is not None
    assert evidence.high is not None
    return evidence.high - evidence.low


def test_without_bad_runs_and_history_the_posterior_is_students() -> None:
    """A flat prior of mean and log scale gives the t distribution (Box & Tiao 1973, section 2.4)."""
    sample = numpy.asarray([0.01, 0.03, 0.024, 0.015, 0.02])
    belief = believed(sample, numpy.zeros(0), 1e-12)
    posterior = mixture(terms(sample, belief.scales, 1e-12), belief.scales, belief.log_prior)
    expected = stats.t(4, sample.mean(), sample.std(ddof=1) / 5**0.5)
    for value in (-0.005, 0.0, 0.01, 0.02):
        assert posterior.below(value) == pytest.approx(expected.cdf(value), rel=0.01)
    assert posterior.quantiles(0.001) == pytest.approx([expected.ppf(0.001)], abs=1e-4)


def test_the_mad_is_unbiased_for_small_normal_samples() -> None:
    rng = numpy.random.default_rng(7)
    for n in (3, 4, 6, 9, 12):
        found = numpy.mean([mad(sample) for sample in rng.standard_normal((500, n))])
        assert found == pytest.approx(1, abs=0.12)


def test_a_change_must_exceed_more_on_a_noisy_machine() -> None:
    quiet, typical, noisy, wild = borderline(numpy.asarray([0.003, 0.015, 0.03, 0.06]) * 2**0.5)
    assert (quiet, typical) == (0, 0)
    assert 0 < noisy < wild
    assert wild == pytest.approx(0.01)


NOT_NUMBERS: list[Any] = [
    (),
    None,
    "1.0",
    1.0,
    b"\x01\x02",
    (0.0, 1.0, 1.0),
    (-1.0, 1.0, 1.0),
    (math.nan, 1.0, 1.0),
    (math.inf, 1.0, 1.0),
    (None, 1.0, 1.0),
    ("1", 1.0, 1.0),
    (True, 1.0, 1.0),
    ([1.0], [1.0], [1.0]),
    numpy.ones((3, 1)),
    numpy.ma.masked_array([1.0, 1.0, 1.0], [True, False, False]),
    (10**400, 1.0, 1.0),
    (1j, 1.0, 1.0),
    {1.0: 1},
]


@pytest.mark.parametrize("bad", NOT_NUMBERS, ids=repr)
def test_what_is_no_step_time_is_invalid(bad: Any) -> None:
    good = (1.0, 1.0, 1.0)
    for evidence in (judge_speed(bad, good), judge_speed(good, bad)):
        assert evidence.decision == "invalid"
    for evidence in (judge_speed_paired(bad, good), judge_speed_paired(good, bad)):
        assert evidence.decision == "invalid"
        assert evidence.reason


@pytest.mark.parametrize("bad", [None, "x", (math.nan,), (True,), ([0.1],), 0.1])
def test_a_history_that_is_none_is_invalid(bad: Any) -> None:
    assert judge_speed_paired(BASE, BASE, history=bad).decision == "invalid"


def test_pairs_of_unequal_length_are_invalid() -> None:
    assert judge_speed_paired(BASE, BASE[:3]).decision == "invalid"


@pytest.mark.parametrize("bad", [math.nan, math.inf, -0.01, 1.0, None, "0.05", True])
@pytest.mark.parametrize("name", ["margin", "alpha", "beta"])
def test_absurd_demands_are_invalid(name: str, bad: Any) -> None:
    assert judge_speed_paired(BASE, BASE, **{name: bad}).decision == "invalid"
    assert judge_speed(BASE, BASE, **{name: bad}).decision == "invalid"


def test_integers_and_arrays_are_numbers() -> None:
    told = judge_speed_paired([1, 2, 3], [2, 4, 6])
    array = judge_speed_paired(numpy.array([1, 2, 3]), numpy.array([2, 4, 6], dtype=numpy.float32))  # type: ignore[arg-type]
    assert told == array


def test_same_input_same_answer() -> None:
    new = (1.03, 1.02, 1.05, 1.00)
    assert judge_speed_paired(BASE, new, history=TYPICAL) == judge_speed_paired(BASE, new, history=TYPICAL)


def test_extreme_but_possible_times_are_judged() -> None:
    tiny = [5e-324, 1e-300, 1.0, 1e99]
    assert judge_speed_paired(tiny, tiny[::-1]).decision == "inconclusive"
    assert judge_speed(tiny, tiny[::-1]).decision == "inconclusive"
    assert judge_speed_paired((1.0,) * 3, (1.0,) * 3, history=(0.0,) * 20).decision == "pass"
    many = [1.0] * 2000
    assert judge_speed_paired(many, [1.2] * 200 + many[200:]).decision == "pass"
    assert judge_speed(many, [1.2] * 200 + many[200:]).decision == "pass"


def test_the_night_that_fits_its_history_is_not_suspicious() -> None:
    history = list(BASE) * 5
    assert not suspicious(history, [1.002])
    assert suspicious(history, [1.05])
    assert suspicious(history, [0.95])


@pytest.mark.parametrize(
    ("history", "tonight"), [([], [1.0]), ([1.0] * 4, [1.0]), ([1.0] * 9, []), ([1.0] * 9, [math.nan])]
)
def test_what_cannot_be_screened_is_suspicious(history: list[float], tonight: list[float]) -> None:
    assert suspicious(history, tonight)


def test_false_discoveries_are_held_and_missing_evidence_discovers_nothing() -> None:
    assert false_discovery((0.001, 0.02, 0.9)) == (True, True, False)
    assert false_discovery((0.001, 0.049, 0.9)) == (True, False, False)
    assert false_discovery((math.nan, None, -1.0, 0.001)) == (False, False, False, True)
    assert false_discovery((math.nan, 0.03)) == (False, False)  # alone, 0.03 would be one
    assert false_discovery(()) == ()
    with pytest.raises(ValueError, match="level"):
        false_discovery((0.5,), level=1.5)


def test_the_reduced_study_refutes_no_target() -> None:
    refuted = [row for row in speed.rows(0.02) if row.refuted]
    assert not refuted


def test_the_sequence_ends_with_an_honest_answer_on_a_noisy_machine() -> None:
    outcomes = play(draw(noise.noisy, numpy.random.default_rng(5), 20, slower=0.05))
    assert all(outcome.evidence.detectable or outcome.evidence.decision == "pass" for outcome in outcomes)
    assert sum(outcome.evidence.decision == "pass" for outcome in outcomes) <= 2
