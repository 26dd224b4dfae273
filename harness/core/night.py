"""A night: cells that were planned, and what became of each.  Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from math import ceil
from statistics import quantiles
from typing import Any

from harness.core.disturbance import disturbance
from harness.core.errors import HarnessError
from harness.core.plan import first_seeds, recipes_called
from harness.core.values import (
    Baseline,
    Environment,
    Group,
    Mode,
    ModelSpec,
    Recipe,
    Record,
    RunStatus,
    Status,
    Verdict,
)

ATTEMPTS = 2  # a cell that was disturbed, or whose worker was killed, is tried once more the same night


class CellState(StrEnum):
    WAITING = "waiting"
    DONE = "done"  # its runs were made and judged, whatever the verdict says
    FAILED = "failed"  # it could not be made: no environment, no data, a full disk
    NOT_RUN = "not run"  # no time was left, or the night was stopped


@dataclass(frozen=True, kw_only=True)
class NightCell:
    """One recipe of a model in one environment."""

    model: str
    recipe: str
    framework: str
    environment: str
    mode: Mode = "train"
    runs: int = 1  # of the first look
    abreast: int = 1  # so many of them go on at once
    beside: str = ""  # the environment whose runs of a speed take turns with this one's; "": none do
    state: CellState = CellState.WAITING
    reason: str = ""  # why it failed, was not run, or is tried again
    attempts: int = 0
    expected_seconds: float | None = None  # a run: p90 of earlier ones here, or the recipe's guess; None: unknown
    suspicious: bool = False  # what was said last about it is no PASS
    last_run: float = 0.0  # Unix seconds; 0: it never ran here

    @property
    def name(self) -> str:
        return f"{self.model}/{self.recipe} in {self.environment}"

    @property
    def first_look_seconds(self) -> float:
        """0 where nobody knows."""
        return ceil(self.runs / self.abreast) * (self.expected_seconds or 0.0)

    @property
    def group(self) -> Group:
        return (self.model, self.recipe, self.framework, self.environment)


@dataclass(frozen=True, kw_only=True)
class Night:
    """A matrix or a nightly; ``id`` sorts by time and stands in every record that was made for it."""

    id: str
    cells: tuple[NightCell, ...]
    started: float  # Unix seconds
    finished: float | None = None  # None: it goes on, or was killed
    seeds: int | None = None  # of the first look; None: the recipe's
    max_seeds: int | None = None
    nightly: bool = False  # by harness.toml's plan
    complete: bool = False  # it came to its end, whatever its cells did; not where it was stopped or killed


def plan_cells(
    models: Sequence[tuple[ModelSpec, Baseline]],
    environments: Sequence[Environment],
    recipes: Sequence[str],
    *,
    seeds: int | None = None,
    max_seeds: int | None = None,
    paired: bool = False,
) -> tuple[NightCell, ...]:
    """Every model and recipe in every environment of one of its frameworks.

    ``recipes`` are names or tags, and each model takes those that it has; none: its default one.  ``seeds``
    and ``max_seeds`` replace the recipes' own first look and cap.  ``paired``: a speed takes turns with that of
    the first environment of the same framework.  Raises HarnessError where nothing is left.
    """
    first = {environment.framework: environment.name for environment in reversed(environments)}

    def planned(spec: ModelSpec, baseline: Baseline, recipe: Recipe, environment: Environment) -> NightCell:
        main, cap = first[environment.framework], max_seeds or recipe.max_seeds
        beside = main if paired and recipe.mode == "speed" and main != environment.name else ""
        if beside:
            runs = 2 * min(max_pairs(recipe, seeds, max_seeds), _looks()[0])
        else:
            runs = seeds or len(first_seeds(recipe, baseline, (environment.framework,), cap))
        return NightCell(
            model=spec.name,
            recipe=recipe.name,
            framework=environment.framework,
            environment=environment.name,
            mode=recipe.mode,
            runs=runs,
            beside=beside,
            expected_seconds=recipe.guessed_seconds(environment.framework),
        )

    cells = tuple(
        planned(spec, baseline, spec.recipes[name], environment)
        for spec, baseline in models
        for name in _recipes(spec, recipes)
        for environment in environments
        if environment.framework in spec.frameworks
    )
    if not cells:
        asked = f"recipes {', '.join(recipes)} of " if recipes else ""
        names = ", ".join(environment.name for environment in environments)
        message = f"{asked}{', '.join(spec.name for spec, _ in models)} have no cell in {names}"
        raise HarnessError(message, hint="see: harness list, harness env list")
    return cells


def max_pairs(recipe: Recipe, seeds: int | None, max_seeds: int | None) -> int:
    """Pairs that a night spends on a speed: as many as asked for, else enough for the last look that decides."""
    return max(seeds or 0, max_seeds or 0) or max(recipe.max_seeds, _looks()[-1])


def _looks() -> tuple[int, ...]:
    """Of a speed.  Imported when it is needed: with it comes scipy, for which nobody waits who only reads a night."""
    from harness.statistics import SPEED_LOOKS

    return SPEED_LOOKS


def _recipes(spec: ModelSpec, wanted: Sequence[str]) -> tuple[str, ...]:
    if not wanted:
        return recipes_called(spec, None)
    return tuple(dict.fromkeys(name for each in wanted for name in recipes_called(spec, each)))


def informed(
    cells: Iterable[NightCell],
    records: Iterable[Record],
    said: Mapping[str, Mapping[str, object]],
    machine_class: str,
) -> tuple[NightCell, ...]:
    """The cells with what earlier runs tell: how long, how long ago, and whether something was wrong.

    ``said`` is what was said last, by tab-separated cell.  Runs of another kind of machine, which were imported,
    tell nothing of this one's time.
    """
    runs: dict[Group, list[Record]] = {}
    for record in records:
        if record.machine is None or record.machine.machine_class == machine_class:
            runs.setdefault(record.job.group, []).append(record)
    doubted = {tuple(name.split("\t")[:4]) for name, last in said.items() if last.get("status") != Status.PASS.value}
    return tuple(
        replace(
            cell,
            expected_seconds=_p90([run.seconds for run in runs.get(cell.group, []) if run.status is RunStatus.FINISHED])
            or cell.expected_seconds,
            suspicious=cell.group in doubted,
            last_run=max((run.started for run in runs.get(cell.group, [])), default=0.0),
        )
        for cell in cells
    )


def _p90(seconds: Sequence[float]) -> float | None:
    if len(seconds) < 2:
        return next(iter(seconds), None)
    return quantiles(seconds, n=10, method="inclusive")[-1]


def next_cell(cells: Iterable[NightCell]) -> NightCell | None:
    """The waiting cell to start now; None when none waits.

    First tries before second ones, cheap measurements of speed before long trainings, what looked wrong
    last time before what did not, the stalest first, a short one before a long one.
    """
    waiting = (cell for cell in cells if cell.state is CellState.WAITING)
    return min(waiting, key=_urgency, default=None)


def _urgency(cell: NightCell) -> tuple[int, bool, bool, float, float]:
    return (cell.attempts, cell.mode != "speed", not cell.suspicious, cell.last_run, cell.first_look_seconds)


def reopened(cells: Iterable[NightCell]) -> tuple[NightCell, ...]:
    """For a rerun: what is not done waits again."""
    return tuple(
        cell if cell.state is CellState.DONE else replace(cell, state=CellState.WAITING, reason="", attempts=0)
        for cell in cells
    )


def counts(record: Record) -> bool:
    """Whether a run of this night need not be made again: it finished, and its speed was not disturbed."""
    return record.status is RunStatus.FINISHED and not (record.job.mode == "speed" and disturbance([record]))


def spoilt(records: Iterable[Record]) -> str:
    """Why the cell is worth a second try: a worker that was killed, or a disturbed speed; empty where it is not.

    An error that the worker reported itself would come again.
    """
    for record in records:
        if record.status is RunStatus.CRASHED:
            return record.reason
        if record.status is RunStatus.FINISHED and not counts(record):
            return disturbance([record])
    return ""


WORST_FIRST = (
    Status.REGRESSION,
    Status.IMPROVED,
    Status.ERROR,
    Status.INVALID,
    Status.UNMEASURED,
    Status.INCONCLUSIVE,
    Status.NO_BASELINE,
    Status.PASS,
)


def cell_words(night: Night, verdicts: Iterable[Verdict]) -> dict[Group, str]:
    """For each cell its worst status, or its state where nothing was judged."""
    statuses: dict[Group, list[Status]] = {}
    for verdict in verdicts:
        statuses.setdefault(verdict.group, []).append(verdict.status)

    def word(cell: NightCell) -> str:
        found = statuses.get(cell.group)
        if not found or cell.state is not CellState.DONE:
            return cell.state.value
        return min(found, key=WORST_FIRST.index).value

    return {cell.group: word(cell) for cell in night.cells}


def changed_cell(night: Night, group: Group, **changes: Any) -> Night:
    return replace(
        night, cells=tuple(replace(cell, **changes) if cell.group == group else cell for cell in night.cells)
    )
