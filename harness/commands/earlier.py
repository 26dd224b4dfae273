"""What earlier commands have left open, for ``run --all`` to go on with."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from harness import store
from harness.commands.carry_out import slug, sources, worker_variables
from harness.commands.cell import Cell
from harness.commands.machine import this_machine
from harness.core.newest import made, making
from harness.core.values import Record, RunStatus
from harness.execution import digest_today
from reports.progress import Progress

MOST = 100  # of a job's runs are looked at, the newest ones


def left_open(cell: Cell, progress: Progress) -> Cell:
    """``cell`` after the runs that earlier commands made of it, where they leave something undecided; else as it is.

    A training whose code, data, environment and machine are those of a finished one would only repeat it; another
    seed says more.  What is decided is made anew, and so is a speed, which is of the moment.
    """
    records = sorted(_earlier(cell), key=lambda record: record.started) if cell.recipe.mode == "train" else []
    after = replace(cell)
    after.resume(records)
    if not records or not after.jobs:
        return cell
    last = datetime.fromtimestamp(records[-1].started, UTC)
    progress.say(f"{cell.name}: goes on after {len(records)} earlier run(s), the last of {last:%Y-%m-%d}")
    return after


def _earlier(cell: Cell) -> Iterator[Record]:
    """Finished runs that differ from the cell's own in their seed alone, the newest of each seed."""
    machine = this_machine().machine_class
    with store.disk_faults(Path(cell.spec.folder)):
        code = digest_today(*sources(cell.spec))
    data = cell.data.manifest["digest"] if cell.data else None
    for job in {job.group: job for job in cell.jobs}.values():
        environment = cell.built[job.framework, job.environment].environment
        digests = {"code": code, "environment": environment.digest, "data": data}
        now = making(machine, digests, worker_variables(job, environment.variables))
        seeds = set()
        for record in store.newest_records(cell.workspace.state, containing=slug(job), most=MOST):
            if (
                record.job.seed not in seeds
                and record.status is RunStatus.FINISHED
                and replace(record.job, seed=job.seed) == job
                and record.initial == cell.start.initial
                and made(record) == now
            ):
                seeds.add(record.job.seed)
                yield record
