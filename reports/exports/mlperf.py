"""A run as lines of MLPerf's mllog, keys as mlperf_logging.mllog.constants names them.

Told is what was measured.  Of who submits nothing is known: whoever hands in fills in submission_org and its like.
``eval_accuracy`` is the recipe's first metric; the others are ``tracked_stats`` at the same moment.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

from harness.core.values import RunStatus
from harness.wire.events import Event, number
from reports.exports.told import Told

POINT, START, END = "POINT_IN_TIME", "INTERVAL_START", "INTERVAL_END"
NOBODY = "not submitted"
# Hyper-parameters that MLPerf has a key for.
KEYS = {
    "batch_size": "global_batch_size",
    "learning_rate": "opt_base_learning_rate",
    "optimizer": "opt_name",
    "weight_decay": "opt_weight_decay",
    "momentum": "sgd_opt_momentum",
}
Line = tuple[float, str, str, Any, dict[str, Any]]  # time, type, key, value, metadata


def mlperf_log(run: Told) -> str:
    """The lines in the order of their times."""
    lines = [*_beginning(run), *_training(run), _end(run)]
    return "".join(_line(*line) for line in lines)


def _beginning(run: Told) -> Iterator[Line]:
    record = run.record
    begun = record.started
    yield begun, START, "init_start", None, {}
    yield begun, POINT, "cache_clear", False, {}  # nobody cleared any
    told = {
        "submission_benchmark": record.job.model,
        "submission_org": NOBODY,
        "submission_division": "open",
        "submission_status": "research",
        "submission_platform": record.machine.machine_class if record.machine else "unknown",
        "submission_entry": f"{record.job.recipe} in {record.job.environment}",
        "seed": record.job.seed,
        **{key: run.hyperparameters[name] for name, key in KEYS.items() if name in run.hyperparameters},
    }
    counted = {"train_samples": run.samples("train"), "eval_samples": run.samples(_split(run))}
    for key, value in {**told, **{key: value for key, value in counted.items() if value is not None}}.items():
        yield begun, POINT, key, value, {}
    ready = max((event.time for event in run.events if event.kind == "settings"), default=begun)
    yield ready, END, "init_stop", None, {}
    yield ready, START, "run_start", None, {}


def _training(run: Told) -> Iterator[Line]:
    first, began, trained = run.recipe.metrics[0].name, 0.0, 0.0
    stops = {event.fields["epoch"]: event for event in run.events if event.kind == "epoch_stop"}
    for event in run.events:
        epoch = event.fields.get("epoch")
        metadata = {"epoch_num": 1 if epoch is None else epoch + 1}
        if event.kind == "epoch_start":
            began = event.time
            trained = began + _seconds(stops.get(epoch))
            yield began, START, "epoch_start", None, metadata
        elif event.kind == "epoch_stop":
            yield event.time, END, "epoch_stop", None, metadata
        elif event.kind == "eval_accuracy" and event.fields["metric"] == first:
            yield min(max(trained, began), event.time), START, "eval_start", None, metadata
            yield event.time, POINT, "eval_accuracy", number(event.fields["value"]), {**metadata, "metric": first}
            yield event.time, END, "eval_stop", None, metadata
        elif event.kind == "eval_accuracy":
            value = {str(event.fields["metric"]): number(event.fields["value"])}
            yield event.time, POINT, "tracked_stats", value, metadata


def _seconds(stop: Event | None) -> float:
    """That an epoch trained, before it was evaluated."""
    return number(stop.fields["seconds"]) if stop else 0.0


def _end(run: Told) -> Line:
    ended = run.record.started + run.record.seconds
    status = "success" if run.record.status is RunStatus.FINISHED else "aborted"
    return ended, END, "run_stop", None, {"status": status}


def _split(run: Told) -> str:
    return run.recipe.metrics[0].split


def _line(time: float, kind: str, key: str, value: Any, metadata: dict[str, Any]) -> str:
    where = {"file": "harness", "lineno": 0}
    said = {
        "namespace": "",
        "time_ms": round(time * 1000),
        "event_type": kind,
        "key": key,
        "value": value,
        "metadata": {**where, **metadata},
    }
    return f":::MLLOG {json.dumps(said)}\n"


def logs(runs: Sequence[Told]) -> dict[str, bytes]:
    """A file for each run, as MLPerf's checkers read them."""
    return {f"{run.record.id}.log": mlperf_log(run).encode() for run in runs}
