"""What ``harness matrix`` and ``harness nightly`` share: a night is planned, stored, and lived through cell by cell."""

from __future__ import annotations

import datetime
import secrets
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import psutil

from harness import environments, registry, store
from harness.commands.budget import Budget
from harness.commands.cell import Cell, Request, open_cell
from harness.commands.report import judge_models, write_report
from harness.core.disturbance import MAX_FOREIGN_SHARE
from harness.core.errors import HarnessError
from harness.core.newest import newest_runs
from harness.core.night import (
    ATTEMPTS,
    CellState,
    Night,
    NightCell,
    counts,
    informed,
    next_cell,
    plan_cells,
    reopened,
    spoilt,
)
from harness.core.values import Record, Verdict
from harness.core.verdicts import FAILED, UNDECIDED, exit_code
from harness.store import NightFolder
from reports.progress import Progress
from reports.terminal import night_plan

SECONDS_OF_LISTENING = 2.0  # to what else goes on, before a speed is measured


@dataclass(frozen=True, kw_only=True)
class NightOutcome:
    night: Night
    records: tuple[Record, ...]
    verdicts: tuple[Verdict, ...]
    report: Path
    exit_code: int


def plan_night(
    workspace: registry.Workspace,
    *,
    models: Sequence[str],
    environment_names: Sequence[str],
    recipes: Sequence[str],
    seeds: int | None,
    max_seeds: int | None,
    nightly: bool = False,
) -> Night:
    """Every cell with what earlier runs tell about it.  Raises HarnessError for a name that is not known."""
    specs = [registry.load_model(workspace, name) for name in models]
    shelf = [environments.load_environment(workspace.shelves, name) for name in environment_names]
    cells = plan_cells(specs, shelf, recipes, seeds=seeds, max_seeds=max_seeds)
    moment = datetime.datetime.now(datetime.UTC).strftime("%Y%m%dT%H%M%S")
    return Night(
        id=f"{moment}-{secrets.token_hex(2)}",
        cells=informed(cells, store.load_records(workspace.state), store.load_said(workspace.state)),
        started=time.time(),
        seeds=seeds,
        max_seeds=max_seeds,
        nightly=nightly,
    )


def reopen(folder: NightFolder) -> None:
    """What was not done waits again."""
    before = folder.load()
    folder.reopen()
    for old, cell in zip(before.cells, reopened(before.cells), strict=True):
        if old != cell:
            folder.mark(cell)


def live_through(
    workspace: registry.Workspace, folder: NightFolder, budget_minutes: float | None, progress: Progress
) -> NightOutcome:
    """Run every waiting cell, survive any failure, and report; a stop from outside marks the rest and is passed on."""
    budget = Budget(budget_minutes)
    night = folder.load()
    progress.say(night_plan(night))
    try:
        while cell := next_cell(night.cells):
            folder.mark(_run(workspace, night, cell, budget, progress))
            night = folder.load()
    except KeyboardInterrupt:
        for cell in folder.load().cells:  # read again: the stop may have come after a cell was marked
            if cell.state is CellState.WAITING:
                folder.mark(replace(cell, state=CellState.NOT_RUN, reason="the night was stopped"))
        folder.finish(complete=False)
        raise
    folder.finish(complete=True)
    return night_outcome(workspace, folder.load())


def night_outcome(workspace: registry.Workspace, night: Night) -> NightOutcome:
    """The night's runs judged by today's baselines, and the page about it."""
    records = newest_runs(record for record in store.load_records(workspace.state) if record.night == night.id)
    verdicts, baselines = judge_models(workspace, records)
    report = write_report(workspace, records, verdicts, baselines, night=night)
    states = {cell.state for cell in night.cells}
    unmade = FAILED if CellState.FAILED in states else UNDECIDED if states - {CellState.DONE} else 0
    return NightOutcome(
        night=night, records=records, verdicts=verdicts, report=report, exit_code=exit_code(verdicts) or unmade
    )


def _run(workspace: registry.Workspace, night: Night, cell: NightCell, budget: Budget, progress: Progress) -> NightCell:
    """The cell as it is afterwards."""
    if not budget.allows(cell.first_look_seconds):
        return replace(cell, state=CellState.NOT_RUN, reason=f"the budget of {budget.minutes:g} minutes does not last")
    if cell.mode == "speed" and (busy := _busy()):
        return _once_more(cell, busy, CellState.NOT_RUN)
    progress.say(f"{cell.name}: {sum(each.state is CellState.WAITING for each in night.cells)} cell(s) to go")
    try:
        opened = open_cell(workspace, _request(night, cell), progress)
        opened.resume(_made(workspace, night, cell))
        _look(opened, budget, progress)
    except HarnessError as error:
        progress.say(f"{cell.name} failed: {'; '.join(error.messages)}")
        return replace(cell, state=CellState.FAILED, reason="; ".join(error.messages))
    if reason := spoilt(opened.records):
        return _once_more(cell, reason, CellState.DONE)
    return replace(cell, state=CellState.DONE, reason="", attempts=cell.attempts + 1)


def _look(cell: Cell, budget: Budget, progress: Progress) -> None:
    """Until everything is decided, the cap is reached, or the budget does not last for more."""
    while cell.jobs and (not cell.records or budget.allows(cell.seconds())):
        cell.look(progress)


def _request(night: Night, cell: NightCell) -> Request:
    return Request(
        model=cell.model,
        recipe=cell.recipe,
        environments=(cell.environment,),
        seeds=tuple(range(night.seeds or 0)),
        max_seeds=night.max_seeds,
        night=night.id,
    )


def _made(workspace: registry.Workspace, night: Night, cell: NightCell) -> tuple[Record, ...]:
    """The runs of this cell that the night has already, from before it was stopped or the cell was spoilt."""
    stored = store.load_records(workspace.state, model=cell.model)
    return newest_runs(
        record for record in stored if record.night == night.id and record.job.group == cell.group and counts(record)
    )


def _once_more(cell: NightCell, reason: str, otherwise: CellState) -> NightCell:
    """Waiting again, at the end of the night; ``otherwise`` when that was the last attempt."""
    tried = cell.attempts + 1
    return replace(cell, attempts=tried, reason=reason, state=CellState.WAITING if tried < ATTEMPTS else otherwise)


def _busy() -> str:
    """What keeps a speed from being measured now; empty when nothing does."""
    share = psutil.cpu_percent(interval=SECONDS_OF_LISTENING) / 100
    return f"other processes used {share:.0%} of the machine" if share > MAX_FOREIGN_SHARE else ""
