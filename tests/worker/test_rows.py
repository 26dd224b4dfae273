"""Batches from a part of a split."""

from __future__ import annotations

from typing import Any

import numpy

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
    hyperparameters={"epochs": 1, "batch_size": 3},
    metrics={},
    flops_per_sample=None,
    data=None,
)
NUMBERS = numpy.arange(20)


def nothing(_kind: str, **_fields: Any) -> None:
    pass


def test_a_held_out_part_is_never_drawn_and_the_rest_is_drawn_once() -> None:
    data = Data("dots", "0" * 64, 2, (1,), {"train": (NUMBERS[:, None], NUMBERS)}, {})
    run = Run(JOB, plain, nothing, data, "cpu")  # type: ignore[arg-type]
    rows = numpy.array([19, 3, 5, 7, 11, 13, 17])
    drawn = [y for _, y in run.batches("train", rows=rows)]
    assert [len(batch) for batch in drawn] == [3, 3, 1]
    together = numpy.concatenate(drawn).tolist()
    assert sorted(together) == sorted(rows.tolist())
    assert together != rows.tolist()
    in_order = [y.tolist() for _, y in run.batches("train", 4, rows=rows, shuffle=False)]
    assert in_order == [[19, 3, 5, 7], [11, 13, 17]]
