"""``harness baseline record``: our own measured values become a reference, with their reason."""

from __future__ import annotations

import datetime
import math
from pathlib import Path

from harness import registry, store
from harness.core.disturbance import disturbance
from harness.core.errors import HarnessError
from harness.core.newest import newest_runs
from harness.core.plan import choose_recipe
from harness.core.values import Metric, Record, Reference, RunStatus
from harness.wire import SPEED

MIN_RUNS = 2  # a spread needs two


def record_baseline(
    workspace: registry.Workspace,
    model: str,
    *,
    recipe_name: str | None,
    environment: str | None,
    reason: str,
    runs: int | None,
    earlier: bool = False,
) -> tuple[Path, tuple[Reference, ...]]:
    """Append a recorded reference per environment and metric to the workspace's baselines/<model>.toml.

    Uses the stored runs that ``harness report`` would judge: finished, made alike, the latest of
    each seed.  Published references stay as they are.  With ``earlier`` nothing is compared with them; they count
    with later runs, where one of those repeats a seed of theirs bit for bit.
    """
    spec = registry.load_model(workspace, model)
    registry.load_baseline(workspace, spec)  # a broken file is mended first, not added to
    recipe = choose_recipe(spec, recipe_name)
    stored = [
        record
        for record in newest_runs(store.load_records(workspace.state, models=(model,)))
        if record.job.recipe == recipe.name and environment in (None, record.job.environment) and not record.initial
    ]
    if not stored:
        where = f"{model}/{recipe.name}" + (f" in {environment}" if environment else "")
        raise HarnessError(
            f"no run of {where} is stored",
            hint=f"make some: python -m harness run {model} --recipe {recipe.name} --seeds 5",
        )
    references: list[Reference] = []
    for name in sorted({record.job.environment for record in stored}):
        group = [record for record in stored if record.job.environment == name]
        references += [_reference(group, metric, reason, runs, earlier=earlier) for metric in recipe.metrics]
    path = workspace.root / "baselines" / f"{model}.toml"
    with store.disk_faults(path):
        registry.record_references(path, references, comment=f"Recorded by harness baseline record: {reason}")
    return path, tuple(references)


def _reference(records: list[Record], metric: Metric, reason: str, runs: int | None, *, earlier: bool) -> Reference:
    name = records[0].job.environment
    failed = [record for record in records if record.status is not RunStatus.FINISHED]
    values = [record.metrics.get(metric.name, math.nan) for record in records]
    if failed or not all(map(math.isfinite, values)):
        bad = failed[0] if failed else next(r for r, v in zip(records, values, strict=True) if not math.isfinite(v))
        raise HarnessError(
            f"{bad.id} holds no {metric.name}: {bad.status}: {bad.reason}",
            hint="a baseline is made of finished runs only; make the run again first",
            code=3,
        )
    disturbed = disturbance(records) if metric.name == SPEED else ""
    if disturbed:
        raise HarnessError(disturbed, hint="make the run again on a quiet machine", code=3)
    needed = runs or (1 if earlier else MIN_RUNS)
    if len(values) < needed:
        raise HarnessError(
            f"{records[0].job.model} in {name}: {len(values)} run(s) are stored, {needed} are needed",
            hint=f"make them: python -m harness run {records[0].job.model} --environment {name} --seeds {runs or 5}",
        )
    first = records[0]
    machine = first.machine
    return Reference(
        recipe=first.job.recipe,
        metric=metric.name,
        kind="earlier" if earlier else "recorded",
        value=math.fsum(values) / len(values),
        values=tuple(values),
        framework=first.job.framework,
        environment=name,
        machine=machine.machine_class if machine and metric.name == SPEED else None,
        how=_how(first, metric),
        source=f"recorded by harness baseline record on {machine.machine_class if machine else 'an unknown machine'}",
        date=datetime.datetime.now(datetime.UTC).date().isoformat(),
        reason=reason,
        lock=first.digests.get("environment", ""),
        code=first.digests.get("code", ""),
        data=first.digests.get("data", ""),
        seeds=tuple(record.job.seed for record in records),
        weights=_weights(records),
        runs=tuple(record.id for record in records),
    )


def _weights(records: list[Record]) -> tuple[str, ...]:
    found = tuple(record.digests.get("weights_final", "") for record in records)
    return found if all(found) else ()


def _how(record: Record, metric: Metric) -> str:
    threads, device = record.job.threads, record.settings.get("device", "?")
    return f"final value of {metric.name} on split {metric.split}; {device}, {threads} threads"
