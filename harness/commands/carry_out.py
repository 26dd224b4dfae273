"""One job from its snapshot to its record."""

from __future__ import annotations

import dataclasses
import datetime
import os
import secrets
import shutil
import signal
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager, nullcontext
from pathlib import Path
from types import FrameType
from typing import Any

import harness
from harness import environments, store, wire
from harness.commands.machine import this_machine
from harness.core.errors import HarnessError
from harness.core.fold import fold
from harness.core.values import Job, ModelSpec, Pair, Recipe, Record, RunStatus
from harness.datasets import Prepared
from harness.environments import Built
from harness.execution import Watch, changed_since, copy_snapshot, follow, repository_of, take_snapshot
from harness.registry import Workspace
from harness.wire.events import Event
from harness.wire.job import WorkerJob
from reports.progress import Progress

# Python's own variables would lead a worker to the orchestrator's packages, or another home.
NOT_PASSED_ON = ("PYTHON", "VIRTUAL_ENV", "HARNESS_", "CONDA_", "__PYVENV_LAUNCHER__")
# glibc hands large blocks back to the kernel and asks for them anew, page by page, in every step: 120,000 pages in a
# compiled step of ResNet-50.  Kept, and in huge pages, they cost nothing (docs/speed.md); no result depends on it.
KEPT_MEMORY = {
    "GLIBC_TUNABLES": "glibc.malloc.mmap_max=0:glibc.malloc.trim_threshold=8000000000"
    ":glibc.malloc.top_pad=67108864:glibc.malloc.hugetlb=1"
}
ASKED = b"stopping: a run that keeps its state writes it first; once more to stop at once\n"
INITIAL = "initial.safetensors"  # in the folder of a run that starts from another one's weights


@dataclasses.dataclass(frozen=True, kw_only=True)
class Start:
    """What a run begins with, where that is not today's files and random weights."""

    parent: str = ""  # the run that it comes from
    relation: str = ""  # how: "reproduced", "resumed" or "initialised"
    code: Path | None = None  # an earlier snapshot to run
    checkpoint: Path | None = None  # to go on from
    initial: str = ""  # the run whose weights it starts from
    weights: Path | None = None  # these weights
    repository: Mapping[str, str] | None = None  # where the snapshot's code came from
    difference: Path | None = None  # what of it was not committed


FRESH = Start()


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
    start: Start = FRESH,
    keep_weights: bool = False,
    stop_at: tuple[int, int] | None = None,
    stop: threading.Event | None = None,
) -> Record:
    """Run one job to its end, whatever that is, and store what happened.

    ``place`` is (how many runs came before, how many there are).  ``stop_at`` is an epoch and a step at whose end
    the worker gets SIGTERM.  Raises HarnessError when the run folder cannot be written, and KeyboardInterrupt
    after marking the run interrupted: a first Ctrl-C or SIGTERM, or ``stop`` where somebody else listens for
    them, lets a worker that keeps its state write it, a second one does not.
    """
    code = start.code
    folder = store.create_run(workspace.state, new_run_id(job))
    with store.disk_faults(folder.path):
        digest = copy_snapshot(code, folder.code) if code else take_snapshot(folder.code, *sources(spec))
    folder.write_job(
        worker_job(folder.id, job, recipe, data)._replace(
            keep_weights=keep_weights,
            stop_at={"epoch": stop_at[0], "step": stop_at[1]} if stop_at else None,
            **_adopted(folder, start),
        )
    )
    for ending, text in environments.written(workspace.shelves, job.environment).items():
        folder.write(f"environment{ending}", text)
    submitted = {
        "code": digest,
        "environment": built.environment.digest,
        "data": data.manifest if data else None,
        "command": _command(job, start),
        "variables": dict(built.environment.variables),
        "pair": dataclasses.asdict(pair) if pair else None,
        "night": night,
        "parent": start.parent,
        "relation": start.relation,
        "initial": start.initial,
        "repository": start.repository if code else _repository(folder, spec),
    }
    events = [Event("submitted", time.time(), submitted)]
    folder.append(events[0])
    progress.start_run(
        job,
        index=place[0],
        of=place[1],
        epochs=recipe.hyperparameters.get("epochs"),
        expected_seconds=last_seconds(workspace.state, job) or recipe.guessed_seconds(job.framework),
    )
    asked = threading.Event() if stop is None else stop
    started = follow(
        [str(built.python), "-s", str(folder.code / "harness" / "worker"), str(folder.path / "job.json")],
        run_id=folder.id,
        folder=folder.path,
        variables=worker_variables(job, built.environment.variables),
        deadline_seconds=60 * recipe.deadline_minutes,
        stop=asked,
    )
    try:
        with (
            asking(asked) if stop is None else nullcontext(),
            Watch() if job.mode == "speed" else nullcontext() as watch,
            closing(started) as arriving,
        ):
            for event in arriving:
                folder.append(event)
                events.append(event)
                progress.event(event)
        if asked.is_set():
            raise KeyboardInterrupt
        if not code and (edited := changed_since(folder.code, *sources(spec))):
            events.append(Event("edited", time.time(), {"files": edited}))
            folder.append(events[-1])
        if watch and (told := watch.told()):
            events.append(Event("clocks", time.time(), dict(told)))
            folder.append(events[-1])
    except KeyboardInterrupt:
        events.append(Event("reaped", time.time(), {"reason": "interrupted"}))
        folder.append(events[-1])
        record = fold(folder.id, job, events, path=str(folder.path))
        _keep(folder, record, workspace, progress)
        progress.stop_run(record)
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
    if record.status is RunStatus.FINISHED:
        store.forget_checkpoints(folder)
    from harness.store.index import open_index

    try:
        with open_index(workspace.state, workspace.store_url) as index:
            index.add(folder.id, record)
    except HarnessError as error:
        progress.say(f"{folder.id} is stored but not yet in the index: {'; '.join(error.messages)}")


