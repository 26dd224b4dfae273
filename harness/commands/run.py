"""``harness run``: the product on one screen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from importlib import import_module
from pathlib import Path
from threading import Thread

from harness import registry, store
from harness.commands.budget import Budget
from harness.commands.carry_out import slug
from harness.commands.cell import Cell, Request, open_cell
from harness.commands.earlier import left_open
from harness.commands.lanes import look_at
from harness.core.errors import HarnessError
from harness.core.plan import recipes_called
from harness.core.scaling import scaling
from harness.core.values import Record, Verdict
from harness.core.verdicts import FAILED, UNDECIDED, exit_code
from reports.progress import Progress


@dataclass(frozen=True, kw_only=True)
class Outcome:
    records: tuple[Record, ...]
    verdicts: tuple[Verdict, ...]
    report: Path
    exit_code: int


def run(workspace: registry.Workspace, request: Request) -> Outcome:
    """Retrain a model from scratch, compare it with its references, write the report."""
    budget = Budget(request.budget_minutes)
    with Progress() as progress:
        cell = open_cell(workspace, request, progress)
        Thread(target=_load_the_rest, daemon=True).start()

        def allows(cell: Cell, seconds: float) -> bool:
            if not cell.records or budget.allows(seconds):
                return True
            progress.say(f"the budget of {budget.minutes:g} minutes does not last for {len(cell.jobs)} more run(s)")
            return False

        look_at([cell], allows, progress, most=request.jobs)
        for record in cell.records if cell.recipe.mode == "speed" and request.devices > 1 else ():
            progress.say(scaling(record, _stored(workspace, record)))
    return _outcome(workspace, [cell])


def _stored(workspace: registry.Workspace, record: Record) -> list[Record]:
    """The last runs of the record's job, oldest first."""
    return [*store.newest_records(workspace.state, containing=slug(record.job), most=20)][::-1]


def run_all(workspace: registry.Workspace, request: Request) -> Outcome:
    """Run every model, the most informative look first, and write one report.

    What decides a published number goes before what does not, what this machine has never run or has left
    undecided before what is run once more, a cheap cell before an expensive one; what earlier calls have left
    undecided goes on with its next seeds; runs whose threads fit beside each other go on at once.  What could not
    be run, or did not fit into the budget, is said, and keeps the exit code from being 0.
    """
    budget = Budget(request.budget_minutes)
    cells: list[Cell] = []
    left_out: list[Cell] = []
    failed = 0
    with Progress() as progress:
        for spec in registry.load_models(workspace):
            for recipe in recipes_called(spec, request.recipe):
                try:
                    cell = open_cell(workspace, replace(request, model=spec.name, recipe=recipe), progress, spec)
                    cells.append(left_open(cell, progress))
                except HarnessError as error:
                    failed += 1
                    progress.say(f"{spec.name}/{recipe} is not run: {'; '.join(error.messages)}")
        if not cells and not failed:
            raise HarnessError(f"no model has a recipe called or tagged {request.recipe!r}", hint="see: harness list")
        Thread(target=_load_the_rest, daemon=True).start()

        def allows(cell: Cell, seconds: float) -> bool:
            if budget.allows(seconds):
                return True
            left_out.append(cell)
            progress.say(f"{cell.name}: the budget does not last for {len(cell.jobs)} run(s)")
            return False

        look_at(cells, allows, progress, most=request.jobs)
    worst = FAILED if failed else UNDECIDED if left_out else 0
    tried = [cell for cell in cells if cell.records]
    if not tried:
        raise HarnessError("nothing was run: the reasons are above", code=worst)
    outcome = _outcome(workspace, tried)
    return replace(outcome, exit_code=outcome.exit_code or worst)


def _outcome(workspace: registry.Workspace, cells: Sequence[Cell]) -> Outcome:
    from harness.commands.report import write_report
    from harness.core.families import hold_false_discoveries

    records = tuple(record for cell in cells for record in cell.records)
    verdicts = tuple(hold_false_discoveries([verdict for cell in cells for verdict in cell.verdicts]))
    report = write_report(workspace, records, verdicts, [cell.baseline for cell in cells])
    return Outcome(records=records, verdicts=verdicts, report=report, exit_code=exit_code(verdicts))


def _load_the_rest() -> None:
    """What judges, draws and indexes takes a second to load; it comes while the first worker loads its framework."""
    for name in ("harness.commands.report", "harness.store.index", "jinja2"):
        import_module(name)
