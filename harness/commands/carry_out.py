"""One job from its snapshot to its record."""

from __future__ import annotations

import dataclasses
import datetime
import os
import secrets
import time
from collections.abc import Mapping
from contextlib import closing, nullcontext
from pathlib import Path

import harness
from harness import environments, store, wire
from harness.commands.machine import this_machine
from harness.core.errors import HarnessError
from harness.core.fold import fold
from harness.core.values import Job, ModelSpec, Pair, Recipe, Record
from harness.datasets import Prepared
from harness.environments import Built
from harness.execution import Watch, changed_since, copy_snapshot, follow, repository_of, take_snapshot
from harness.registry import Workspace
from harness.wire.events import Event
from harness.wire.job import WorkerJob
from reports.progress import Progress

# Python's own variables would lead a worker to the orchestrator's packages, or another home.
NOT_PASSED_ON = ("PYTHON", "VIRTUAL_ENV", "HARNESS_", "CONDA_", "__PYVENV_LAUNCHER__")


def carry_out(
    job: Job,
    spec: ModelSpec,
    recipe: Recipe,
    built: Built,
    data: Prepared | None,
    workspace: Workspace,
    progress: Progress,
    *,
    place: tuple[int, int],
    pair: Pair | None = None,
    night: str = "",
    code: Path | None = None,
    parent: str = "",
) -> Record:
    """Run one job to its end, whatever that is, and store what happened.

    ``place`` is (how many runs came before, how many there are).  ``code`` is an earlier snapshot to run instead
    of today's files, and ``parent`` the run that it was taken for.  Raises HarnessError when the run
    folder cannot be written, and passes KeyboardInterrupt on after marking the run interrupted.
    """
    folder = store.create_run(workspace.state, new_run_id(job))
    with store.disk_faults(folder.path):
        digest = copy_snapshot(code, folder.code) if code else take_snapshot(folder.code, *_sources(spec))
    folder.write_job(worker_job(folder.id, job, recipe, data))
    for ending, text in environments.written(workspace.shelves, job.environment).items():
        folder.write(f"environment{ending}", text)
    submitted = {
        "code": digest,
        "environment": built.environment.digest,
        "data": data.manifest if data else None,
        "command": f"python -m harness run {command_line(job)}",
        "variables": dict(built.environment.variables),
        "pair": dataclasses.asdict(pair) if pair else None,
        "night": night,
        "parent": parent,
        "repository": None if code else _repository(folder, spec),
    }
    events = [Event("submitted", time.time(), submitted)]
    folder.append(events[0])
    progress.start_run(
        job,
        index=place[0],
        of=place[1],
        epochs=recipe.hyperparameters.get("epochs"),
        expected_seconds=expected_seconds(workspace.state, job, recipe),
    )
    started = follow(
        [str(built.python), "-s", str(folder.code / "harness" / "worker"), str(folder.path / "job.json")],
        run_id=folder.id,
        folder=folder.path,
        variables=worker_variables(job, built.environment.variables),
        deadline_seconds=60 * recipe.deadline_minutes,
    )
    try:
        with Watch() if job.mode == "speed" else nullcontext() as watch, closing(started) as arriving:
            for event in arriving:
                folder.append(event)
                events.append(event)
                progress.event(event)
        if not code and (edited := changed_since(folder.code, *_sources(spec))):
            events.append(Event("edited", time.time(), {"files": edited}))
            folder.append(events[-1])
        if watch and (told := watch.told()):
            events.append(Event("clocks", time.time(), dict(told)))
            folder.append(events[-1])
    except KeyboardInterrupt:
        events.append(Event("reaped", time.time(), {"reason": "interrupted"}))
        folder.append(events[-1])
        _keep(folder, fold(folder.id, job, events, path=str(folder.path)), workspace, progress)
        raise
    record = fold(folder.id, job, events, path=str(folder.path))
    _keep(folder, record, workspace, progress)
    progress.stop_run(record)
    if record.edited:
        progress.say(f"changed while it ran: {', '.join(record.edited)}; what ran is in {folder.code}")
    return record


