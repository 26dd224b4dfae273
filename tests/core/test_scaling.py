"""What is said of a speed of several devices."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from harness.core.scaling import scaling
from harness.core.values import Record
from tests.core.examples import MACHINE, QUIET, record


def run(name: str, rate: float, *, devices: int = 1, threads: int = 1, **changes: Any) -> Record:
    changes = {"machine": replace(MACHINE, devices=devices), **changes}
    made = record(recipe="speed", mode="speed", metrics={"samples_per_second": rate}, id=name)
    job = replace(made.job, devices=devices, threads=threads)
    return replace(made, job=job, **changes)


def test_a_speed_of_two_devices_is_compared_with_twice_the_newest_of_one() -> None:
    earlier = [run("old", 5.0), run("new", 10.0)]
    assert scaling(run("both", 18.0, devices=2, threads=2), earlier) == (
        "2 devices together: 18 samples/s, 90% of 2 times the 10 samples/s of new"
    )


def test_only_a_run_that_was_made_alike_counts() -> None:
    both = run("both", 18.0, devices=2, threads=2)
    unlike = [
        run("threads", 10.0, threads=2),
        run("code", 10.0, digests={"code": "other"}),
        run("disturbed", 10.0, measurement={**QUIET, "foreign_share": 0.5}),
        run("failed", 10.0, metrics={}),
        run("elsewhere", 10.0, machine=replace(MACHINE, cpu="Another CPU")),
        both,
    ]
    assert "no run of one device is stored here (the same with --devices 1 --threads 1)" in scaling(both, unlike)


def test_one_device_has_nothing_to_say() -> None:
    assert scaling(run("alone", 10.0), []) == ""
