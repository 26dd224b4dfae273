"""``harness inspect``: what is in a capsule and what it would need here.  Runs nothing of it."""

from __future__ import annotations

import json
import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness import datasets, environments, registry, store, wire
from harness.capsule import (
    FILES,
    PROGRAM,
    SHA256,
    Capsule,
    locked_versions,
    normal,
    open_capsule,
    outside,
    packed_environment,
    packed_weights,
    reproducible,
    strange_lines,
)
from harness.core.errors import HarnessError
from harness.core.names import leads_down, printable
from harness.core.reproduction import is_program
from harness.core.values import Environment, Record
from harness.store.kept_weights import are_weights
from harness.wire.digests import code_digest


@dataclass(frozen=True, kw_only=True)
class Inspected:
    """A capsule whose every byte is what it must be, and whose parts agree with each other."""

    capsule: Capsule
    records: tuple[Record, ...]
    environments: dict[str, Environment]
    indexes: dict[str, str]  # by environment: the index that its toml names
    warnings: tuple[str, ...]  # what its locks say that ours would not


@contextmanager
def inspected(path: Path) -> Iterator[Inspected]:
    """Open, verify and read a capsule.  Raises HarnessError for the first thing that is not as it must be."""
    with open_capsule(path) as capsule, tempfile.TemporaryDirectory(prefix="harness-inspect-") as place:
        capsule.verify()
        records = tuple(_record(capsule, run.id, Path(place)) for run in capsule.about.runs)
        shelf = Path(place) / "shelf"
        found: dict[str, Environment] = {}
        indexes: dict[str, str] = {}
        warnings: list[str] = []
        for each in capsule.about.environments:
            for name in capsule.names("environments"):
                if Path(name).stem == each.name:
                    capsule.extract(name, shelf / name)
            found[each.name] = environments.load_environment([shelf], each.name)
            if index := environments.load_definition([shelf], each.name).index:
                indexes[each.name] = index
            warnings += [f"environments/{each.name}.{word}" for word in _strange(capsule, each.name)]
            if each.name == PROGRAM and all(map(is_program, records)):
                _check_program(capsule, each.name, records)
            elif found[each.name].interpreter is None and found[each.name].digest != each.digest:
                raise _apart(capsule, f"environment {each.name} has another digest than its runs were made in")
        _agree(capsule, records)
        for record in records:
            _check_weights(capsule, record, Path(place))
        yield Inspected(capsule=capsule, records=records, environments=found, indexes=indexes, warnings=tuple(warnings))


def inspect(workspace: registry.Workspace, path: Path) -> dict[str, Any]:
    """Everything that a person wants to know before running it."""
    with inspected(path) as found:
        about = found.capsule.about
        return {
            "path": str(path),
            "model": about.model,
            "harness": about.harness,
            "sha256": found.capsule.sha256,
            "files": len(about.files) + 1,
            "bytes": sum(size for _, size in about.files.values()),
            "runs": [_run(found.capsule, record) for record in found.records],
            "verdicts": _sentences(found.capsule),
            "environments": [each.model_dump() for each in about.environments],
            "reproducible": _reproducible(found),
            "needs": list(_needs(workspace, found)),
        }


def _record(capsule: Capsule, run: str, place: Path) -> Record:
    folder = place / "runs" / run
    capsule.extract(f"runs/{run}/record.json", folder / "record.json")
    record = store.RunFolder(folder).load()
    if record is None or record.id != run:
        raise _apart(capsule, f"runs/{run}/record.json is the record of another run")
    return record


def _agree(capsule: Capsule, records: tuple[Record, ...]) -> None:
    """What ``capsule.json`` says of each run is what its record says, and the code is the code that ran."""
    for run, record in zip(capsule.about.runs, records, strict=True):
        said = (capsule.about.model, run.recipe, run.seed, run.environment, run.data)
        job = record.job
        if said != (job.model, job.recipe, job.seed, packed_environment(record), record.digests.get("data")):
            raise _apart(capsule, f"capsule.json and the record of {run.id} tell of different runs")
        known = next(each.digest for each in capsule.about.environments if each.name == run.environment)
        if known != record.digests.get("environment"):
            raise _apart(capsule, f"capsule.json and the record of {run.id} name different environments")
        start = f"code/{run.code}/"
        files = {name.removeprefix(start): digest for name, (digest, _) in capsule.about.files.items()
                 if name.startswith(start)}  # fmt: skip
        if code_digest(files) != run.code or run.code != record.digests.get("code"):
            raise _apart(capsule, f"its code is not what {run.id} ran")


