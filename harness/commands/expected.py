"""What a training that cannot start yet would take here."""

from __future__ import annotations

from collections.abc import Iterator

from harness import store
from harness.commands.machine import this_machine
from harness.core.disturbance import disturbance
from harness.core.values import ModelSpec, Recipe, Record
from harness.registry import Workspace
from harness.wire import SPEED

LOOKED_AT = 20  # newest runs of a speed recipe; the frameworks and environments are among them


def expected_hours(workspace: Workspace, spec: ModelSpec, recipe: Recipe, samples: int) -> str:
    """One line: the hours of ``recipe`` by the newest speed of each environment here, or how to find out.

    ``samples`` are in an epoch.  A speed at other images is scaled by the two recipes' operations for a sample.
    """
    speeds = [other for other in spec.recipes.values() if other.mode == "speed"]
    samples *= int(recipe.hyperparameters["epochs"])
    told = []
    for other in speeds:
        if other.hyperparameters.get("precision") != recipe.hyperparameters.get("precision"):
            continue
        more = (recipe.flops_per_sample or 1.0) / (other.flops_per_sample or recipe.flops_per_sample or 1.0)
        for record in _newest(workspace, spec, other):
            rate = record.metrics[SPEED]
            hours = samples * more / rate / 3600
            told.append(f"{hours:,.0f} hours in {record.job.environment} ({rate:.3g} samples/s in {record.id})")
    if told:
        return f"its {recipe.hyperparameters['epochs']} epochs would take about {'; '.join(told)}, evaluation apart"
    if speeds:
        return (
            f"how long it would take here is told once its speed is: harness run {spec.name} --recipe {speeds[0].name}"
        )
    return "how long it would take here is not known: the model has no recipe that measures a speed"


def _newest(workspace: Workspace, spec: ModelSpec, recipe: Recipe) -> Iterator[Record]:
    """The newest run of each environment on this kind of machine that nothing disturbed."""
    here, seen = this_machine().machine_class, set[str]()
    for record in store.newest_records(workspace.state, containing=f"-{spec.name}-{recipe.name}-", most=LOOKED_AT):
        if record.machine is None or record.machine.machine_class != here:
            continue
        if (record.job.model, record.job.recipe) != (spec.name, recipe.name) or not record.metrics.get(SPEED, 0.0) > 0:
            continue
        if record.job.environment not in seen and not disturbance([record]):
            seen.add(record.job.environment)
            yield record