def _keep(folder: store.RunFolder, record: Record, workspace: Workspace, progress: Progress) -> None:
    """Store the record, then index it.  An index that does not answer is said and caught up with later."""
    folder.finish(record)
    from harness.store.index import open_index

    try:
        with open_index(workspace.state, workspace.store_url) as index:
            index.add(folder.id, record)
    except HarnessError as error:
        progress.say(f"{folder.id} is stored but not yet in the index: {'; '.join(error.messages)}")


def _sources(spec: ModelSpec) -> list[Path]:
    return [Path(folder) for folder in (spec.folder, *spec.families)]


def _repository(folder: store.RunFolder, spec: ModelSpec) -> dict[str, str] | None:
    """Commit and address of the checkout that the code is from; what was not committed goes into the folder."""
    package = Path(harness.__file__).parent
    found = repository_of([*_sources(spec), package / "wire", package / "worker"])
    if found is None:
        return None
    if found.difference:
        folder.write("uncommitted.diff", found.difference)
    return {"head": found.head, "remote": found.remote}


def new_run_id(job: Job) -> str:
    """Sorts by time, says what it is, and two processes never make the same."""
    moment = datetime.datetime.now(datetime.UTC).strftime("%Y%m%dT%H%M%S")
    return f"{moment}-{slug(job)}{job.seed}-{secrets.token_hex(3)}"


def slug(job: Job) -> str:
    return f"{job.model}-{job.recipe}-{job.environment}-s"


def command_line(job: Job) -> str:
    """The arguments of ``harness run`` that make this very job again."""
    return (
        f"{job.model} --recipe {job.recipe} --framework {job.framework} --environment {job.environment}"
        f" --seed {job.seed} --max-seeds 1 --device {job.device} --threads {job.threads}"
        + (f" --devices {job.devices}" if job.devices > 1 else "")
    )


def worker_job(run_id: str, job: Job, recipe: Recipe, data: Prepared | None) -> WorkerJob:
    return WorkerJob(
        protocol=wire.PROTOCOL,
        id=run_id,
        model=job.model,
        recipe=job.recipe,
        framework=job.framework,
        environment=job.environment,
        seed=job.seed,
        mode=job.mode,
        device=job.device,
        threads=job.threads,
        deterministic=job.mode == "train",
        hyperparameters=dict(recipe.hyperparameters),
        metrics={metric.name: metric.unit for metric in recipe.metrics},
        flops_per_sample=recipe.flops_per_sample,
        data={"path": str(data.path), "manifest": data.manifest} if data else None,
        devices=job.devices,
    )


def worker_variables(job: Job, wanted: Mapping[str, str]) -> dict[str, str]:
    """The environment variables of a worker: ours without Python's, then what the job fixes."""
    if job.framework == wire.COMMAND:  # somebody's program, which gets what it would get without us
        return dict(os.environ)
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(NOT_PASSED_ON)}
    threads = str(job.threads)
    fixed = {
        "OMP_NUM_THREADS": threads,
        "MKL_NUM_THREADS": threads,
        "OPENBLAS_NUM_THREADS": threads,
        "PYTHONHASHSEED": str(job.seed % 2**32),
        "PYTHONUNBUFFERED": "1",  # worker.log is read while the run goes on
    }
    return {**inherited, **fixed, **wanted}


def expected_seconds(state: Path, job: Job, recipe: Recipe) -> float | None:
    """How long the job took here last time, else the recipe's guess."""
    here = this_machine().machine_class
    for folder in reversed(store.run_folders(state, containing=slug(job))[-3:]):
        try:
            record = folder.load()
        except HarnessError:
            continue
        if record is None or record.machine is None or record.machine.machine_class != here:
            continue  # it goes on, or was imported
        if record.metrics and not record.reason:
            return record.seconds
    return recipe.guessed_seconds(job.framework)
