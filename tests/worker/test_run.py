"""What a run tells the wire, without a process: events into a list."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from math import isinf
from time import perf_counter
from typing import Any

import numpy
import pytest

from harness.core.bound import bound
from harness.wire.job import WorkerJob
from harness.worker.data import Data
from harness.worker.frameworks import plain
from harness.worker.run import Run

JOB = WorkerJob(
    protocol=1,
    id="x",
    model="x",
    recipe="x",
    framework="numpy",
    environment="x",
    seed=0,
    mode="train",
    device="cpu",
    threads=1,
    deterministic=False,
    hyperparameters={"epochs": 5},
    metrics={"score": "fraction"},
    flops_per_sample=None,
    data=None,
)
DATA = Data("dots", "0" * 64, 2, (1,), {"train": (numpy.zeros((4, 1)), numpy.arange(4) % 2)}, {})


def make_run(told: list[tuple[str, dict[str, Any]]]) -> Run:
    return Run(JOB, plain, lambda kind, **fields: told.append((kind, fields)), DATA, "cpu")  # type: ignore[arg-type]


def epochs_told(told: list[tuple[str, dict[str, Any]]]) -> list[tuple[str, int]]:
    return [(kind, fields["epoch"]) for kind, fields in told if kind in ("epoch_start", "epoch_stop")]


@pytest.mark.parametrize("last", [2, 4])
def test_an_epoch_that_is_left_by_break_is_told_like_any_other(last: int) -> None:
    told: list[tuple[str, dict[str, Any]]] = []
    run = make_run(told)
    for epoch in run.epochs():
        for x, _ in run.steps(run.batches("train", 2)):
            run.loss(float(x.sum()))
        if epoch == last:
            break
    run.metric("score", 0.5)
    run.finish()
    assert epochs_told(told) == [(kind, epoch) for epoch in range(last + 1) for kind in ("epoch_start", "epoch_stop")]


def test_a_data_set_that_is_no_graph_says_so() -> None:
    with pytest.raises(ValueError, match="dots is no graph"):
        _ = make_run([]).graph


@pytest.mark.parametrize("slow", ["input", "step"])
def test_a_run_says_how_much_of_its_time_it_waited_for_batches(slow: str) -> None:
    told: list[tuple[str, dict[str, Any]]] = []
    run = make_run(told)

    def spend(what: str) -> None:
        end = perf_counter() + (0.01 if what == slow else 0.0)
        while perf_counter() < end:
            pass

    def batches() -> Iterator[Any]:
        for batch in run.batches("train", 2):
            spend("input")
            yield batch

    for _ in run.epochs():
        for _ in run.steps(batches()):
            spend("step")
            run.loss(1.0)
    run.finish()
    share = told[-1][1]["input_wait_share"]
    assert share > 0.5 if slow == "input" else share < 0.5
    assert bound({"input_wait_share": share}).startswith("input bound: the training waited ") is (share >= 0.1)


def test_what_bounds_a_speed_is_said_where_it_was_measured() -> None:
    assert bound({}) == ""
    assert bound({"input_wait_share": 0.37}) == "input bound: the training waited 37% of the time for its input"
    assert bound({"input_wait_share": 0.04}) == "compute bound: the training waited 4% of the time for its input"
    assert bound({"input_wait_share": float("nan")}).startswith("input bound")


class Slowing:
    """A machine's clock: a step of n units takes n seconds at first, and ever longer."""

    def __init__(self) -> None:
        self.now = 0.0

    def perf_counter(self) -> float:
        return self.now

    def step(self, units: float) -> None:
        self.now += units * (1.0 + self.now / 20.0)


def choose(monkeypatch: pytest.MonkeyPatch, units: dict[str, float]) -> tuple[Run, dict[str, Any]]:
    """What is chosen of layouts whose steps take ``units``; infinite: it fails."""
    clock, told = Slowing(), list[tuple[str, dict[str, Any]]]()
    run = make_run(told)
    monkeypatch.setattr("harness.worker.run.time", clock)

    def make() -> Callable[[], None]:
        here = units[run.hparams["layout"]]
        if isinf(here):
            raise RuntimeError("no such layout on this machine")
        return lambda: clock.step(here)

    run.fastest([{"layout": name} for name in units], make)
    ((_, settings),) = told
    return run, settings


def test_the_fastest_setting_is_found_on_a_machine_that_slows_down_meanwhile(monkeypatch: pytest.MonkeyPatch) -> None:
    run, settings = choose(monkeypatch, {"plain": 1.0, "blocked": 0.8, "strange": float("inf"), "slow": 0.9})
    assert run.hparams["layout"] == settings["layout"] == "blocked"
    plain, blocked, strange, slow = settings["fastest_of"]
    assert plain["seconds"] < blocked["seconds"] < blocked["against"]  # one after the other, plain would have won
    assert strange == {"layout": "strange", "seconds": float("inf")}
    assert slow["seconds"] > slow["against"]


def test_a_machine_on_which_no_setting_works_is_told_so(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ValueError, match=r"none of .*strange.* works here"):
        choose(monkeypatch, {"strange": float("inf")})
