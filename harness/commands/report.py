"""``harness report``: judge stored runs again and write the page."""

from __future__ import annotations

import datetime
import hashlib
from collections.abc import Sequence
from importlib import resources
from pathlib import Path

from harness import registry, store
from harness.commands.carry_out import rerun
from harness.commands.pages import History, explain, load_history, write_models, write_runs
from harness.core.changes import key, said
from harness.core.errors import HarnessError, nearest
from harness.core.families import hold_false_discoveries, told
from harness.core.judge import judge
from harness.core.newest import newest_runs
from harness.core.night import Night
from harness.core.pairs import undisturbed
from harness.core.values import Baseline, ModelSpec, Record, Status, Verdict
from reports.html import Page, WhatChanged, page_of, render
from reports.pages import NightPage, render_night


def report(workspace: registry.Workspace, model: str | None) -> tuple[tuple[Record, ...], tuple[Verdict, ...], Path]:
    """The newest runs of each job group, judged by today's baselines."""
    if model:
        registry.load_model(workspace, model)
    stored = store.load_records(workspace.state, models=(model,) if model else ())
    records = newest_runs(undisturbed(stored))
    if not records:
        raise HarnessError(
            f"no run is stored in {workspace.state / 'runs'}", hint="make one: python -m harness run resnet50"
        )
    verdicts, baselines = judge_models(workspace, records)
    history = History(records=tuple(stored), damaged=0)
    return records, verdicts, write_report(workspace, records, verdicts, baselines, history=history)


def judge_models(
    workspace: registry.Workspace, records: Sequence[Record], *, beside: Sequence[Verdict] = ()
) -> tuple[tuple[Verdict, ...], tuple[Baseline, ...]]:
    """The verdicts on runs of any models, and the baselines that they rest on.

    ``beside`` are verdicts on interleaved pairs: they belong to what is judged together, and a speed that has
    one is not said to have nothing to be compared with.
    """
    registry.load_models(workspace)  # a broken model is said, whether it was run or not
    verdicts: list[Verdict] = []
    baselines: list[Baseline] = []
    for name, (spec, baseline) in models_of(workspace, records).items():
        baselines.append(baseline)
        for recipe in spec.recipes.values():
            runs = [record for record in records if (record.job.model, record.job.recipe) == (name, recipe.name)]
            verdicts += judge(runs, recipe, baselines[-1])
    compared = {(verdict.group, verdict.metric) for verdict in beside}
    alone = [
        verdict
        for verdict in verdicts
        if verdict.status is not Status.NO_BASELINE or (verdict.group, verdict.metric) not in compared
    ]
    return hold_false_discoveries([*alone, *beside]), tuple(baselines)


def models_of(workspace: registry.Workspace, records: Sequence[Record]) -> dict[str, tuple[ModelSpec, Baseline]]:
    """The models of these runs by name, with their references: from the shelf, else, where it is gone from there
    or never was, as its newest run's snapshot holds it.
    """
    shelf = registry.model_names(workspace)
    newest = {record.job.model: record for record in sorted(records, key=lambda record: record.started)}
    found = {}
    for name, record in sorted(newest.items()):
        snapshot = Path(record.path) / "code" / "models" / name
        if name in shelf:
            spec = registry.load_model(workspace, name)
            found[name] = spec, registry.load_baseline(workspace, spec)
        elif record.path and (snapshot / "model.toml").is_file():
            spec = registry.load_snapshot(snapshot)
            found[name] = spec, registry.load_snapshot_baseline(workspace, spec)
        else:
            raise HarnessError(
                f"runs of model {name} are stored, but no such model is known", hint=nearest(name, shelf)
            )
    return found


def write_report(
    workspace: registry.Workspace,
    records: Sequence[Record],
    verdicts: Sequence[Verdict],
    baselines: Sequence[Baseline],
    night: Night | None = None,
    *,
    history: History | None = None,
    now: datetime.datetime | None = None,
) -> Path:
    """Write .harness/reports: the first page, a page for each model and for each run that is named there.

    ``history`` is every stored run of these models; it is read where it is not given.  Raises
    HarnessError where the disk is full or cannot be written.
    """
    folder = workspace.state / "reports"
    generated = (now or datetime.datetime.now(datetime.UTC)).strftime("%Y-%m-%d %H:%M UTC")
    known = {baseline.model: baseline for baseline in baselines}
    specs = {name: spec for name, (spec, _) in models_of(workspace, records).items()}
    past = history or load_history(workspace.state, specs)
    changes = explain(verdicts, records, past.records, specs, known)
    named = [*records, *(run for change in changes for run in (change.before, change.after))]
    pages = frozenset({*(page_of("model", model) for model in specs), *(page_of("run", run.id) for run in named)})
    notes = [told(verdicts)]
    if past.damaged:
        notes.append(f"{past.damaged} stored record(s) could not be read and are missing from the histories.")
    with store.disk_faults(folder):
        folder.mkdir(parents=True, exist_ok=True)
        followed, drawn = write_models(folder, specs, known, verdicts, past.records, generated, pages)
        write_runs(folder, [*named, *drawn])
        index = folder / "index.html"
        if night:
            night_page = NightPage(
                night=night,
                verdicts=tuple(verdicts),
                changes=changes,
                trends=followed,
                notes=tuple(notes),
                generated=generated,
                pages=pages,
            )
            store.write_whole(index, render_night(night_page))
        else:
            page = page_about(
                records, verdicts, baselines, generated=generated, changes=changes, notes=notes, pages=pages
            )
            store.write_whole(index, render(page))
    method = deciding_code()
    store.remember(workspace.state, {key(verdict): said(verdict, method) for verdict in verdicts})
    return index


def page_about(
    records: Sequence[Record],
    verdicts: Sequence[Verdict],
    baselines: Sequence[Baseline],
    *,
    generated: str,
    changes: tuple[WhatChanged, ...] = (),
    notes: Sequence[str] = (),
    pages: frozenset[str] = frozenset(),
) -> Page:
    return Page(
        title=f"Reproduction report: {', '.join(sorted({record.job.model for record in records}))}",
        verdicts=tuple(verdicts),
        records=tuple(records),
        rerun={record.id: rerun(record) for record in records},
        generated=generated,
        notes=tuple(notes),
        references=tuple(reference for baseline in baselines for reference in baseline.references),
        changes=changes,
        pages=pages,
    )


def deciding_code() -> str:
    """Digest of the code that turns records into verdicts."""
    digest = hashlib.sha256()
    for package in ("harness.statistics", "harness.core"):
        folder = resources.files(package)
        for path in sorted(folder.iterdir(), key=lambda item: item.name):
            if path.name.endswith(".py"):
                digest.update(path.read_bytes())
    return digest.hexdigest()
