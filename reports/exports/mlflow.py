"""Runs as an MLflow file store: experiments, each with its runs, each with its metrics, parameters and tags.

The layout is that of mlflow.store.tracking.file_store (read by mlflow 2 and 3).  Paths in it are relative, so that no
folder of this machine is named: ``mlflow ui`` and ``mlflow migrate-filestore`` are started beside them.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any

from harness.core.values import RunStatus
from reports.exports.told import Told

FINISHED, FAILED = 3, 4  # mlflow.entities.RunStatus
LONGEST = 6000  # characters of a parameter that MLflow takes


def file_store(runs: Sequence[Told], artifacts: Mapping[str, Mapping[str, bytes]]) -> dict[str, bytes]:
    """Path below the store -> content; ``artifacts`` by the run's id."""
    found: dict[str, bytes] = {}
    for run in runs:
        experiment = _experiment_id(run.record.job.model)
        place = f"{experiment}/{run_id(run.record.id)}"
        moment = _milliseconds(min(each.record.started for each in runs if each.spec.name == run.spec.name))
        found[f"{experiment}/meta.yaml"] = _yaml(
            artifact_location=experiment,
            creation_time=moment,
            experiment_id=experiment,
            last_update_time=moment,
            lifecycle_stage="active",
            name=run.record.job.model,
        )
        found[f"{place}/meta.yaml"] = _meta(run, experiment, place)
        for kind, texts in (("metrics", _metrics(run)), ("params", _params(run)), ("tags", _tags(run))):
            found.update({f"{place}/{kind}/{name}": text.encode() for name, text in texts.items()})
        found.update({f"{place}/artifacts/{name}": text for name, text in artifacts[run.record.id].items()})
    return found


def run_id(run: str) -> str:
    """32 hexadecimal digits, as MLflow's own, made of the run's id: exported twice, it is the same run."""
    return hashlib.sha256(run.encode()).hexdigest()[:32]


def _experiment_id(model: str) -> str:
    """18 digits, as MLflow's own."""
    number = int(hashlib.sha256(model.encode()).hexdigest(), 16)
    return str(10**17 + number % (9 * 10**17))


def _meta(run: Told, experiment: str, place: str) -> bytes:
    record = run.record
    return _yaml(
        artifact_uri=f"{place}/artifacts",
        end_time=_milliseconds(record.started + record.seconds),
        entry_point_name="",
        experiment_id=experiment,
        lifecycle_stage="active",
        run_id=run_id(record.id),
        run_name=record.id,
        source_name="",
        source_type=4,  # local
        source_version="",
        start_time=_milliseconds(record.started),
        status=FINISHED if record.status is RunStatus.FINISHED else FAILED,
        tags=[],
        user_id="",
    )


def _metrics(run: Told) -> dict[str, str]:
    """A line each: milliseconds, value, step."""
    lines: dict[str, str] = {}
    for name, step, value, time in run.numbers():
        lines[name] = lines.get(name, "") + f"{_milliseconds(time)} {value!r} {step}\n"
    return lines


def _params(run: Told) -> dict[str, str]:
    job = run.record.job
    told = {name: _word(value) for name, value in run.hyperparameters.items()}
    chosen = {name: str(getattr(job, name)) for name in ("recipe", "framework", "environment", "seed", "threads")}
    return {name: value[:LONGEST] for name, value in {**told, **chosen}.items()}


def _tags(run: Told) -> dict[str, str]:
    record = run.record
    said = {
        "mlflow.runName": record.id,
        "mlflow.source.type": "LOCAL",
        "mlflow.source.git.commit": record.repository.get("head", ""),
        "mlflow.source.git.repoURL": record.repository.get("remote", ""),
        "harness.status": record.status.value,
        "harness.machine": record.machine.machine_class if record.machine else "",
        "harness.dataset": str((record.data or {}).get("name", "")),
        **{f"harness.digest.{name}": digest for name, digest in record.digests.items()},
    }
    return {name: value for name, value in said.items() if value}


def _word(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _milliseconds(seconds: float) -> int:
    return round(seconds * 1000)


def _yaml(**fields: Any) -> bytes:
    """JSON's words are YAML's."""
    return "".join(f"{name}: {json.dumps(value)}\n" for name, value in sorted(fields.items())).encode()
