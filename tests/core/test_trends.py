from __future__ import annotations

from dataclasses import replace
from typing import Any

from harness.core.trends import Trend, is_news, points_of, trends
from harness.core.values import Baseline, Record, RunStatus
from tests.core.examples import QUIET, record, reference, speed_recipe

NOISE = (0.4, -0.7, 0.1, 0.9, -0.3, -0.8, 0.6, 0.2, -0.5, 0.7, -0.1, 0.3, -0.9, 0.5, 0.0, -0.2, 0.8, -0.4, -0.6, 0.1)


def night(number: int, rate: float, **changes: Any) -> Record:
    run = record(seed=0, recipe="speed", mode="speed", metrics={"samples_per_second": rate}, **changes)
    return replace(run, id=f"202601{number + 1:02d}T030000-toy", started=1.7e9 + 86400 * number)


def nights(rates: list[float]) -> Trend:
    metric = speed_recipe().metrics[0]
    runs = [night(number, rate) for number, rate in enumerate(rates)]
    points = points_of(runs, speed_recipe(), metric)
    (trend,) = trends(points, speed_recipe(), Baseline(model="toy", references=()), metric)
    return trend


def test_a_slower_level_is_found_with_its_date_and_direction() -> None:
    trend = nights([(100.0 if number < 15 else 90.0) + NOISE[number % 20] for number in range(30)])
    (point,) = trend.points
    assert point.low <= 15 <= point.high
    assert "worse on 2026-01-16" in trend.sentences[0]


def test_a_quiet_history_says_so() -> None:
    trend = nights([100.0 + noise for noise in (*NOISE, *NOISE[:10])])
    assert trend.points == ()
    assert trend.sentences == ("toy/speed in torch-2.13: samples_per_second: no change in 30 night(s).",)


def test_failed_and_disturbed_runs_are_left_out_and_counted() -> None:
    runs = [night(0, 100.0), night(1, 50.0, measurement={**QUIET, "foreign_share": 0.5})]
    runs.append(night(2, 1.0, status=RunStatus.CRASHED))
    metric = speed_recipe().metrics[0]
    (trend,) = trends(
        points_of(runs, speed_recipe(), metric), speed_recipe(), Baseline(model="toy", references=()), metric
    )
    assert trend.values == (100.0,)
    assert trend.left_out == 2


def test_drift_away_from_the_published_value_is_a_finding_of_its_own() -> None:
    metric = replace(speed_recipe().metrics[0])
    published = reference(metric=metric.name, recipe="speed", kind="published", value=100.0)
    runs = [night(number, 100.0 - 0.5 * number + 0.2 * NOISE[number % 20]) for number in range(30)]
    (trend,) = trends(
        points_of(runs, speed_recipe(), metric), speed_recipe(), Baseline(model="toy", references=(published,)), metric
    )
    assert trend.drift is not None
    assert any("drifts" in sentence for sentence in trend.sentences)


def test_a_change_is_news_from_its_fifth_night_to_the_end_of_its_week() -> None:
    rates = [(100.0 if number < 15 else 90.0) + NOISE[number % 20] for number in range(30)]
    news = [count for count in range(7, 31) if is_news(nights(rates[:count]))]
    assert news == list(range(news[0], news[-1] + 1))
    assert 18 < news[0] <= 20  # nights in all: three make a level, and the morning before has to say the same
    assert news[-1] == 22


def test_a_change_that_the_tolerance_swallows_is_no_news() -> None:
    trend = nights([(100.0 if number < 15 else 98.0) + NOISE[number % 20] / 4 for number in range(20)])
    assert trend.points
    assert not is_news(trend)
