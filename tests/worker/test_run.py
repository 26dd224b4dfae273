"""What a run tells the wire, without a process: events into a list."""

from __future__ import annotations

from typing import Any

import numpy
import pytest

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
