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
from harness.commands import bench
from harness.commands.budget import Budget
from harness.commands.cell import Request, open_cell
from harness.commands.choose import threads_for
from harness.commands.compare import decide_speed
from harness.commands.lanes import abreast, look_at
from harness.commands.machine import this_machine
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
    max_pairs,
    next_cell,
    plan_cells,
    reopened,
    spoilt,
)
from harness.core.pairs import aa_history, compare_speed, in_pairs, speed_metric, undisturbed, worth_judging
from harness.core.values import Record, Verdict
from harness.core.verdicts import FAILED, UNDECIDED, exit_code
from harness.execution import look, occupied, slowed
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
    specs = {name: registry.load_model(workspace, name) for name in models}
    shelf = [environments.load_environment(workspace.shelves, name) for name in environment_names]
    machine = this_machine()

    def with_lanes(cell: NightCell) -> NightCell:
        threads = threads_for(specs[cell.model].recipes[cell.recipe], None)
        return replace(cell, abreast=abreast(machine, cell.mode, "auto", threads))

    known = [(spec, registry.load_baseline(workspace, spec)) for spec in specs.values()]
    cells = plan_cells(known, shelf, recipes, seeds=seeds, max_seeds=max_seeds, paired=not nightly)
    moment = datetime.datetime.now(datetime.UTC).strftime("%Y%m%dT%H%M%S")
    return Night(
        id=f"{moment}-{secrets.token_hex(2)}",
        cells=informed(
            map(with_lanes, cells),
            store.load_records(workspace.state),
            store.load_said(workspace.state),
            machine.machine_class,
        ),
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
    stored = store.load_records(workspace.state)
    records = newest_runs(undisturbed(record for record in stored if record.night == night.id))
    verdicts, baselines = judge_models(workspace, records, beside=_judge_pairs(workspace, night, stored))
    report = write_report(workspace, records, verdicts, baselines, night=night)
    states = {cell.state for cell in night.cells}
    unmade = FAILED if CellState.FAILED in states else UNDECIDED if states - {CellState.DONE} else 0
    return NightOutcome(
        night=night, records=records, verdicts=verdicts, report=report, exit_code=exit_code(verdicts) or unmade
    )


def _judge_pairs(workspace: registry.Workspace, night: Night, stored: Sequence[Record]) -> list[Verdict]:
    """What the last session of each cell that took turns with another says: a killed night begins it anew."""
    sessions = in_pairs(record for record in stored if record.night == night.id)
    last = {pairs[0][1].job.group: pairs for pairs in sessions.values()}
    verdicts = []
    for cell in night.cells:
        if cell.beside and cell.group in last:
            recipe = registry.load_model(workspace, cell.model).recipes[cell.recipe]
            machine = this_machine().machine_class
            history = aa_history(stored, model=cell.model, recipe=cell.recipe, machine_class=machine)
            verdicts.append(compare_speed(worth_judging(last[cell.group]), speed_metric(recipe), history))
    return verdicts


def _run(workspace: registry.Workspace, night: Night, cell: NightCell, budget: Budget, progress: Progress) -> NightCell:
    """The cell as it is afterwards."""
    if not budget.allows(cell.first_look_seconds):
        return replace(cell, state=CellState.NOT_RUN, reason=f"the budget of {budget.minutes:g} minutes does not last")
    if cell.mode == "speed" and (busy := _busy()):
        return _once_more(cell, busy, CellState.NOT_RUN)
    progress.say(f"{cell.name}: {sum(each.state is CellState.WAITING for each in night.cells)} cell(s) to go")
    try:
        make = _take_turns if cell.beside else _look
        records = make(workspace, night, cell, budget, progress)
    except HarnessError as error:
        progress.say(f"{cell.name} failed: {'; '.join(error.messages)}")
        return replace(cell, state=CellState.FAILED, reason="; ".join(error.messages))
    if reason := spoilt(records):
        return _once_more(cell, reason, CellState.DONE)
    return replace(cell, state=CellState.DONE, reason="", attempts=cell.attempts + 1)


def _look(
    workspace: registry.Workspace, night: Night, cell: NightCell, budget: Budget, progress: Progress
) -> list[Record]:
    """Until everything is decided, the cap is reached, or the budget does not last for more."""
    opened = open_cell(workspace, _request(night, cell), progress)
    opened.resume(_made(workspace, night, cell))
    look_at([opened], lambda cell, seconds: not cell.records or budget.allows(seconds), progress)
    return opened.records


def _take_turns(
    workspace: registry.Workspace, night: Night, cell: NightCell, budget: Budget, progress: Progress
) -> list[Record]:
    """A session of interleaved pairs, as ``harness compare`` makes it."""
    spec = registry.load_model(workspace, cell.model)
    recipe = spec.recipes[cell.recipe]
    request = bench.Request(
        model=cell.model,
        recipe=cell.recipe,
        environments=(cell.beside, cell.environment),
        max_pairs=max_pairs(recipe, night.seeds, night.max_seeds),
        night=night.id,
    )
    baseline = registry.load_baseline(workspace, spec)
    pairs, _ = decide_speed(bench.open_bench(workspace, request, spec, recipe, baseline, progress, budget))
    return undisturbed(run for pair in pairs for run in pair)


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
    stored = store.load_records(workspace.state, models=(cell.model,))
    return newest_runs(
        record for record in stored if record.night == night.id and record.job.group == cell.group and counts(record)
    )


def _once_more(cell: NightCell, reason: str, otherwise: CellState) -> NightCell:
    """Waiting again, at the end of the night; ``otherwise`` when that was the last attempt."""
    tried = cell.attempts + 1
    return replace(cell, attempts=tried, reason=reason, state=CellState.WAITING if tried < ATTEMPTS else otherwise)


def _busy() -> str:
    """What keeps a speed from being measured now; empty when nothing does."""
    before = look()
    share = psutil.cpu_percent(interval=SECONDS_OF_LISTENING) / 100
    if share > MAX_FOREIGN_SHARE:
        return f"other processes used {share:.0%} of the machine"
    now = look()
    return occupied(now) or slowed(before, now)
