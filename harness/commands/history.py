"""``harness history MODEL``: a metric over the nights, its changes and its drift."""

from __future__ import annotations

import datetime
from pathlib import Path

from harness import registry, store
from harness.core.errors import HarnessError, nearest
from harness.core.trends import Trend, trends
from harness.store.index import open_index


def history(
    workspace: registry.Workspace, model: str, *, recipe: str | None, metric: str | None, figure: Path | None = None
) -> tuple[tuple[Trend, ...], Path]:
    """Every recipe and metric of the model that has stored runs, or those asked for, and the page about them.

    ``figure`` is a file to draw them into as well.
    """
    spec = registry.load_model(workspace, model)
    baseline = registry.load_baseline(workspace, spec)
    names = sorted({found.name for each in spec.recipes.values() for found in each.metrics})
    if recipe and recipe not in spec.recipes:
        raise HarnessError(f"model {model} has no recipe {recipe}", hint=nearest(recipe, spec.recipes))
    if metric and metric not in names:
        raise HarnessError(f"model {model} has no metric {metric}", hint=nearest(metric, names))
    with open_index(workspace.state, workspace.store_url) as index:
        index.catch_up(needs=model)
        found = tuple(
            trend
            for each in spec.recipes.values()
            for measured in each.metrics
            if recipe in (None, each.name) and metric in (None, measured.name)
            for trend in trends(index.history(model, each.name, measured.name), each, baseline, measured)
        )
    if not found:
        raise HarnessError(f"no run of {model} is stored", hint=f"make one: python -m harness run {model}")
    if figure:
        from reports.figures import draw_histories

        drawn = draw_histories(found, figure.suffix.lstrip(".").lower())
        with store.disk_faults(figure):
            figure.write_bytes(drawn)
    return found, _write(workspace, model, found)


def _write(workspace: registry.Workspace, model: str, found: tuple[Trend, ...]) -> Path:
    from reports.html import render_history

    path = workspace.state / "reports" / f"history-{model}.html"
    generated = datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%d %H:%M UTC")
    with store.disk_faults(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        store.write_whole(path, render_history(model, found, generated))
    return path
