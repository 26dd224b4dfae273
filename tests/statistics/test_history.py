"""Change points and drift: exact small cases, real series, and the study in reduced size."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy
import pytest
from scipy.stats import kendalltau, mannwhitneyu, theilslopes

from harness.statistics import ChangePoint, change_points, drift
from harness.statistics.drift import _inflation, _slope, _trend
from harness.statistics.history import variance_of_mean
from harness.statistics.partition import Floats, partition
from harness.statistics.scan import critical_magnitude, critical_rank, normal_scores, rank_split
from tests.statistics.study import histories, history_peers
from tests.statistics.study.nulls import largest_splits

RNG_SEED = 9000


def indices(values: Sequence[float] | Floats, **options: float) -> list[int]:
    return [point.index for point in change_points(values, **options)]  # type: ignore[arg-type]


def nights(count: int, deviation: float, seed: int = RNG_SEED) -> Floats:
    return numpy.exp(deviation * numpy.random.default_rng(seed).standard_normal(count))


def test_a_step_is_found_where_it_is_with_its_size() -> None:
    values = nights(60, 0.01)
    values[37:] *= 1.05
    (point,) = change_points(values)
    assert point.index == 37
    assert point.low <= 37 <= point.high
    assert point.effect == pytest.approx(0.05, abs=0.01)
    assert point.effect_low < point.effect < point.effect_high


def test_down_is_negative_and_the_unit_does_not_matter() -> None:
    values = nights(60, 0.01)
    values[20:] *= 0.9
    (point,) = change_points(values)
    assert point.effect == pytest.approx(-0.1, abs=0.02)
    (scaled,) = change_points(values * 1e6)
    assert (scaled.index, scaled.low, scaled.high) == (point.index, point.low, point.high)
    assert scaled.effect == pytest.approx(point.effect)


def test_a_history_without_change_has_no_change_point() -> None:
    assert indices(nights(60, 0.015)) == []
    assert indices([50.0] * 30) == []


def test_single_bad_nights_are_no_change() -> None:
    values = nights(60, 0.01)
    values[[5, 17, 18, 30, 51]] *= 1.3
    assert indices(values) == []
    values[40:] *= 1.06
    assert indices(values) == [40]


def test_two_nights_are_no_level_and_three_are() -> None:
    values = nights(60, 0.005)
    values[-2:] *= 1.2
    assert indices(values) == []
    values[-3:] = 1.2 * nights(3, 0.005)
    assert indices(values) == [57]


def test_up_and_down_again_are_two_changes() -> None:
    values = nights(90, 0.01)
    values[30:45] *= 1.08
    first, second = change_points(values)
    assert (first.index, second.index) == (30, 45)
    assert first.effect > 0 > second.effect


def test_a_drift_is_no_step_and_a_step_no_drift() -> None:
    creeping = nights(60, 0.01) * numpy.exp(0.003 * numpy.arange(60))
    assert indices(creeping) == []
    told = drift(creeping, reference=1.0)
    assert told is not None
    assert told.slope == pytest.approx(0.003, rel=0.2)
    assert told.distance == pytest.approx(math.expm1(0.003 * 56), abs=0.03)
    assert told.since <= 10
    assert told.away
    stepped = nights(60, 0.01)
    stepped[30:] *= 1.1
    assert drift(stepped, reference=1.0) is None


def test_a_drift_is_told_from_the_night_on_which_it_begins() -> None:
    values = nights(100, 0.005)
    values *= numpy.exp(0.002 * numpy.maximum(numpy.arange(100) - 60, 0))
    told = drift(values, reference=1.1)
    assert told is not None
    assert abs(told.since - 60) <= 8
    assert told.moved == pytest.approx(0.08, abs=0.02)
    assert not told.away  # it comes up to the reference from below
    assert drift(values[:60], reference=1.1) is None


def test_a_drift_without_a_reference_has_no_distance_but_is_told() -> None:
    values = nights(60, 0.01) * numpy.exp(0.003 * numpy.arange(60))
    for reference in (None, math.nan, 0.0, -1.0, math.inf):
        told = drift(values, reference=reference)
        assert told is not None
        assert told.distance is None
        assert told.away
    assert drift((), reference=1.0) is None


def test_missing_nights_keep_the_indices() -> None:
    values = list(nights(60, 0.01))
    values[30:] = [1.06 * value for value in values[30:]]
    missing: list[float | None] = list(values)
    for night, nothing in ((4, math.nan), (12, None), (29, 0.0), (31, -1.0), (44, math.inf), (45, -math.inf)):
        missing[night] = nothing
    (point,) = change_points(missing)  # type: ignore[arg-type]
    assert point.index == 30
    assert point.low <= 29  # the missing night may have been the first


@pytest.mark.parametrize(
    "values",
    [
        None,
        (),
        [1.0] * 5,
        [math.nan] * 60,
        [0.0] * 60,
        [-1.0] * 60,
        "0123456789",
        ["1"] * 60,
        [True] * 60,
        [[1.0, 2.0]] * 60,
        3.0,
        {},
        numpy.array([]),
        numpy.array(3.0),
        [[1.0, 2.0], [3.0]] * 10,
        [None, object(), 1j] * 20,
        numpy.full((10, 2), 1.0),
    ],
)
def test_what_is_no_history_shows_nothing(values: object) -> None:
    assert change_points(values) == ()  # type: ignore[arg-type]
    assert drift(values, reference=1.0) is None  # type: ignore[arg-type]


@pytest.mark.parametrize("values", [[5e-324] * 30 + [1e308] * 30, list(range(1, 61)), [10**400] * 8, [1, 2] * 30])
def test_extreme_numbers_are_judged_without_an_exception(values: list[float]) -> None:
    change_points(values)
    drift(values, reference=1.0)


@pytest.mark.parametrize("options", [{"alpha": 0.0}, {"alpha": math.nan}, {"min_effect": -0.1}, {"runs_per_point": 0}])
def test_an_impossible_option_is_an_error(options: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="is"):
        change_points([1.0] * 60, **options)  # type: ignore[arg-type]


def test_integers_and_arrays_are_numbers_too() -> None:
    values = [100] * 20 + [200] * 20
    assert indices(values) == indices(numpy.array(values)) == indices(tuple(map(float, values))) == [20]


def test_a_small_change_splits_the_history_but_is_not_reported() -> None:
    values = nights(90, 0.003)
    values[30:] *= 1.02
    values[60:] *= 1.10
    assert indices(values) == [30, 60]
    assert indices(values, min_effect=0.05) == [60]


def test_a_stricter_level_finds_no_more() -> None:
    values = nights(60, 0.02)
    values[30:] *= 1.03
    assert indices(values, alpha=1e-300) == []
    assert set(indices(values, alpha=1e-9)) <= set(indices(values, alpha=0.01)) <= set(indices(values, alpha=0.05))


def test_the_same_history_gives_the_same_answer() -> None:
    values = nights(120, 0.02)
    values[50:] *= 1.06
    assert change_points(values) == change_points(list(values))


def test_the_partition_is_the_cheapest_of_all() -> None:
    """Against every placement of at most one step, levels free: the loss of a clean step is zero."""
    series = numpy.array([0.0] * 7 + [1.0] * 5)
    assert partition(series, scale=0.1, penalty=5.0) == [7]
    assert partition(series, scale=0.1, penalty=1000.0) == []
    assert partition(numpy.array([0.0] * 6), scale=0.1, penalty=5.0) == []


def test_a_rank_split_is_standardised_as_a_sum_of_scores() -> None:
    values = numpy.array([3.0, 1.0, 2.0, 10.0, 12.0, 11.0])
    z, most = rank_split(values, 3)
    assert z == pytest.approx(most)
    assert normal_scores(values).sum() == pytest.approx(0)
    assert normal_scores(numpy.array([1.0, 1.0, 1.0])).tolist() == [0.0, 0.0, 0.0]
    rng = numpy.random.default_rng(RNG_SEED)
    sample = rng.standard_normal(400)
    sample[:150] += 0.2
    by_sum = mannwhitneyu(sample[:150], sample[150:]).pvalue  # Wilcoxon's scores, almost the same at this size
    assert math.erfc(rank_split(sample, 150)[0] / 2**0.5) == pytest.approx(by_sum, rel=0.5)


def test_the_tabulated_nulls_are_those_of_a_new_simulation() -> None:
    by_magnitude = largest_splits(40, 20_000, ranks=False, seed=RNG_SEED)
    assert (by_magnitude > critical_magnitude(40, 0.05)).mean() == pytest.approx(0.05, abs=0.006)
    by_rank = largest_splits(40, 20_000, ranks=True, seed=RNG_SEED)
    assert (by_rank > critical_rank(40, 0.05)).mean() == pytest.approx(0.05, abs=0.006)
    assert critical_rank(50, 1e-6) > critical_rank(50, 1e-4) > critical_rank(50, 0.01)


def test_the_mean_of_correlated_nights_varies_as_their_covariances_say() -> None:
    for correlation in (0.0, 0.3, 0.8):
        lags = numpy.abs(numpy.subtract.outer(numpy.arange(9), numpy.arange(9)))
        assert variance_of_mean(9, correlation) == pytest.approx((correlation**lags).mean())


def test_trend_and_slope_are_mann_kendalls_and_theil_sens() -> None:
    rng = numpy.random.default_rng(RNG_SEED)
    series = rng.standard_normal(50) + 0.02 * numpy.arange(50)
    pairs = 50 * 49 / 2
    s = kendalltau(numpy.arange(50), series).statistic * pairs
    assert _trend(series) == pytest.approx((s - 1) / math.sqrt(50 * 49 * 105 / 18))
    assert _slope(numpy.arange(50.0), series) == pytest.approx(theilslopes(series)[0])
    assert _inflation(50, 0.0) == 1.0
    assert _inflation(50, 0.5) > 2


def test_the_peers_find_what_their_own_tests_expect() -> None:
    """apache/otava tests/tigerbeetle_test.py and series_test.py; signal-processing-algorithms test_detection.py."""
    step = [1.02, 0.95, 0.99, 1.00, 1.12, 1.00, 1.01, 0.98, 1.01, 0.96, *[0.5, 0.51, 0.48, 0.48, 0.55] * 2]
    assert history_peers.otava(step) == [10]
    assert history_peers.mongodb([0.0] * 20 + [1.0] * 20) == [20]
    assert history_peers.asv(step) == [10]
    assert history_peers.torchbench([1.0, 1.0, 1.08, 1.0]) == [2, 3]


@pytest.mark.skipif(histories.data_folder() is None, reason="no data/histories under HARNESS_DATA_DIR")
def test_real_series_show_what_their_maintainers_mark() -> None:
    sets = histories.real_series()
    for series in sets["MongoDB (signal-processing-algorithms)"]:
        assert histories.compared(indices(series.values), series.true) == (len(series.true), 0, 0)
    (tigerbeetle,) = sets["TigerBeetle (Otava), as expected"]
    count = histories.compared(indices(tigerbeetle.values), tigerbeetle.true)
    assert count.false == 0
    assert count.hits >= 8
    assert history_peers.otava(tigerbeetle.values, window=30) == list(tigerbeetle.true)


def test_the_small_series_of_otava_show_their_changes() -> None:
    found = [0.5, 0.51, 0.48, 0.48, 0.55]
    assert indices([1.02, 0.95, 0.99, 1.00, 1.12, 0.90, *found]) == [6]
    assert indices([2.02, 2.03, 2.01, 2.04, 1.82, 1.85, 1.79, 1.81, 1.80, 1.76, 1.78]) == [4]
    assert indices([1] * 5 + [5] * 8 + [9] * 8 + [3] * 9) == [5, 13, 21]


def test_the_study_in_reduced_size_reaches_its_targets() -> None:
    rows = [*histories.simulated(0.06, ("harness",)), *histories.intervals(0.1), *histories.drifts(0.2)]
    assert [row for row in rows if row.refuted] == []
    assert {row.rule for row in rows} == {"harness"}


def test_a_change_point_says_what_it_is_by_name() -> None:
    point = ChangePoint(index=3, low=2, high=4, effect=0.1, effect_low=0.05, effect_high=0.15)
    assert point.index == 3
