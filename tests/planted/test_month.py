"""A simulated month through the store, the verdicts, the history and the pages."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from harness.commands.history import history
from harness.commands.report import write_report
from harness.core.trends import Trend
from harness.core.values import Status
from harness.wire import SPEED
from tests.planted.month import NIGHTS, Lived, Month, Planted, alarms, placed

SLOWER = Planted(
    model="model-a",
    environment="typical-1.0",
    recipe="speed",
    night=25,
    slower=1 / 0.9 - 1,  # ten per cent fewer samples a second
    variables={"ONEDNN_MAX_CPU_ISA": "SSE41"},
)
WORSE = Planted(
    model="model-b",
    environment="steady-1.0",
    recipe="fit",
    night=19,
    worse=0.02,
    hyperparameters={"weight_decay": 2.5e-4},
)
PLANTED = (SLOWER, WORSE, replace(WORSE, model="model-a", environment="skewed-1.0", night=12))


@pytest.fixture(scope="module")
def month(tmp_path_factory: pytest.TempPathFactory) -> Month:
    return Month(tmp_path_factory.mktemp("month"), seed=1, planted=PLANTED)


@pytest.fixture(scope="module")
def nights(month: Month) -> list[Lived]:
    lived = list(month.nights())
    for night in lived:
        month.keep(night.records)
    return lived


@pytest.fixture(scope="module")
def page(month: Month, nights: list[Lived]) -> Path:
    """The report of the last night, whose past is read from the store."""
    last = nights[-1]
    return write_report(month.workspace, last.records, last.verdicts, last.baselines, last.night)


@pytest.mark.parametrize("planted", PLANTED, ids=lambda each: f"{each.model}/{each.recipe}")
@pytest.mark.usefixtures("nights")
def test_a_planted_change_is_found_and_placed_in_its_night(month: Month, planted: Planted) -> None:
    metric = SPEED if planted.recipe == "speed" else "score"
    found, path = history(month.workspace, planted.model, recipe=planted.recipe, metric=metric)
    trends = {trend.environment: trend for trend in found}
    assert [placed(trends[planted.environment], planted)] == [True]
    assert trends[planted.environment].points[0].effect < 0
    assert [name for name, trend in trends.items() if trend.points] == [planted.environment]
    assert f"got worse on {planted.date}" in path.read_text()


def test_a_lower_score_alarms_within_three_nights_and_nothing_else_does(nights: list[Lived]) -> None:
    for planted in PLANTED[1:]:
        cell = (planted.model, planted.environment)
        told = [any((each.model, each.environment) == cell for each in night.alarms) for night in nights]
        assert 0 <= told.index(True) - planted.night <= 2
        assert sum(told) >= 0.8 * (NIGHTS - planted.night)
    bad = {(each.model, each.environment) for each in PLANTED[1:]}
    assert {(each.model, each.environment) for night in nights for each in night.alarms} == bad


def test_the_pages_say_which_night_and_what_was_changed(page: Path) -> None:
    first = page.read_text()
    assert f"got worse on {SLOWER.date}" in first  # of the last week
    assert f"got worse on {WORSE.date}" not in first
    assert "weight_decay" in first  # beside the verdict that is still bad
    for planted in PLANTED:
        told = (page.parent / f"model-{planted.model}.html").read_text()
        assert f"got worse on {planted.date}" in told
        assert all(name in told for name in (*planted.hyperparameters, *planted.variables))


def test_a_speed_is_not_alarmed_by_one_night_but_suspected(nights: list[Lived]) -> None:
    """VERDICTS rule 4: against another day's runs nothing alarms; the history does, with three nights."""
    told = [
        verdict
        for verdict in nights[-1].verdicts
        if (verdict.model, verdict.recipe, verdict.environment) == ("model-a", "speed", "typical-1.0")
    ]
    assert [verdict.status for verdict in told] == [Status.INCONCLUSIVE]


def test_a_month_of_unchanged_nights_raises_no_alarm(tmp_path: Path) -> None:
    """``python -m tests.planted month`` counts over many seeds: docs/verdicts.md."""
    told = alarms(Month(tmp_path, seed=1))
    assert told.verdicts == ()
    assert told.steps == ()


def test_placed_is_true_of_the_right_night_only(nights: list[Lived], month: Month) -> None:
    trend = _trend(month, nights, SLOWER)
    assert placed(trend, SLOWER)
    assert not placed(trend, replace(SLOWER, night=SLOWER.night - 6))
    assert not placed(replace(trend, points=()), SLOWER)


def _trend(month: Month, nights: list[Lived], planted: Planted) -> Trend:
    records = [run for night in nights for run in night.records]
    return next(
        trend
        for trend in month.trends(records)
        if (trend.model, trend.environment, trend.recipe) == (planted.model, planted.environment, planted.recipe)
    )