def _check_weights(capsule: Capsule, record: Record, place: Path) -> None:
    """Where they are packed, they are those that the run ended in."""
    name = packed_weights(record.id)
    if name not in capsule.about.files:
        return
    path = place / name
    capsule.extract(name, path)
    try:
        sound = are_weights(path, record.digests.get("weights_final"))
    except HarnessError:
        raise _apart(capsule, f"{name} is no safetensors file") from None
    if not sound:
        raise _apart(capsule, f"{name} does not hold the weights that {record.id} ended in")
    path.unlink()


def _check_program(capsule: Capsule, name: str, records: tuple[Record, ...]) -> None:
    """A program's lock may hold less than was installed, but nothing else; its data lie below its folder."""
    for record in records:
        for file, said in (record.data or {}).get("files", {}).items():
            sound = isinstance(said, dict) and re.fullmatch(SHA256, str(said.get("sha256")))
            if not sound or not isinstance(said.get("bytes"), int) or not (outside(file) or leads_down(file)):
                raise _apart(capsule, f"data file {printable(repr(file), 80)} of {record.id} is none")
        known = {normal(package): version for package, version in record.packages.items()}
        for package, version in locked_versions(capsule.text(f"environments/{name}.lock")).items():
            if known.get(package) != version:
                raise _apart(capsule, f"its lock holds {package} {version}, {record.id} had {known.get(package)}")


def _reproducible(found: Inspected) -> list[str]:
    """Of wrapped programs: what can be made again exactly, and what cannot."""
    programs = [record for record in found.records if is_program(record)]
    if not programs:
        return []
    return reproducible(programs[0], found.capsule.text(f"environments/{PROGRAM}.lock"))


def _strange(capsule: Capsule, name: str) -> list[str]:
    lock = f"environments/{name}.lock"
    found = strange_lines(capsule.text(lock)) if lock in capsule.about.files else []
    return [f"lock: {line}" for line in found]


def _run(capsule: Capsule, record: Record) -> dict[str, Any]:
    return {
        "id": record.id,
        "recipe": record.job.recipe,
        "environment": record.job.environment,
        "framework": record.job.framework,
        "seed": record.job.seed,
        "metrics": dict(record.metrics),
        "machine": record.machine.machine_class if record.machine else "unknown",
        "minutes": record.seconds / 60,
        "weights": record.digests.get("weights_final", ""),
        "weights_bytes": capsule.about.files.get(packed_weights(record.id), ("", 0))[1],
        "repository": dict(record.repository),
    }


def _sentences(capsule: Capsule) -> list[str]:
    try:
        said = json.loads(capsule.read("verdicts.json"))
        return [str(verdict["sentence"]) for verdict in said["verdicts"]]
    except (ValueError, LookupError, TypeError, RecursionError):
        raise _apart(capsule, "verdicts.json holds no verdicts") from None


def _needs(workspace: registry.Workspace, found: Inspected) -> Iterator[str]:
    about = found.capsule.about
    if about.protocol != wire.PROTOCOL:
        yield f"another harness: its worker speaks protocol {about.protocol}, this one {wire.PROTOCOL}"
    for each in about.environments:
        environment = found.environments[each.name]
        if environment.interpreter is not None:
            yield f"{each.name}: the interpreter {environment.interpreter} of the system"
        elif environments.find_built(environment, workspace.state):
            yield f"{each.name}: built here already"
        else:
            told = "its wheels are in the file" if each.wheels else "packages from an index"
            yield f"{each.name}: to be built (Python {environment.python}, {told})"
    for warning in found.warnings:
        yield f"your consent to look elsewhere for packages (--allow-index): {warning}"
    for name in sorted({run.dataset for run in about.runs if run.dataset}):
        if name in about.data:
            yield f"data set {name}: in the file"
        elif name == FILES:
            yield from _files_needed(found)
        elif name in datasets.names():
            yield f"data set {name}: found or fetched by its hash (harness data fetch {name})"
        else:
            yield f"data set {printable(name)}: not known to this harness"
    minutes = sum(record.seconds for record in found.records) / 60
    free = shutil.disk_usage(workspace.root).free
    yield f"about {minutes:.0f} minutes of training, as where it was made; {free / 1e9:.0f} GB are free here"


def _files_needed(found: Inspected) -> Iterator[str]:
    """A wrapped program's data, which no catalogue knows."""
    files = {name: said for record in found.records for name, said in (record.data or {}).get("files", {}).items()}
    for name, said in sorted(files.items()):
        if not outside(name):
            yield f"data file {name} ({said['bytes']:,} bytes, sha256 {said['sha256'][:12]}): in a folder of --data-dir"


def _apart(capsule: Capsule, text: str) -> HarnessError:
    return HarnessError(
        f"{capsule.path}: its parts do not agree: {text}",
        hint="get it again from whoever made it; nothing of it was run",
    )
