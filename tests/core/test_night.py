"""Nights as values: which cells there are, which comes next, and what the table says."""

from __future__ import annotations

from dataclasses import replace

import pytest

from harness.core.errors import HarnessError
from harness.core.night import (
    CellState,
    Night,
    NightCell,
    cell_words,
    counts,
    informed,
    next_cell,
    plan_cells,
    reopened,
    spoilt,
)
from harness.core.values import Baseline, Environment, Metric, ModelSpec, Reference, RunStatus, Status, Verdict
from harness.core.verdicts import make_verdict
from tests.core.examples import MACHINE, QUIET, accuracy_recipe, record, reference, speed_recipe

CELL = NightCell(model="toy", recipe="digits", framework="torch", environment="a")


def verdict(status: Status) -> Verdict:
    return make_verdict([record()], Metric(name="top1", unit="fraction", better="higher"), status, "it was told")


def spec(name: str, *frameworks: str) -> ModelSpec:
    recipes = {recipe.name: recipe for recipe in (replace(accuracy_recipe(), tags=("cpu",)), speed_recipe())}
    return ModelSpec(
        name=name,
        title=name,
        task="test",
        paper=None,
        frameworks=frameworks,
        default_recipe="digits",
        recipes=recipes,
        folder="",
    )


def shelf_of(*specs: ModelSpec) -> list[tuple[ModelSpec, Baseline]]:
    return [(spec, Baseline(model=spec.name, references=())) for spec in specs]


def environment(name: str, framework: str) -> Environment:
    return Environment(name=name, framework=framework, python="3.11", requirements=(), variables={}, digest=name)


SHELF = [environment("torch-1", "torch"), environment("torch-2", "torch"), environment("tf-1", "tensorflow")]


def test_a_model_has_a_cell_in_each_environment_of_its_frameworks() -> None:
    cells = plan_cells(shelf_of(spec("one", "torch"), spec("two", "torch", "tensorflow")), SHELF, [])
    assert [(cell.model, cell.environment) for cell in cells] == [
        ("one", "torch-1"),
        ("one", "torch-2"),
        ("two", "torch-1"),
        ("two", "torch-2"),
        ("two", "tf-1"),
    ]
    assert {cell.recipe for cell in cells} == {"digits"}


def test_recipes_are_names_or_tags_and_none_is_there_twice() -> None:
    cells = plan_cells(shelf_of(spec("one", "torch")), SHELF[:1], ["cpu", "digits", "speed"])
    assert [(cell.recipe, cell.mode) for cell in cells] == [("digits", "train"), ("speed", "speed")]


def test_speeds_of_one_framework_take_turns_with_its_first_environment() -> None:
    asked = ["digits", "speed"]
    cells = plan_cells(shelf_of(spec("one", "torch", "tensorflow")), SHELF, asked, paired=True)
    timed = {cell.environment: (cell.beside, cell.runs) for cell in cells if cell.mode == "speed"}
    assert timed == {"torch-1": ("", 1), "torch-2": ("torch-1", 6), "tf-1": ("", 1)}
    assert {cell.beside for cell in cells if cell.mode == "train"} == {""}
    assert {cell.beside for cell in plan_cells(shelf_of(spec("one", "torch")), SHELF, asked)} == {""}
    pairs = plan_cells(shelf_of(spec("one", "torch")), SHELF, asked, max_seeds=1, paired=True)
    (short,) = (cell for cell in pairs if cell.beside)
    assert short.runs == 2


def test_a_cell_is_one_run_long_where_that_may_repeat_a_stored_one() -> None:
    model = replace(spec("one", "torch"), recipes={"digits": replace(accuracy_recipe(), first_seeds=3)})
    stored = reference(
        values=(0.95, 0.96), kind="earlier", seeds=(0, 1), weights=("a", "b"), framework="torch", reason="begun"
    )

    def runs(*references: Reference, seeds: int | None = None, max_seeds: int | None = None) -> int:
        known = [(model, Baseline(model="one", references=references))]
        (cell,) = plan_cells(known, SHELF[:1], [], seeds=seeds, max_seeds=max_seeds)
        return cell.runs

    assert (runs(), runs(stored)) == (3, 1)
    assert (runs(stored, seeds=2), runs(max_seeds=2)) == (2, 2)


