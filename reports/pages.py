"""The pages of a night, a model and a run: core values in, HTML out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from harness.core.bound import bound
from harness.core.night import WORST_FIRST, CellState, Night, NightCell
from harness.core.trends import Trend, is_news
from harness.core.values import Baseline, ModelSpec, Recipe, Record, Reference, Status, Verdict
from harness.wire import SPEED
from reports.html import WhatChanged, render_template, view_digest, worst_first
from reports.lines import Line, learning_curves, step_times, trend_lines

Cell = tuple[str, str, str]  # model, recipe, environment
ALARMS = (Status.REGRESSION, Status.IMPROVED, Status.ERROR)  # told on the first page even where nothing explains them


@dataclass(frozen=True, kw_only=True)
class NightPage:
    night: Night
    verdicts: tuple[Verdict, ...]
    changes: tuple[WhatChanged, ...]  # of what went from good to bad
    trends: tuple[Trend, ...]
    notes: tuple[str, ...]
    generated: str
    pages: frozenset[str]  # files beside it that may be linked


@dataclass(frozen=True, kw_only=True)
class ModelPage:
    spec: ModelSpec
    baseline: Baseline
    verdicts: tuple[Verdict, ...]
    trends: tuple[Trend, ...]
    newest: tuple[Record, ...]  # one run for each recipe and environment
    changes: Mapping[
        tuple[str, str, str, str], WhatChanged
    ]  # newest change point: recipe, environment, machine, metric
    generated: str
    pages: frozenset[str]


def render_night(page: NightPage) -> str:
    """The first page of a night: what is new and bad first, then everything."""
    verdicts = worst_first(page.verdicts)
    worst: dict[Cell, Verdict] = {}
    for verdict in verdicts:
        worst.setdefault((verdict.model, verdict.recipe, verdict.environment), verdict)
    cells = {(cell.model, cell.recipe, cell.environment): cell for cell in page.night.cells}
    judged = [cell for cell in cells if cell in worst]
    explained = {sentence for change in page.changes for sentence in change.sentences}
    alarms = [verdict for verdict in verdicts if verdict.status in ALARMS]
    return render_template(
        "night.html.j2",
        title=f"Night {page.night.id}",
        page=page,
        pages=page.pages,
        worst=worst,
        cells=cells,
        judged=len(judged),
        counts={status: sum(verdict.status is status for verdict in worst.values()) for status in WORST_FIRST},
        rows=sorted({cell[:2] for cell in (*cells, *worst)}),
        environments=sorted({cell[2] for cell in (*cells, *worst)}),
        new=[change for change in page.changes if change.new],
        older=[change for change in page.changes if not change.new],
        unexplained=[verdict for verdict in alarms if verdict.sentence not in explained],
        unmade=_unmade(page.night.cells, worst),
        steps=[trend.sentences[0] for trend in page.trends if is_news(trend)],
        verdicts=verdicts,
    )


def _unmade(cells: Sequence[NightCell], worst: Mapping[Cell, Verdict]) -> list[tuple[NightCell, str, str]]:
    """Cells that gave no verdict, with what became of them and why."""
    told = {
        CellState.WAITING: "the night was cut off before it",
        CellState.FAILED: "no reason was recorded",
        CellState.NOT_RUN: "no reason was recorded",
        CellState.DONE: "its runs gave nothing to judge",
    }
    return [
        (cell, "not judged" if cell.state is CellState.DONE else cell.state.value, cell.reason or told[cell.state])
        for cell in cells
        if cell.state is not CellState.DONE or (cell.model, cell.recipe, cell.environment) not in worst
    ]


def render_model(page: ModelPage) -> str:
    """One model: its numbers against the published and the recorded, over time, and its learning curves."""
    return render_template(
        "model.html.j2",
        title=page.spec.title or page.spec.name,
        page=page,
        pages=page.pages,
        sections=[section for recipe in page.spec.recipes.values() if (section := _section(page, recipe))],
    )


def _section(page: ModelPage, recipe: Recipe) -> dict[str, object] | None:
    trends = [trend for trend in page.trends if trend.recipe == recipe.name]
    runs = [run for run in page.newest if run.job.recipe == recipe.name]
    if not trends and not runs:
        return None
    references = [reference for reference in page.baseline.references if reference.recipe == recipe.name]
    return {
        "recipe": recipe,
        "references": [(each, _published(each, references)) for each in references],
        "units": {metric.name: metric.unit for metric in recipe.metrics},
        "verdicts": worst_first([verdict for verdict in page.verdicts if verdict.recipe == recipe.name]),
        "trends": [(trend, trend_lines(trend, _recorded(trend, references)), _change(page, trend)) for trend in trends],
        "curves": list(filter(None, (_curves(name, runs, recipe, references) for name in _curve_names(runs)))),
        "runs": runs,
    }


def _published(recorded: Reference, references: Sequence[Reference]) -> float | None:
    """What a recorded reference is away from the published one of the same metric."""
    if recorded.kind != "recorded":
        return None
    return next(
        (
            recorded.value - other.value
            for other in references
            if (other.kind, other.metric) == ("published", recorded.metric)
            and other.framework in (None, recorded.framework)
            and other.machine in (None, recorded.machine)
        ),
        None,
    )


def _recorded(trend: Trend, references: Sequence[Reference]) -> Reference | None:
    """The newest recorded one of the same environment."""
    fitting = [
        reference
        for reference in references
        if (reference.kind, reference.metric, reference.environment)
        == ("recorded", trend.metric.name, trend.environment)
        and reference.machine in (None, trend.machine_class)
    ]
    return max(fitting, key=lambda reference: reference.date, default=None)


def _change(page: ModelPage, trend: Trend) -> WhatChanged | None:
    return page.changes.get((trend.recipe, trend.environment, trend.machine_class, trend.metric.name))


def _curve_names(runs: Sequence[Record]) -> list[str]:
    return sorted({name for run in runs for name in run.curves if name != SPEED})


def _curves(name: str, runs: Sequence[Record], recipe: Recipe, references: Sequence[Reference]) -> str:
    unit = next((metric.unit for metric in recipe.metrics if metric.name == name), "")
    published = next((each.value for each in references if (each.kind, each.metric) == ("published", name)), None)
    lines = [
        Line(name=f"{run.job.environment} (seed {run.job.seed})", points=run.curves[name])
        for run in runs
        if name in run.curves
    ]
    return learning_curves(name, lines, unit, published)


def render_run(record: Record, rerun: str, log: str = "") -> str:
    """Everything that was captured of one run.  Depends on nothing else, so it never has to be made twice."""
    return render_template(
        "run.html.j2",
        title=record.id,
        r=record,
        rerun=rerun,
        log=log,
        made_by=view_digest(),
        bound=bound(record.measurement),
        steps=step_times(record.step_seconds, record.warmup_steps),
        curves=[
            drawn
            for name, points in sorted(record.curves.items())
            if (drawn := learning_curves(name, [Line(name=name, points=points)], ""))
        ],
        finished=record.status.value == "finished",
    )
