"""Events into a record.  Pure: the same events give the same record."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from harness.core.digests import installed_digest
from harness.core.values import Job, Machine, Pair, Record, RunStatus
from harness.wire.digests import code_digest
from harness.wire.events import Event, number


def fold(id: str, job: Job, events: Iterable[Event], *, path: str = "") -> Record:
    """What the events of one run say, complete or not.

    A run without ``run_stop`` is crashed, timed out or interrupted and never finished, whatever
    metrics it reported on the way.
    """
    history = list(events)
    last = {event.kind: event.fields for event in history}  # the latest of each kind
    status, reason = _status(last)
    if status is not RunStatus.FINISHED:
        reason += _goes_on(id, last)
    started = history[0].time if history else 0.0
    stopped = history[-1].time if history else 0.0
    submitted = last.get("submitted", {})
    settings = {name: value for event in history if event.kind == "settings" for name, value in event.fields.items()}
    times = last.get("step_times", {})
    determinism = last.get("determinism", {})
    return Record(
        id=id,
        job=job,
        status=status,
        reason=reason,
        started=started,
        seconds=max(0.0, stopped - started),
        metrics={
            str(event.fields["metric"]): number(event.fields["value"])
            for event in history
            if event.kind == "eval_accuracy"
        },
        curves=_curves(history),
        step_seconds=tuple(number(value) for value in times.get("seconds", ())),
        warmup_steps=int(times.get("warmup", 0)),
        samples_per_step=int(times.get("samples", 0)),
        machine=_machine(last.get("machine")),
        packages=_packages(last),
        variables={**submitted.get("variables", {}), **last.get("environment", {}).get("variables", {})},
        libraries=_libraries(last),
        settings=settings,
        measurement={
            name: number(value) for kind in ("clocks", "measurement") for name, value in last.get(kind, {}).items()
        },
        deterministic=determinism.get("held"),
        determinism_notes=tuple(map(str, determinism.get("reasons", ()))),
        digests=_digests(history, submitted, last),
        parameters=last.get("weights", {}).get("parameters"),
        data=_data(submitted, last),
        garbled_lines=sum(event.kind == "garbled" for event in history),
        pair=Pair(**submitted["pair"]) if submitted.get("pair") else None,
        night=str(submitted.get("night", "")),
        repository={str(name): str(value) for name, value in (submitted.get("repository") or {}).items()},
        installed={str(name): str(sha256) for name, sha256 in last.get("files", {}).get("installed", {}).items()},
        elsewhere=tuple(map(str, last.get("files", {}).get("elsewhere", ()))),
        edited=tuple(
            str(name)
            for kind, field in (("edited", "files"), ("files", "edited"))
            for name in last.get(kind, {}).get(field, ())
        ),
        parent=str(submitted.get("parent", "")),
        relation=str(submitted.get("relation", "")),
        initial=str(submitted.get("initial", "")),
        path=path,
    )


def _status(last: dict[str, dict[str, Any]]) -> tuple[RunStatus, str]:
    if "reaped" in last:
        if last["reaped"].get("reason") == "deadline":
            return RunStatus.TIMEOUT, f"stopped at its deadline of {last['reaped'].get('seconds', 0):.0f} s"
        told = last.get("run_stop", {})
        word = str(last["reaped"].get("reason", "interrupted"))
        return RunStatus.INTERRUPTED, f"{word}: {told['reason']}" if told.get("status") == "stopped" else word
    exit_code = last.get("worker_exit", {}).get("returncode")
    if "run_stop" not in last:
        where = f" after epoch {last['epoch_stop']['epoch']}" if "epoch_stop" in last else " before its first epoch"
        return RunStatus.CRASHED, f"the worker died without a last word{where} ({_exit(exit_code)}); see worker.log"
    if last["run_stop"].get("status") == "stopped":
        return RunStatus.INTERRUPTED, str(last["run_stop"].get("reason", ""))
    if last["run_stop"].get("status") != "finished":
        return RunStatus.ERROR, str(last["run_stop"].get("reason", "")) or "the worker gave no reason"
    if exit_code not in (0, None):
        return RunStatus.CRASHED, f"the worker died after its last event ({_exit(exit_code)}); see worker.log"
    return RunStatus.FINISHED, ""


def _goes_on(id: str, last: dict[str, dict[str, Any]]) -> str:
    """Where a run that did not finish left a state, its own or that of the run which it resumed."""
    at = last.get("checkpoint") or last.get("resumed")
    if at is None:
        return ""
    return f"; it can go on from epoch {at['epoch']}, step {at['step']}: python -m harness run --resume {id}"


def _exit(code: int | None) -> str:
    if code is None:
        return "exit status unknown"
    return f"killed by signal {-code}" if code < 0 else f"exit status {code}"


def _packages(last: dict[str, dict[str, Any]]) -> dict[str, str]:
    """Of the environment; a wrapped program has its own."""
    return dict(last.get("files", {}).get("packages") or last.get("environment", {}).get("packages", {}))


def _libraries(last: dict[str, dict[str, Any]]) -> dict[str, str]:
    """As the framework reports them; of a wrapped program its Python is known."""
    found = {name: str(value) for name, value in last.get("libraries", {}).items()}
    python = last.get("files", {}).get("python")
    return {**found, "python": str(python)} if python else found


def _data(submitted: dict[str, Any], last: dict[str, dict[str, Any]]) -> dict[str, Any] | None:
    """The manifest; for a wrapped program the files that it read."""
    if "files" not in last:
        return submitted.get("data")
    return {
        "name": "files",
        "layout": "files",
        "source": "as the program opened them",
        "licence": "not known",
        "splits": {},
        "files": last["files"]["data"],
    }


def _curves(history: list[Event]) -> dict[str, tuple[tuple[int, float], ...]]:
    """``loss`` from the epochs' ends, every metric from its evaluations, by epoch."""
    curves: dict[str, dict[int, float]] = {}
    for event in history:
        if event.kind == "epoch_stop" and event.fields["samples"]:
            curves.setdefault("loss", {})[int(event.fields["epoch"])] = number(event.fields["loss"])
            rate = number(event.fields["samples"]) / max(number(event.fields["seconds"]), 1e-9)
            curves.setdefault("samples_per_second", {})[int(event.fields["epoch"])] = rate
        elif event.kind == "eval_accuracy" and event.fields["epoch"] is not None:
            name = str(event.fields["metric"])
            curves.setdefault(name, {})[int(event.fields["epoch"])] = number(event.fields["value"])
    return {name: tuple(sorted(points.items())) for name, points in curves.items()}


def _machine(fields: dict[str, Any] | None) -> Machine | None:
    return Machine(**{**fields, "gpus": tuple(fields["gpus"])}) if fields else None


def _digests(history: list[Event], submitted: dict[str, Any], last: dict[str, dict[str, Any]]) -> dict[str, str]:
    digests: dict[str, str] = {}
    for name in ("code", "environment"):
        if name in submitted:
            digests[name] = str(submitted[name])
    if "data" in last:
        digests["data"] = str(last["data"]["digest"])
    if "first_batches" in last:
        digests["first_batches"] = " ".join(digest[:16] for digest in last["first_batches"]["sha256"])
    if "files" in last:
        digests["code"] = code_digest(last["files"]["code"])
        if last["files"].get("installed"):
            digests["environment"] = installed_digest(
                str(last["files"]["python"]), last["files"]["packages"], last["files"]["installed"]
            )
        digests["data"] = code_digest({name: said["sha256"] for name, said in last["files"]["data"].items()})
    for event in history:
        if event.kind == "weights":
            digests[f"weights_{event.fields['moment']}"] = str(event.fields["sha256"])
    return digests
