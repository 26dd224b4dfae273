"""Histories as a file for a paper."""

from __future__ import annotations

from dataclasses import replace

import pytest

from harness.core.errors import HarnessError
from harness.core.trends import Trend, points_of, trends
from harness.core.values import Baseline
from reports.figures import draw_histories
from tests.core.examples import record, reference, speed_recipe

BEGINS = {"png": b"\x89PNG", "pdf": b"%PDF", "svg": b"<?xml"}


def history() -> tuple[Trend, ...]:
    """A speed that falls by a tenth in its sixteenth night, beside one that stays."""
    metric = speed_recipe().metrics[0]
    runs = [
        replace(
            record(recipe="speed", mode="speed", environment=name, metrics={metric.name: rate}),
            id=f"202601{night + 1:02d}T03000{number}",
            started=float(night),
        )
        for night in range(30)
        for number, (name, rate) in enumerate([("one", 100 + night % 3 - 10 * (night >= 15)), ("two", 90 + night % 2)])
    ]
    published = reference(recipe="speed", metric=metric.name, kind="published", value=101.0)
    baseline = Baseline(model="toy", references=(published,))
    return tuple(trends(points_of(runs, speed_recipe(), metric), speed_recipe(), baseline, metric))


@pytest.mark.parametrize("form", BEGINS)
def test_equal_histories_give_equal_files(form: str) -> None:
    drawn = draw_histories(history(), form)
    assert drawn.startswith(BEGINS[form])
    assert drawn == draw_histories(history(), form)


def test_a_figure_names_its_environments_and_the_published_value() -> None:
    assert [len(trend.points) for trend in history()] == [1, 0]
    text = draw_histories(history(), "svg").decode()
    for said in ("one", "two", "published", "2026-01-01"):
        assert f"<!-- {said} -->" in text


def test_a_file_of_another_kind_is_refused() -> None:
    with pytest.raises(HarnessError, match="no figure can be written as 'gif'"):
        draw_histories(history(), "gif")
