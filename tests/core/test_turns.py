"""The last good and the first bad run of a cell."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from harness.core.judge import judge
from harness.core.turns import Turn, turn
from harness.core.values import Baseline, Record, RunStatus, Verdict
from tests.core.examples import accuracy_recipe, record, reference

KNOWN = Baseline(model="toy", references=(reference(values=(0.96, 0.961, 0.959, 0.962, 0.96)),))


def run(night: int, top1: float, seed: int = 0, **changes: Any) -> Record:
    made = record(seed=seed, metrics={"top1": top1}, started=float(night), **changes)
    return replace(made, id=f"202601{night:02d}T030000-toy-s{seed}-abcdef", night=f"202601{night:02d}T020000-ab")


def last_verdict(runs: list[Record]) -> Verdict:
    (verdict,) = judge([each for each in runs if each.night == runs[-1].night], accuracy_recipe(), KNOWN)
    return verdict


def found(runs: list[Record]) -> Turn | None:
    return turn(last_verdict(runs), runs, accuracy_recipe(), KNOWN)


def test_the_last_good_and_the_first_bad_night_of_one_that_broke() -> None:
    runs = [
        run(night, value, seed) for night, value in ((1, 0.96), (2, 0.961), (3, 0.8), (4, 0.8)) for seed in range(3)
    ]
    turned = found(runs)
    assert turned
    assert (turned.good.id[:8], turned.bad.id[:8]) == ("20260102", "20260103")
    assert turned.good.job.seed == turned.bad.job.seed
    assert not turned.new


def test_a_regression_of_tonight_is_new() -> None:
    runs = [run(night, value, seed) for night, value in ((1, 0.96), (2, 0.8)) for seed in range(3)]
    turned = found(runs)
    assert turned
    assert turned.new


def test_a_run_that_died_is_compared_with_the_last_that_did_not() -> None:
    dead = run(2, 0.0, seed=1, status=RunStatus.CRASHED, reason="gone")
    turned = found([run(1, 0.96), run(1, 0.96, seed=1), run(1, 0.961, seed=2), run(2, 0.96), dead])
    assert turned
    assert (turned.good.id[:8], turned.good.job.seed, turned.bad) == ("20260101", 1, dead)


def test_what_was_never_good_and_what_is_good_has_no_turn() -> None:
    bad = [run(night, 0.8, seed) for night in (1, 2) for seed in range(3)]
    assert found(bad) is None
    assert found([run(1, 0.96, seed) for seed in range(3)]) is None
