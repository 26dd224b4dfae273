"""What a run can begin with: the final weights of another one, or the state that it was stopped in."""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import MISSING, dataclass, fields
from pathlib import Path
from typing import Any

import psutil

from harness import environments, registry, store
from harness.commands.carry_out import INITIAL, Start, sources
from harness.commands.choose import prepare_data
from harness.core.errors import HarnessError
from harness.core.fold import fold
from harness.core.values import Job, ModelSpec, Recipe, Record, RunStatus
from harness.datasets import Prepared
from harness.environments import Built
from harness.execution import changed_since
from harness.execution.local import MARK
from harness.store import RunFolder
from harness.wire import weights
from harness.wire.digests import snapshot_digest
from reports.progress import Progress


@dataclass(frozen=True, kw_only=True)
class Interrupted:
    """A run that can be gone on with, and all that this takes."""

    record: Record
    spec: ModelSpec
    recipe: Recipe
    built: Built
    data: Prepared | None
    start: Start
    keep_weights: bool


def from_weights(workspace: registry.Workspace, run_id: str) -> Start:
    """Raises HarnessError where the run kept none, or they are not those that its record names."""
    record = store.load_run(workspace.state, run_id)
    path = Path(record.path) / weights.FILE
    if not path.is_file():
        raise HarnessError(
            f"{run_id} kept no weights",
            hint=f"make it again with --keep-weights: python -m harness run {record.job.model} --keep-weights",
        )
    try:
        found = weights.digest(weights.read(str(path)).values())
    except (OSError, ValueError) as error:
        raise HarnessError(f"{path}: no file of weights: {error}", hint="make the run again", code=3) from error
    if found != record.digests.get("weights_final"):
        raise HarnessError(
            f"{path}: these are not the weights that {run_id} ended in",
            hint="the file was damaged or replaced: make the run again",
            code=3,
        )
    return Start(parent=run_id, relation="initialised", initial=run_id, weights=path)


def from_checkpoint(workspace: registry.Workspace, run_id: str, progress: Progress) -> Interrupted:
    """Raises HarnessError where the run has ended well, goes on, left no state, or could not go on as it was.

    It goes on with its own code, from its folder; what of today's files differs is said.
    """
    folder = RunFolder(workspace.state / "runs" / run_id)
    record = folder.load() or _cut_off(workspace, folder)
    if record.status is RunStatus.FINISHED:
        raise HarnessError(f"{run_id} has finished: there is nothing to go on with")
    checkpoint = store.newest_checkpoint(folder)
    asked = _asked(folder)
    spec, recipe = _recipe(folder, record, asked)
    built = _environment(workspace, record, progress)
    data = prepare_data(workspace, spec, recipe, progress.say)
    here = data.manifest["digest"] if data else None
    if record.digests.get("data") != here:
        raise HarnessError(
            f"{run_id} saw data with digest {record.digests.get('data')}; what is here has {here}",
            hint="another version of the data set: bring the one back that the record names, or train anew",
            code=3,
        )
    _say_changes(workspace, folder, record, progress)
    initial = folder.path / INITIAL
    return Interrupted(
        record=record,
        spec=spec,
        recipe=recipe,
        built=built,
        data=data,
        start=Start(
            parent=run_id,
            relation="resumed",
            code=folder.code,
            checkpoint=checkpoint.path,
            initial=record.initial,
            weights=initial if initial.is_file() else None,
            repository=record.repository or None,
            difference=folder.path / "uncommitted.diff",
        ),
        keep_weights=bool(asked.get("keep_weights")),
    )


def _cut_off(workspace: registry.Workspace, folder: RunFolder) -> Record:
    """The record of a run whose harness was killed before it could write one."""
    if not folder.path.is_dir():
        return store.load_run(workspace.state, folder.id)  # which says so
    for process in psutil.process_iter():
        with suppress(psutil.Error, OSError):
            if process.environ().get(MARK) == folder.id:
                raise HarnessError(f"{folder.id} goes on: process {process.pid}", hint="wait for it, or stop it first")
    asked = _asked(folder)
    job = Job(**{name: asked[name] for name in Job.__dataclass_fields__ if name in asked})
    return fold(folder.id, job, folder.events(), path=str(folder.path))


def _asked(folder: RunFolder) -> dict[str, Any]:
    path = folder.path / "job.json"
    try:
        asked: dict[str, Any] = dict(json.loads(path.read_text(encoding="utf-8")))
        needed = {field.name for field in fields(Job) if field.default is MISSING}
        missing = {*needed, "hyperparameters"} - set(asked)
        if missing:
            raise LookupError(f"it lacks {min(missing)}")
        return asked
    except (OSError, ValueError, LookupError, TypeError) as error:
        raise HarnessError(
            f"{path}: cannot be read: {type(error).__name__}: {error}", hint="make the run from scratch", code=3
        ) from error


def _recipe(folder: RunFolder, record: Record, asked: dict[str, Any]) -> tuple[ModelSpec, Recipe]:
    """As the run's own snapshot has it, which must be the one that it was made from."""
    digest, now = record.digests.get("code"), snapshot_digest(str(folder.code))
    if digest != now:
        raise HarnessError(
            f"{folder.code}: is not the code that {folder.id} ran: its digest was {digest}, is {now}",
            hint="somebody changed the snapshot: bring it back, or make the run from scratch",
            code=3,
        )
    spec = registry.load_snapshot(folder.code / "models" / record.job.model)
    recipe = spec.recipes.get(record.job.recipe)
    if recipe is None or dict(recipe.hyperparameters) != asked["hyperparameters"]:
        raise HarnessError(
            f"{folder.path / 'job.json'}: is not recipe {record.job.recipe} of the code in {folder.code}",
            hint="somebody changed it: make the run from scratch",
            code=3,
        )
    return spec, recipe


def _environment(workspace: registry.Workspace, record: Record, progress: Progress) -> Built:
    name = record.job.environment
    if name == environments.CURRENT:
        built = environments.current(record.job.framework)
    else:
        found = environments.load_environment(workspace.shelves, name)
        built = environments.build(found, shelves=workspace.shelves, state=workspace.state, say=progress.say)
    before, now = record.digests.get("environment"), built.environment.digest
    if before != now:
        raise HarnessError(
            f"{record.id} was made in {name} with digest {before}; today's has {now}",
            hint=f"its lock is {Path(record.path) / 'environment.lock'}: bring it back, or train anew",
        )
    return built


def _say_changes(workspace: registry.Workspace, folder: RunFolder, record: Record, progress: Progress) -> None:
    try:
        today = registry.load_model(workspace, record.job.model)
    except HarnessError:
        return  # it is on no shelf any more; its snapshot is enough
    if changed := changed_since(folder.code, *sources(today)):
        progress.say(f"{', '.join(changed)} changed since: {folder.id} goes on with its own code, in {folder.code}")
