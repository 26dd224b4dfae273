"""``ro-crate-metadata.json``: the same story in the words of RO-Crate 1.1 and its Process Run Crate profile 0.5.

https://www.researchobject.org/workflow-run-crate/profiles/process_run_crate/: each run is a CreateAction whose
instrument is the model's code, whose objects are its lock and data, and whose result is its record.
"""

from __future__ import annotations

import datetime
import json
from collections.abc import Sequence
from typing import Any

from harness.capsule.manifest import About, packed_weights
from harness.core.values import Record

METADATA = "ro-crate-metadata.json"
PROFILE = "https://w3id.org/ro/wfrun/process/0.5"
MEDIA = {
    ".json": "application/json", ".jsonl": "application/jsonl", ".py": "text/x-python", ".md": "text/markdown",
    ".toml": "application/toml", ".html": "text/html", ".whl": "application/zip", ".npy": "application/octet-stream",
    ".safetensors": "application/octet-stream",
}  # fmt: skip


def describe_crate(about: About, files: Sequence[str], *, title: str, licence: str, runs: Sequence[Record]) -> bytes:
    """The metadata of a crate that holds ``files``.  The same arguments give the same bytes."""
    from rocrate.model import ContextEntity, DataEntity
    from rocrate.rocrate import ROCrate

    crate = ROCrate(gen_preview=False, version="1.1")
    last = max(record.started + record.seconds for record in runs)
    crate.name = f"{about.model}: {len(about.runs)} run(s), to be trained again"
    crate.description = f"Code, recipe, lock, records and baselines of {title}, packed by harness {about.harness}."
    crate.datePublished = datetime.datetime.fromtimestamp(last, datetime.UTC)
    crate.license = licence
    profile = {"@type": "CreativeWork", "name": "Process Run Crate", "version": "0.5"}
    crate.root_dataset["conformsTo"] = crate.add(ContextEntity(crate, PROFILE, properties=profile))
    entities = {}
    for name in sorted(files):
        ending = name[name.rfind(".") :]
        properties = {"@type": "File", "name": name, "encodingFormat": MEDIA.get(ending, "text/plain")}
        entities[name] = crate.add(DataEntity(crate, name, properties=properties))
    codes = {
        run.code: crate.add(
            ContextEntity(
                crate,
                f"hash://sha256/{run.code}",
                properties={
                    "@type": "SoftwareApplication",
                    "name": f"{about.model}, as it ran",
                    "softwareVersion": run.code,
                },
            )
        )
        for run in about.runs
    }
    when = {record.id: record for record in runs}
    actions = []
    for run in about.runs:
        inputs = [entities[f"environments/{run.environment}.toml"], entities[f"runs/{run.id}/job.json"]]
        inputs += [entities[name] for name in (f"environments/{run.environment}.lock",) if name in entities]
        results = [f"runs/{run.id}/record.json", packed_weights(run.id)]
        action = crate.add_action(
            codes[run.code],
            identifier=f"#{run.id}",
            object=inputs,
            result=[entities[name] for name in results if name in entities],
            properties={
                "@type": "CreateAction",
                "name": f"{about.model}/{run.recipe} in {run.environment}, seed {run.seed}",
                "startTime": _moment(when[run.id].started),
                "endTime": _moment(when[run.id].started + when[run.id].seconds),
                "description": "trained from scratch, as events.jsonl beside its record tells",
                "actionStatus": "http://schema.org/CompletedActionStatus",
            },
        )
        actions.append(action)
    crate.root_dataset["mentions"] = actions
    said: dict[str, Any] = crate.metadata.generate()
    said["@graph"] = sorted(said["@graph"], key=lambda entity: str(entity["@id"]))
    return json.dumps(said, indent=1, sort_keys=True).encode() + b"\n"


def _moment(seconds: float) -> str:
    return datetime.datetime.fromtimestamp(seconds, datetime.UTC).isoformat(timespec="seconds")
