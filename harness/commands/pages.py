"""The pages beside a report's first one: of models, of runs, and what changed."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from harness import store
from harness.commands.carry_out import rerun
from harness.commands.differences import what_changed
from harness.core.errors import HarnessError
from harness.core.newest import newest_runs
from harness.core.trends import Trend, points_of, trends
from harness.core.turns import BAD, like, turn, turned_at
from harness.core.values import Baseline, Group, ModelSpec, Record, RunStatus, Verdict
from reports.html import WhatChanged, page_of, view_digest, worst_first
from reports.pages import ModelPage, render_model, render_run

MOST_CHANGES = 40  # explained on one page: a night in which more broke has one cause, and forty are enough to see it
MADE_BY = re.compile(rb'<meta name="made-by" content="([0-9a-f]+)">')


@dataclass(frozen=True, kw_only=True)
class History:
    """Every stored run of the models at hand, oldest first, and how many records could not be read."""

    records: tuple[Record, ...]
    damaged: int


def load_history(state: Path, models: Collection[str]) -> History:
    """A damaged record of another run must not keep this report from being written; it is counted."""
    faults: list[HarnessError] = []
    return History(records=tuple(store.load_records(state, models=models, faults=faults)), damaged=len(faults))


def follow(spec: ModelSpec, baseline: Baseline, records: Sequence[Record]) -> tuple[Trend, ...]:
    """Every metric of every recipe over the nights."""
    return tuple(
        trend
        for recipe in spec.recipes.values()
        for metric in recipe.metrics
        for trend in trends(points_of(records, recipe, metric), recipe, baseline, metric)
    )


def explain(
    verdicts: Sequence[Verdict],
    records: Sequence[Record],
    history: Sequence[Record],
    specs: Mapping[str, ModelSpec],
    baselines: Mapping[str, Baseline],
) -> tuple[WhatChanged, ...]:
    """What differs between the last good and the first bad run of every cell that is bad, new ones first."""
    by_cell: dict[Group, list[Record]] = {}
    for record in history:
        by_cell.setdefault(record.job.group, []).append(record)
    found: dict[tuple[str, str], WhatChanged] = {}
    for verdict in [verdict for verdict in worst_first(verdicts) if verdict.status in BAD][:MOST_CHANGES]:
        new = True
        if verdict.reference and verdict.reference.kind == "measured":
            sides = _sides(verdict, records)
        else:
            recipe = specs[verdict.model].recipes[verdict.recipe]
            turned = turn(verdict, by_cell.get(verdict.group, ()), recipe, baselines[verdict.model])
            sides, new = ((turned.good, turned.bad), turned.new) if turned else (None, False)
        if sides is None:
            continue
        before, after = sides
        known = found.get((before.id, after.id))
        found[before.id, after.id] = WhatChanged(
            sentences=(*(known.sentences if known else ()), verdict.sentence),
            before=before,
            after=after,
            found=known.found if known else what_changed(before, after),
            new=new or bool(known and known.new),
        )
    return tuple(sorted(found.values(), key=lambda change: not change.new))


def _sides(verdict: Verdict, records: Sequence[Record]) -> tuple[Record, Record] | None:
    """A comparison's own two sides."""
    assert verdict.reference
    others = [
        record
        for record in records
        if record.job.environment == verdict.reference.environment
        and (record.job.model, record.job.recipe) == (verdict.model, verdict.recipe)
    ]
    ours = [record for record in records if record.id in verdict.runs]
    return (like(ours[0], others), ours[0]) if ours and others else None


def explain_steps(trends: Sequence[Trend], history: Sequence[Record]) -> dict[tuple[str, str, str, str], WhatChanged]:
    """What differs across the newest change of level of each trend."""
    found = {}
    for trend in trends:
        if trend.points and (sides := turned_at(trend, trend.points[-1].index, history)):
            before, after = sides
            changed = what_changed(before, after)
            place = (trend.recipe, trend.environment, trend.machine_class, trend.metric.name)
            found[place] = WhatChanged(sentences=trend.sentences[:1], before=before, after=after, found=changed)
    return found


def write_models(
    folder: Path,
    specs: Mapping[str, ModelSpec],
    baselines: Mapping[str, Baseline],
    verdicts: Sequence[Verdict],
    history: Sequence[Record],
    generated: str,
    pages: frozenset[str],
) -> tuple[tuple[Trend, ...], tuple[Record, ...]]:
    """A page for each model; their trends, and the runs that they name beside those of ``pages``."""
    by_model: dict[str, list[Record]] = {model: [] for model in specs}
    for record in history:
        by_model.setdefault(record.job.model, []).append(record)
    followed: list[Trend] = []
    named: list[Record] = []
    for model, spec in specs.items():
        found = follow(spec, baselines[model], by_model[model])
        steps, newest = explain_steps(found, by_model[model]), newest_of_each(by_model[model])
        own = [*newest, *(run for step in steps.values() for run in (step.before, step.after))]
        page = ModelPage(
            spec=spec,
            baseline=baselines[model],
            verdicts=tuple(verdict for verdict in verdicts if verdict.model == model),
            trends=found,
            newest=newest,
            changes=steps,
            generated=generated,
            pages=pages | {page_of("run", run.id) for run in own},
        )
        write_page(folder / page_of("model", model), render_model(page))
        followed += found
        named += own
    return tuple(followed), tuple(named)


def newest_of_each(history: Sequence[Record]) -> tuple[Record, ...]:
    """One run for each recipe and environment: of the newest ones the lowest seed that finished."""
    chosen: dict[Group, Record] = {}
    for record in newest_runs(history):
        kept = chosen.get(record.job.group)
        if kept is None or (kept.status is not RunStatus.FINISHED and record.status is RunStatus.FINISHED):
            chosen[record.job.group] = record
    return tuple(chosen[group] for group in sorted(chosen))


def write_runs(folder: Path, records: Iterable[Record]) -> None:
    """A page for each run; one that this very code made is left alone, as a record never changes."""
    for record in {record.id: record for record in records}.values():
        path = folder / page_of("run", record.id)
        if _made_by(path) != view_digest():
            log = "" if record.status is RunStatus.FINISHED else store.log_tail(record)
            store.write_whole(path, render_run(record, rerun(record), log), forced=False)


def _made_by(path: Path) -> str:
    try:
        with path.open("rb") as file:
            found = MADE_BY.search(file.read(1500))
    except OSError:
        return ""
    return found[1].decode() if found else ""


def write_page(path: Path, text: str) -> None:
    """Only where it differs from what stands there."""
    try:
        if path.read_text(encoding="utf-8") == text:
            return
    except (OSError, UnicodeDecodeError):
        pass
    store.write_whole(path, text, forced=False)
