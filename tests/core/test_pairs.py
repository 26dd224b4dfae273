from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import pytest

from harness.core.pairs import (
    RunPair,
    aa_history,
    compare_accuracy,
    compare_speed,
    in_pairs,
    order,
    undisturbed,
    usable,
    worth_judging,
)
from harness.core.values import Pair, Record, RunStatus, Status
from tests.core.examples import MACHINE, QUIET, accuracy_recipe, record, speed_recipe

SPEED = speed_recipe().metrics[0]
TOP1 = accuracy_recipe().metrics[0]


def timed(number: int, side: str, seconds: float, environment: str = "a", **changes: Any) -> Record:
    fields: dict[str, Any] = {
        "metrics": {"samples_per_second": 1 / seconds},
        "step_seconds": (9.0, seconds, seconds, seconds),
        "warmup_steps": 1,
        "pair": Pair(session="s", number=number, side=side),  # type: ignore[arg-type]
        **changes,
    }
    return record(seed=number, recipe="speed", mode="speed", environment=environment, **fields)


def pairs(slower: float, count: int = 4) -> list[RunPair]:
    noise = (0.002, -0.003, 0.001, -0.002, 0.003, 0.0)
    return [
        (timed(i, "A", 1 + noise[i]), timed(i, "B", slower * (1 - noise[i]), environment="b")) for i in range(count)
    ]


def test_the_order_is_abba() -> None:
    assert [side for number in range(4) for side in order(number)] == ["A", "B", "B", "A", "A", "B", "B", "A"]


def test_ten_percent_slower_beside_the_other_is_a_regression() -> None:
    verdict = compare_speed(pairs(1.1), SPEED, history=())
    assert verdict.status is Status.REGRESSION
    assert verdict.measured == pytest.approx(1 / 1.1, rel=0.01)
    assert "in a (4 runs beside these)" in verdict.sentence


def test_equal_speeds_pass_and_a_lower_reading_lies_in_its_interval() -> None:
    verdict = compare_speed(pairs(1.0, 6), SPEED, history=())
    assert verdict.status is Status.PASS
    assert verdict.low is not None
    assert verdict.high is not None
    assert verdict.measured is not None
    assert verdict.low < verdict.measured < verdict.high


def test_a_dead_run_is_an_error_on_either_side() -> None:
    dead = timed(0, "A", 1.0, status=RunStatus.CRASHED, reason="killed")
    assert compare_speed([(dead, timed(0, "B", 1.0))], SPEED, ()).status is Status.ERROR
    assert not usable((dead, timed(0, "B", 1.0)))


def test_a_disturbed_pair_is_invalid() -> None:
    disturbed = timed(0, "A", 1.0, measurement={**QUIET, "foreign_share": 0.4})
    assert compare_speed([(disturbed, timed(0, "B", 1.0))], SPEED, ()).status is Status.INVALID


def test_runs_without_steps_never_pass() -> None:
    without = [(timed(i, "A", 1.0, step_seconds=()), timed(i, "B", 1.0, step_seconds=())) for i in range(4)]
    assert compare_speed(without, SPEED, ()).status is Status.UNMEASURED


def test_only_aa_pairs_of_the_job_on_this_machine_are_its_history() -> None:
    aa = [timed(0, "A", 1.0), timed(0, "B", 1.1)]
    ab = [timed(1, "A", 1.0), timed(1, "B", 2.0, environment="b")]
    half = [timed(2, "A", 1.0)]
    disturbed = [timed(3, "A", 1.0), timed(3, "B", 1.0, measurement={})]
    other_code = [timed(4, "A", 1.0), timed(4, "B", 1.0, digests={"code": "x", "environment": "e"})]
    runs = [*aa, *ab, *half, *disturbed, *other_code]
    found = aa_history(runs, model="toy", recipe="speed", machine_class=MACHINE.machine_class)
    assert found == pytest.approx((math.log(1.1),))
    assert aa_history(runs, model="toy", recipe="speed", machine_class="another") == ()


def trained(values: tuple[float, ...], environment: str, weights: str) -> list[Record]:
    return [
        record(seed=seed, environment=environment, metrics={"top1": value}, digests={"weights_final": weights})
        for seed, value in enumerate(values)
    ]


def test_equal_weights_pass_after_one_seed_and_say_so() -> None:
    ones, others = trained((0.9,), "a", "w"), trained((0.9,), "b", "w")
    verdict = compare_accuracy(ones, others, TOP1, None)
    assert verdict.status is Status.PASS
    assert "bit for bit" in verdict.sentence


def test_missing_digests_are_not_equal_weights() -> None:
    ones, others = trained((0.9,), "a", "w"), trained((0.9,), "b", "w")
    bare = [record(environment=run.job.environment, metrics={"top1": 0.9}, digests={}) for run in (*ones, *others)]
    assert compare_accuracy(bare[:1], bare[1:], TOP1, None).status is Status.INCONCLUSIVE


def test_a_loss_of_accuracy_beside_the_other_is_a_regression() -> None:
    ones = trained((0.960, 0.962, 0.958, 0.961, 0.959), "a", "w")
    others = trained((0.86, 0.862, 0.858, 0.861, 0.859), "b", "v")
    assert compare_accuracy(ones, others, TOP1, None).status is Status.REGRESSION


def test_a_disturbed_pair_that_was_made_again_does_not_speak_for_its_session() -> None:
    disturbed = timed(1, "B", 1.5, measurement={**QUIET, "foreign_share": 0.5})
    alone = record(seed=9)
    runs = [timed(0, "A", 1.0), timed(0, "B", 1.1), timed(1, "A", 1.0), disturbed, alone]
    runs = [replace(run, id=f"{number}") for number, run in enumerate(runs)]
    (session,) = in_pairs(runs).values()
    assert [pair[0].job.seed for pair in session] == [0, 1]
    assert [pair[0].job.seed for pair in worth_judging(session)] == [0]
    assert [run.id for run in undisturbed(runs)] == ["0", "1", "4"]
    assert undisturbed(runs[2:]) == runs[2:]  # where none is usable, all say so


def test_a_throttled_machine_says_nothing_about_speed() -> None:
    throttled = timed(0, "A", 1.0, measurement={**QUIET, "throttled_share": 0.2}), timed(0, "B", 1.0)
    assert not usable(throttled)
    verdict = compare_speed([throttled], SPEED, history=())
    assert verdict.status is Status.INVALID
    assert "throttled 20% of the time" in verdict.sentence