@contextmanager
def asking(stop: threading.Event) -> Iterator[None]:
    """While a worker goes on, what would interrupt us only asks; the second time it interrupts."""

    def ask(_number: int, _frame: FrameType | None) -> None:
        if stop.is_set():
            raise KeyboardInterrupt
        stop.set()
        os.write(2, ASKED)  # nothing else may be written from here: it could have come while something was

    main = threading.current_thread() is threading.main_thread()
    heard = [
        number
        for number in (signal.SIGINT, signal.SIGTERM)
        if main and signal.getsignal(number) is signal.default_int_handler
    ]
    for number in heard:
        signal.signal(number, ask)
    try:
        yield
    finally:
        for number in heard:
            signal.signal(number, signal.default_int_handler)


def _adopted(folder: store.RunFolder, start: Start) -> dict[str, Any]:
    """Bring what the run begins with into its folder, so that it needs no other one; the job's fields about it."""
    fields: dict[str, Any] = {}
    if start.checkpoint:
        name = f"checkpoints/{start.checkpoint.name}"
        folder.adopt(start.checkpoint, name)
        fields["resume"] = {"run": start.parent, "checkpoint": name}
    if start.weights:
        folder.adopt(start.weights, INITIAL)
        fields["initial"] = {"run": start.initial, "weights": INITIAL}
    if start.difference and start.difference.is_file():
        with store.disk_faults(folder.path):
            shutil.copyfile(start.difference, folder.path / start.difference.name)
    return fields


def _command(job: Job, start: Start) -> str:
    if start.relation == "resumed":
        return f"python -m harness run --resume {start.parent}"
    return f"python -m harness run {command_line(job, start.initial)}"


def rerun(record: Record) -> str:
    """The command that makes a run anew, from its first step."""
    return f"python -m harness run {command_line(record.job, record.initial)}"


def sources(spec: ModelSpec) -> list[Path]:
    return [Path(folder) for folder in (spec.folder, *spec.families)]


def _repository(folder: store.RunFolder, spec: ModelSpec) -> dict[str, str] | None:
    """Commit and address of the checkout that the code is from; what was not committed goes into the folder."""
    package = Path(harness.__file__).parent
    found = repository_of([*sources(spec), package / "wire", package / "worker"])
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


def command_line(job: Job, initial: str = "") -> str:
    """The arguments of ``harness run`` that make this very job again, from the weights of run ``initial``."""
    begin = f" --init-from {initial}" if initial else ""
    return (
        f"{job.model} --recipe {job.recipe} --framework {job.framework} --environment {job.environment}"
        f" --seed {job.seed} --max-seeds 1 --device {job.device} --threads {job.threads}"
        + (f" --devices {job.devices}" if job.devices > 1 else "")
        + begin
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
    """The environment variables of a worker: ours without Python's and with kept memory, then what the job fixes."""
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
    return {**KEPT_MEMORY, **inherited, **fixed, **wanted}


def last_seconds(state: Path, job: Job) -> float | None:
    """How long the job took here last time; None: it never ended well."""
    here = this_machine().machine_class
    for record in store.newest_records(state, containing=slug(job), most=3):
        if record.machine is None or record.machine.machine_class != here:
            continue  # it was imported
        if record.metrics and not record.reason:
            return record.seconds
    return None