def test_a_plan_without_cells_is_an_error() -> None:
    with pytest.raises(HarnessError, match="recipes bf16 of one have no cell in torch-1"):
        plan_cells(shelf_of(spec("one", "torch")), SHELF[:1], ["bf16"])


def test_earlier_runs_tell_how_long_a_cell_takes_and_when_it_ran() -> None:
    runs = [replace(record(), seconds=float(seconds), started=float(seconds)) for seconds in range(1, 12)]
    runs.append(replace(record(), seconds=900.0, started=12.0, status=RunStatus.TIMEOUT))
    group = runs[0].job.group
    cell = NightCell(model=group[0], recipe=group[1], framework=group[2], environment=group[3])
    here = MACHINE.machine_class
    (known,) = informed([cell], runs, {}, here)
    assert known.expected_seconds == 10.0
    assert known.last_run == 12.0
    for earlier, machine in (([], here), (runs, "another machine")):  # its runs were imported
        (guessed,) = informed([replace(cell, expected_seconds=60.0)], earlier, {}, machine)
        assert (guessed.expected_seconds, guessed.last_run) == (60.0, 0.0)


def test_runs_that_go_on_at_once_take_their_time_once() -> None:
    cell = replace(CELL, runs=5, expected_seconds=60.0)
    assert (cell.first_look_seconds, replace(cell, abreast=2).first_look_seconds) == (300.0, 180.0)


def test_what_was_no_pass_last_time_is_suspicious() -> None:
    said = {"toy\tdigits\ttorch\ta\ttop1\t\t\t": {"status": "REGRESSION"}, "toy\tdigits\ttorch\tb": {"status": "PASS"}}
    cells = informed([CELL, replace(CELL, environment="b")], [], said, "")
    assert [cell.suspicious for cell in cells] == [True, False]


def test_speed_comes_first_then_the_suspicious_then_the_stale_then_the_short() -> None:
    cells = [
        replace(CELL, environment="long", expected_seconds=100.0, last_run=1.0),
        replace(CELL, environment="short", expected_seconds=1.0, last_run=1.0),
        replace(CELL, environment="fresh", expected_seconds=1.0, last_run=9.0),
        replace(CELL, environment="again", mode="speed", attempts=1),
        replace(CELL, environment="doubted", expected_seconds=500.0, last_run=9.0, suspicious=True),
        replace(CELL, environment="speed", mode="speed", last_run=9.0),
        replace(CELL, environment="done", mode="speed", state=CellState.DONE),
    ]
    order = []
    while cell := next_cell(cells):
        order.append(cell.environment)
        cells.remove(cell)
    assert order == ["speed", "doubted", "short", "long", "fresh", "again"]


def test_a_rerun_leaves_alone_what_is_done() -> None:
    cells = [replace(CELL, state=state, reason="why", attempts=1) for state in CellState]
    states = [cell.state for cell in reopened(cells)]
    assert states == [CellState.DONE if state is CellState.DONE else CellState.WAITING for state in CellState]


def test_a_killed_worker_and_a_disturbed_speed_are_worth_a_second_try_and_an_exception_is_not() -> None:
    killed = replace(record(), status=RunStatus.CRASHED, reason="killed by signal 9")
    broken = replace(record(), status=RunStatus.ERROR, reason="KeyError")
    speed = replace(record(recipe="speed", mode="speed"), measurement=QUIET)
    disturbed = replace(speed, measurement={**QUIET, "foreign_share": 0.5})
    assert spoilt([record(), killed]) == "killed by signal 9"
    assert not spoilt([record(), broken])
    assert not spoilt([speed])
    assert "other processes used 50%" in spoilt([speed, disturbed])
    assert [counts(run) for run in (record(), killed, broken, speed, disturbed)] == [True, False, False, True, False]


def test_a_cell_shows_its_worst_status_and_never_a_pass_that_it_did_not_earn() -> None:
    group = verdict(Status.PASS)
    cell = NightCell(
        model=group.model,
        recipe=group.recipe,
        framework=group.framework,
        environment=group.environment,
        state=CellState.DONE,
    )
    night = Night(id="n", cells=(cell,), started=0.0)
    assert cell_words(night, [verdict(Status.PASS), verdict(Status.INVALID)])[cell.group] == "INVALID"
    assert cell_words(night, [])[cell.group] == "done"
    unfinished = replace(night, cells=(replace(cell, state=CellState.NOT_RUN),))
    assert cell_words(unfinished, [verdict(Status.PASS)])[cell.group] == "not run"
