from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from harness.core.fold import fold
from harness.core.values import Record, RunStatus
from harness.wire.events import Event
from tests.core.examples import record

JOB = record().job


def folded(*events: tuple[str, Mapping[str, Any]]) -> Record:
    return fold("id", JOB, [Event(kind, 100.0 + index, dict(fields)) for index, (kind, fields) in enumerate(events)])


START = ("run_start", {"pid": 1})
SCORE = ("eval_accuracy", {"metric": "top1", "value": 0.9, "epoch": 0})
STOP = ("run_stop", {"status": "finished", "reason": ""})
EXIT = ("worker_exit", {"returncode": 0})


def test_a_run_with_a_last_word_is_finished() -> None:
    done = folded(START, SCORE, STOP, EXIT)
    assert done.status is RunStatus.FINISHED
    assert done.metrics == {"top1": 0.9}
    assert done.seconds == 3.0


def test_a_run_without_a_last_word_is_crashed_whatever_it_measured() -> None:
    dead = folded(START, SCORE, ("worker_exit", {"returncode": -9}))
    assert dead.status is RunStatus.CRASHED
    assert "signal 9" in dead.reason


def test_a_clean_exit_status_without_a_last_word_is_crashed_too() -> None:
    assert folded(START, SCORE, EXIT).status is RunStatus.CRASHED


def test_a_death_after_the_last_word_is_not_finished() -> None:
    assert folded(START, SCORE, STOP, ("worker_exit", {"returncode": -11})).status is RunStatus.CRASHED


def test_a_deadline_and_an_interrupt_have_a_status_of_their_own() -> None:
    late = folded(START, ("reaped", {"reason": "deadline", "seconds": 60.0}), ("worker_exit", {"returncode": -15}))
    stopped = folded(START, ("reaped", {"reason": "interrupted"}))
    assert late.status is RunStatus.TIMEOUT
    assert "60 s" in late.reason
    assert stopped.status is RunStatus.INTERRUPTED


def test_no_events_at_all_is_a_crash() -> None:
    assert folded().status is RunStatus.CRASHED


def test_the_last_value_of_a_metric_counts_and_all_make_the_curve() -> None:
    done = folded(
        START,
        SCORE,
        ("eval_accuracy", {"metric": "top1", "value": 0.95, "epoch": 1}),
        ("epoch_stop", {"epoch": 0, "loss": 2.0, "samples": 10, "seconds": 2.0}),
        STOP,
    )
    assert done.metrics["top1"] == 0.95
    assert done.curves["top1"] == ((0, 0.9), (1, 0.95))
    assert done.curves["loss"] == ((0, 2.0),)
    assert done.curves["samples_per_second"] == ((0, 5.0),)


def test_a_number_that_travelled_as_a_string_is_a_number_again() -> None:
    done = folded(START, ("eval_accuracy", {"metric": "top1", "value": "NaN", "epoch": None}), STOP)
    assert math.isnan(done.metrics["top1"])


def test_garbled_lines_are_counted() -> None:
    assert folded(START, ("garbled", {"line": "?"}), STOP).garbled_lines == 1


def test_digests_come_from_both_sides() -> None:
    done = folded(
        ("submitted", {"code": "c", "environment": "e", "data": {"name": "digits"}}),
        START,
        ("data", {"name": "digits", "digest": "d"}),
        ("weights", {"moment": "initial", "sha256": "i", "parameters": 5}),
        ("weights", {"moment": "final", "sha256": "f", "parameters": 5}),
        STOP,
    )
    assert done.digests == {
        "code": "c",
        "environment": "e",
        "data": "d",
        "weights_initial": "i",
        "weights_final": "f",
    }
    assert done.parameters == 5


def test_what_an_environment_sets_is_recorded_whatever_the_worker_may_tell() -> None:
    done = folded(
        ("submitted", {"variables": {"PYTHONPATH": "/spoilt", "TF_X": "0"}}),
        ("environment", {"packages": {}, "variables": {"OMP_NUM_THREADS": "2", "TF_X": "1"}}),
        STOP,
    )
    assert done.variables == {"PYTHONPATH": "/spoilt", "OMP_NUM_THREADS": "2", "TF_X": "1"}


def test_the_clocks_of_a_speed_stand_beside_what_the_worker_measured() -> None:
    done = folded(("measurement", {"cpu_share": 0.9}), STOP, ("clocks", {"throttled_share": 0.1, "cpu_mhz": 3e3}))
    assert done.measurement == {"cpu_share": 0.9, "throttled_share": 0.1, "cpu_mhz": 3000.0}
