"""``harness report``: judge stored runs again and write the page."""

from __future__ import annotations

import datetime
import hashlib
from collections.abc import Sequence
from importlib import resources
from pathlib import Path

from harness import registry, store
from harness.commands.carry_out import command_line
from harness.core.changes import key, said
from harness.core.errors import HarnessError, nearest
from harness.core.families import hold_false_discoveries, told
from harness.core.judge import judge
from harness.core.newest import newest_runs
from harness.core.values import Baseline, Record, Verdict


def report(workspace: registry.Workspace, model: str | None) -> tuple[tuple[Record, ...], tuple[Verdict, ...], Path]:
    """The newest runs of each job group, judged by today's baselines."""
    if model:
        registry.load_model(workspace, model)
    records = newest_runs(store.load_records(workspace.state, model=model))
    if not records:
        raise HarnessError(
            f"no run is stored in {workspace.state / 'runs'}", hint="make one: python -m harness run resnet50"
        )
    verdicts, baselines = judge_models(workspace, records)
    return records, verdicts, write_report(workspace, records, verdicts, baselines)


def judge_models(
    workspace: registry.Workspace, records: Sequence[Record]
) -> tuple[tuple[Verdict, ...], tuple[Baseline, ...]]:
    """The verdicts on runs of any models, and the baselines that they rest on."""
    specs = {spec.name: spec for spec in registry.load_models(workspace)}
    verdicts: list[Verdict] = []
    baselines: list[Baseline] = []
    for name in sorted({record.job.model for record in records}):
        if name not in specs:
            raise HarnessError(
                f"runs of model {name} are stored, but no such model is known", hint=nearest(name, specs)
            )
        baselines.append(registry.load_baseline(workspace, specs[name]))
        for recipe in specs[name].recipes.values():
            runs = [record for record in records if (record.job.model, record.job.recipe) == (name, recipe.name)]
            verdicts += judge(runs, recipe, baselines[-1])
    return hold_false_discoveries(verdicts), tuple(baselines)


def write_report(
    workspace: registry.Workspace,
    records: Sequence[Record],
    verdicts: Sequence[Verdict],
    baselines: Sequence[Baseline],
) -> Path:
    """Render .harness/reports/index.html, whole or not at all."""
    from reports.html import Page, render

    page = Page(
        title=f"Reproduction report: {', '.join(sorted({record.job.model for record in records}))}",
        verdicts=tuple(verdicts),
        records=tuple(records),
        rerun={record.id: f"python -m harness run {command_line(record.job)}" for record in records},
        generated=datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%d %H:%M UTC"),
        notes=(told(verdicts),),
        references=tuple(reference for baseline in baselines for reference in baseline.references),
    )
    path = workspace.state / "reports" / "index.html"
    with store.disk_faults(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        store.write_whole(path, render(page))
    method = deciding_code()
    store.remember(workspace.state, {key(verdict): said(verdict, method) for verdict in verdicts})
    return path


def deciding_code() -> str:
    """Digest of the code that turns records into verdicts."""
    digest = hashlib.sha256()
    for package in ("harness.statistics", "harness.core"):
        folder = resources.files(package)
        for path in sorted(folder.iterdir(), key=lambda item: item.name):
            if path.name.endswith(".py"):
                digest.update(path.read_bytes())
    return digest.hexdigest()
