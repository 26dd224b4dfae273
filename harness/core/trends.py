"""A metric of one job over the nights: changes, and drift against its published value.  Pure."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import median

from harness.core.disturbance import disturbance
from harness.core.show import show
from harness.core.values import Baseline, Metric, Point, Recipe, Record, Reference, RunStatus
from harness.statistics import ChangePoint, Drift, change_points, drift
from harness.wire import SPEED

NEWS_NIGHTS = 7  # a change of level as young as this is news
NEWS_ALPHA = 0.003  # of what is looked at every morning, and should be quiet for months
NEWS_SHARE = 0.5  # of the tolerance: a change within it is nobody's alarm


@dataclass(frozen=True, kw_only=True)
class Trend:
    """One metric of one recipe in one environment on one kind of machine."""

    model: str
    recipe: str
    environment: str
    machine_class: str
    metric: Metric
    nights: tuple[str, ...]  # dates in UTC, oldest first
    values: tuple[float, ...]  # the night's median
    runs: tuple[int, ...]  # how many runs a night has
    points: tuple[ChangePoint, ...]
    drift: Drift | None
    reference: Reference | None  # the published one, which drift is told against
    left_out: int  # runs that failed, were disturbed or held no number

    @property
    def sentences(self) -> tuple[str, ...]:
        """What a person has to know, the newest change first."""
        subject = f"{self.model}/{self.recipe} in {self.environment}: {self.metric.name}"
        told = [self._point(subject, point) for point in reversed(self.points)]
        if self.drift:
            told.append(f"{subject} {self._drifts(self.drift)}.")
        return tuple(told) or (f"{subject}: no change in {len(self.nights)} night(s).",)

    def _drifts(self, drift: Drift) -> str:
        told = f"drifts by {drift.slope:+.2%} a night since {self.nights[drift.since]}, {drift.moved:+.1%} so far"
        if drift.distance is None or self.reference is None:
            return told
        published = show(self.reference.value, self.metric.unit)
        return f"{told}; the last week lies {drift.distance:+.1%} from the published {published}"

    def _point(self, subject: str, point: ChangePoint) -> str:
        better = (point.effect > 0) == (self.metric.better == "higher")
        first, last = self.nights[point.low], self.nights[point.high]
        when = self.nights[point.index] if first == last else f"{self.nights[point.index]} ({first} to {last})"
        return (
            f"{subject} got {'better' if better else 'worse'} on {when}: {point.effect:+.1%} "
            f"({point.effect_low:+.1%} to {point.effect_high:+.1%})."
        )


def is_news(trend: Trend) -> bool:
    """Whether its newest change belongs on the first page of a night.

    A history that is tested every morning gets many chances to look changed: an unchanged one did so within
    thirty nights in one of eight cases, for a morning or two.  So a change is news when it was seen yesterday
    too, both times at a level for such a watch, and when the tolerance does not swallow it.
    """
    if not trend.points or abs(trend.points[-1].effect) < NEWS_SHARE * _tolerance(trend):
        return False
    return all(_changed_lately(trend, trend.values[:nights]) for nights in (len(trend.values), len(trend.values) - 1))


def _changed_lately(trend: Trend, values: Sequence[float]) -> bool:
    found = change_points(values, runs_per_point=_a_night(trend.runs), alpha=NEWS_ALPHA)
    return bool(found) and len(values) - found[-1].index <= NEWS_NIGHTS


def _tolerance(trend: Trend) -> float:
    """Relative to the level before the change; 0 where the recipe states none."""
    metric, level = trend.metric, abs(trend.values[trend.points[-1].index - 1])
    if metric.margin is not None:
        return metric.margin / level if level else 0.0
    return metric.margin_relative or 0.0


def _a_night(runs: Sequence[int]) -> int:
    return int(median(runs)) if runs else 1


def points_of(records: Iterable[Record], recipe: Recipe, metric: Metric) -> tuple[Point, ...]:
    """What the runs of ``recipe`` add to the trends of ``metric``."""
    return tuple(
        Point(
            run=record.id,
            framework=record.job.framework,
            environment=record.job.environment,
            machine_class=record.machine.machine_class if record.machine else None,
            started=record.started,
            value=record.metrics.get(metric.name, math.nan) if _counts(record, metric) else math.nan,
        )
        for record in records
        if record.job.recipe == recipe.name
    )


def trends(points: Iterable[Point], recipe: Recipe, baseline: Baseline, metric: Metric) -> tuple[Trend, ...]:
    """One for each environment and kind of machine that ran ``recipe``.  ``points`` are of one model."""
    series: dict[tuple[str, str], list[Point]] = {}
    for point in points:
        series.setdefault((point.environment, point.machine_class or "unknown machine"), []).append(point)
    return tuple(_trend(runs, recipe, baseline, metric, *place) for place, runs in sorted(series.items()))


def _trend(
    runs: Sequence[Point], recipe: Recipe, baseline: Baseline, metric: Metric, environment: str, machine: str
) -> Trend:
    nights: dict[str, list[float]] = {}
    for run in sorted(runs, key=lambda run: run.started):
        if math.isfinite(run.value):
            nights.setdefault(_date(run), []).append(run.value)
    values = tuple(median(found) for found in nights.values())
    counts = tuple(map(len, nights.values()))
    a_night = _a_night(counts)
    reference = _published(runs[0], recipe, baseline, metric)
    return Trend(
        model=baseline.model,
        recipe=recipe.name,
        environment=environment,
        machine_class=machine,
        metric=metric,
        nights=tuple(nights),
        values=values,
        runs=counts,
        points=change_points(values, runs_per_point=a_night),
        drift=drift(values, reference=reference.value if reference else None, runs_per_point=a_night),
        reference=reference,
        left_out=len(runs) - sum(counts),
    )


def _counts(run: Record, metric: Metric) -> bool:
    if run.status is not RunStatus.FINISHED or run.initial:  # other first weights, another training
        return False
    return metric.name != SPEED or not disturbance([run])


def _published(run: Point, recipe: Recipe, baseline: Baseline, metric: Metric) -> Reference | None:
    return next(
        (
            reference
            for reference in baseline.references
            if (reference.kind, reference.recipe, reference.metric) == ("published", recipe.name, metric.name)
            and reference.framework in (None, run.framework)
            and reference.holds_on(run.machine_class)
        ),
        None,
    )


def _date(run: Point) -> str:
    """The day in UTC that the run's id begins with."""
    return f"{run.run[:4]}-{run.run[4:6]}-{run.run[6:8]}"
