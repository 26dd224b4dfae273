"""``harness export``: runs in the words of MLflow, TensorBoard, MLPerf or the Hugging Face Hub."""

from __future__ import annotations

import dataclasses
import json
import os
import shutil
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from harness import registry, store
from harness.capsule import named_nowhere, public_program, public_record, public_variables
from harness.commands.pack import check_privacy
from harness.commands.report import judge_models, models_of
from harness.core.errors import HarnessError
from harness.core.reproduction import is_program
from harness.core.values import ModelSpec, Record
from harness.store import RunFolder
from harness.wire.events import dumps
from reports.exports import Told, event_files, file_store, logs, model_card

CARD = "README.md"


def export(workspace: registry.Workspace, runs: Sequence[str], format: str, target: Path) -> dict[str, Any]:
    """Write ``target``, whole or not at all.  Equal runs give equal bytes; no path, user or host is in them.

    Raises HarnessError where ``target`` exists, or a text would still name this machine.
    """
    if target.exists() or not target.absolute().parent.is_dir():
        said = "exists" if target.exists() else "its folder does not exist"
        raise HarnessError(f"{target}: {said}", hint="choose another name")
    records = [store.load_run(workspace.state, name) for name in sorted(set(runs))]
    files = _FORMATS[format](workspace, records)
    texts = {name if Path(name).suffix else f"{name}.txt": content for name, content in files.items()}
    check_privacy(workspace, texts, hint="an export names no machine: take it out of the model's files and run again")
    with store.disk_faults(target):
        _write(target, files)
    return {"path": str(target), "format": format, "runs": [record.id for record in records], "files": sorted(files)}


def _mlflow(workspace: registry.Workspace, records: Sequence[Record]) -> dict[str, bytes]:
    told = _told(workspace, records)
    artifacts = {
        run.record.id: {"record.json": dumps(public_record(dataclasses.asdict(run.record)), indent=1).encode() + b"\n"}
        for run in told
    }
    return file_store(told, artifacts)


def _card(workspace: registry.Workspace, records: Sequence[Record]) -> dict[str, bytes]:
    models = sorted({record.job.model for record in records})
    if len(models) > 1:
        raise HarnessError(f"these are runs of {' and '.join(models)}", hint="write a card for each model")
    _, baseline = models_of(workspace, records)[models[0]]
    verdicts, _ = judge_models(workspace, records)
    return {CARD: model_card(_told(workspace, records), verdicts, baseline).encode()}


_FORMATS: Mapping[str, Callable[[registry.Workspace, Sequence[Record]], dict[str, bytes]]] = {
    "mlflow": _mlflow,
    "tensorboard": lambda workspace, records: event_files(_told(workspace, records)),
    "mlperf": lambda workspace, records: logs(_told(workspace, records)),
    "model-card": _card,
}


def _told(workspace: registry.Workspace, records: Sequence[Record]) -> list[Told]:
    models = models_of(workspace, records)
    return [_one(record, models[record.job.model][0]) for record in records]


def _one(record: Record, spec: ModelSpec) -> Told:
    if record.job.recipe not in spec.recipes:
        raise HarnessError(
            f"{record.id}: {spec.name} has no recipe {record.job.recipe} any more",
            hint="export runs of today's recipes",
        )
    folder = RunFolder(Path(record.path))
    job = json.loads((folder.path / "job.json").read_text(encoding="utf-8"))
    hyperparameters = job["hyperparameters"]
    recipe = spec.recipes[record.job.recipe]
    if is_program(record):
        hyperparameters = named_nowhere(hyperparameters)
        recipe = dataclasses.replace(recipe, summary=" ".join(hyperparameters["argv"]))
    public = public_program(record)
    return Told(
        record=dataclasses.replace(public, path="", variables=public_variables(record.variables)),
        spec=spec,
        recipe=recipe,
        hyperparameters=hyperparameters,
        events=tuple(folder.events()),
    )


def _write(target: Path, files: Mapping[str, bytes]) -> None:
    """A folder; a card is a file of its own.  Made under another name first."""
    temporary = target.with_name(f".{target.name}.{os.getpid()}.tmp")
    try:
        for name, content in files.items():
            path = temporary if set(files) == {CARD} else temporary / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        temporary.rename(target)
    finally:
        if temporary.is_dir():
            shutil.rmtree(temporary)
        temporary.unlink(missing_ok=True)
