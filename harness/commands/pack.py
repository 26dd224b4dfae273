"""``harness pack``: runs, and all that is needed to make them again, in one file."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import platform
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import tomlkit

import harness
from harness import environments, registry, store, wire
from harness.capsule import (
    FILES,
    METADATA,
    PROGRAM,
    About,
    Content,
    EnvironmentEntry,
    RunEntry,
    describe_crate,
    download_wheels,
    named,
    outside,
    packed_environment,
    packed_weights,
    public_event,
    public_files,
    public_hyperparameters,
    public_job,
    public_program,
    public_record,
    public_variables,
    write_capsule,
)
from harness.commands.report import judge_models, models_of, page_about
from harness.core.errors import HarnessError
from harness.core.reproduction import is_program
from harness.core.values import Record, RunStatus
from harness.store import RunFolder
from harness.store.kept_weights import are_weights
from harness.wire.digests import code_digest
from harness.wire.events import dumps, encode
from harness.wire.weights import FILE as WEIGHTS
from reports.capsule import render_readme
from reports.html import render, utc
from reports.progress import Progress

FREE = ("CC BY 4", "CC0", "MIT", "BSD", "Apache", "public domain")  # how a licence begins that lets data travel
OF_A_PROGRAM = "project/"  # where a wrapped program's own files lie in a run's code/
TEXTS = (".json", ".jsonl", ".toml", ".lock", ".md", ".html", ".py", ".diff", ".txt")


@dataclasses.dataclass(frozen=True, kw_only=True)
class Packed:
    path: Path
    bytes: int
    about: About


def pack(
    workspace: registry.Workspace,
    runs: Sequence[str],
    target: Path,
    *,
    with_wheels: bool = False,
    with_data: bool = False,
    with_weights: bool = False,
    include_host: bool = False,
) -> Packed:
    """Write ``target``.  Equal runs give equal bytes.  Raises HarnessError for what could not be made again."""
    records = [store.load_run(workspace.state, name) for name in sorted(set(runs))]
    _check(records)
    if not include_host:
        records = [public_program(record) for record in records]
    with Progress() as progress, tempfile.TemporaryDirectory(prefix="harness-pack-") as workshop:
        contents: dict[str, Content] = {}
        for record in records:
            contents.update(_run(record, include_host=include_host))
            contents.update(_code(record))
            contents.update(_environment(workspace, record, progress))
            if with_weights:
                contents.update(_weights(record))
        _check_programs(records, contents)
        wheels = frozenset[str]()
        if with_wheels:
            wheels = _add_wheels(contents, Path(workshop), progress)
        data = _add_data(records, contents) if with_data else {}
        contents.update(_baseline(workspace, records[0].job.model))
        about = _about(records, wheels, data)
        _describe(workspace, records, about, contents, include_host=include_host)
        if not include_host:
            check_privacy(
                workspace, contents, hint="take it out of the code and run again, or pack with --include-host"
            )
        write_capsule(target, about, contents)
    return Packed(path=target, bytes=target.stat().st_size, about=about)


def _check(records: Sequence[Record]) -> None:
    models = sorted({record.job.model for record in records})
    if len(models) > 1:
        raise HarnessError(f"these are runs of {' and '.join(models)}", hint="pack one model's runs at a time")
    for record in records:
        if record.status is not RunStatus.FINISHED:
            raise HarnessError(f"{record.id} is {record.status.value}: it holds no result to be made again")
        if record.initial:
            raise HarnessError(
                f"{record.id} started from the weights of {record.initial}, which a capsule does not carry",
                hint="pack a run that was trained from scratch",
            )
        if record.job.mode != "train":
            raise HarnessError(
                f"{record.id} measured a speed, which belongs to the machine", hint="pack runs that trained"
            )
        if is_program(record) and not record.installed:
            raise HarnessError(
                f"{record.id} does not say what was installed for it: its program is no Python,"
                " or was wrapped by an older harness",
                hint="wrap it again",
            )
        if record.job.environment == environments.CURRENT and not is_program(record):
            raise HarnessError(
                f"{record.id} ran in the interpreter of the harness, which has no lock",
                hint=f"make it in an environment: harness run {record.job.model} --environment NAME",
            )


def _run(record: Record, *, include_host: bool) -> Iterator[tuple[str, Content]]:
    folder = RunFolder(Path(record.path))
    place = f"runs/{record.id}"
    job = json.loads((folder.path / "job.json").read_text(encoding="utf-8"))
    if is_program(record):
        job["hyperparameters"] = public_hyperparameters(job["hyperparameters"], include_host=include_host)
        yield f"{place}/model.toml", _program_toml(record, include_host=include_host)
    hide = public_files if not include_host else dict
    events = "".join(
        encode(public_event(event._replace(fields=hide(event.fields)) if event.kind == "files" else event))
        for event in folder.events()
    )
    yield f"{place}/record.json", _json(public_record(dataclasses.asdict(record)))
    yield f"{place}/job.json", _json(public_job(job))
    yield f"{place}/events.jsonl", events.encode()
    difference = folder.path / "uncommitted.diff"
    if difference.is_file():
        yield f"{place}/uncommitted.diff", difference.read_bytes()
    if include_host and (folder.path / "worker.log").is_file():
        yield f"{place}/worker.log", (folder.path / "worker.log").read_bytes()


def _weights(record: Record) -> Iterator[tuple[str, Content]]:
    """The final weights that the run kept, where they are still those that it ended in."""
    path = Path(record.path) / WEIGHTS
    if not path.is_file():
        raise HarnessError(
            f"{record.id} kept no final weights",
            hint="pack without --with-weights, or train it again with --keep-weights",
        )
    if not are_weights(path, record.digests.get("weights_final")):
        raise HarnessError(f"{path}: are not the weights that the run ended in", hint="train it again")
    yield packed_weights(record.id), path


def _without_places(record: Record) -> Record:
    return dataclasses.replace(record, path="", variables=public_variables(record.variables))


def _code(record: Record) -> dict[str, Content]:
    """The snapshot that the run was made from, under its digest: runs of the same code share it."""
    folder = RunFolder(Path(record.path))
    files = {name: path.read_bytes() for name, path in folder.code_files().items()}
    if is_program(record):  # the files of its project, beside which lies only how we ran it
        files = {name.removeprefix(OF_A_PROGRAM): text for name, text in files.items() if name.startswith(OF_A_PROGRAM)}
    digest = record.digests.get("code", "")
    if code_digest({name: hashlib.sha256(content).hexdigest() for name, content in files.items()}) != digest:
        raise HarnessError(
            f"{folder.code}: is not the code that {record.id} ran: its digest differs", hint="run it again"
        )
    return {f"code/{digest}/{name}": content for name, content in files.items()}


def _program_toml(record: Record, *, include_host: bool) -> bytes:
    """model.toml as the run was made with, its command as it can be run elsewhere."""
    path = RunFolder(Path(record.path)).code / "models" / record.job.model / "model.toml"
    said = tomlkit.parse(path.read_text(encoding="utf-8")).unwrap()
    for recipe in said["recipes"].values():
        hyperparameters = public_hyperparameters(recipe["hyperparameters"], include_host=include_host)
        recipe.update(hyperparameters=hyperparameters, summary=" ".join(hyperparameters["argv"]))
    return tomlkit.dumps(said).encode()


def _check_programs(records: Sequence[Record], contents: Mapping[str, Content]) -> None:
    """Runs of one program that were wrapped alike: they share what is made again of it."""
    told = {contents[f"runs/{record.id}/model.toml"] for record in records if is_program(record)}
    if len(told) > 1:
        raise HarnessError(
            "these runs were wrapped with different commands or metrics", hint="pack them into several files"
        )


def _environment(workspace: registry.Workspace, record: Record, progress: Progress) -> dict[str, Content]:
    """The toml and the lock that the run was made in: kept in its folder, else today's if they are the same.

    Of a wrapped program they are made now, and kept: the next time they are the same.
    """
    name, digest = packed_environment(record), record.digests.get("environment")
    folder = Path(record.path)
    kept = {ending: folder / f"environment{ending}" for ending in (".toml", ".lock")}
    texts = {ending: path.read_text(encoding="utf-8") for ending, path in kept.items() if path.is_file()}
    if not texts and is_program(record):
        texts = _lock_program(workspace, record, progress)
        for ending, text in texts.items():
            RunFolder(folder).write(kept[ending].name, text)
    if not texts:  # a run from before they were kept
        found = environments.load_environment(workspace.shelves, name)
        texts = environments.written(workspace.shelves, name) if found.digest == digest else {}
    if not texts:
        raise HarnessError(
            f"{record.id}: the lock of {name} that it was made in is not known any more",
            hint=f"run it again in today's {name}: python -m harness run {record.job.model}"
            f" --recipe {record.job.recipe} --environment {name} --seed {record.job.seed}",
        )
    return {f"environments/{name}{ending}": text.encode() for ending, text in texts.items()}


def _lock_program(workspace: registry.Workspace, record: Record, progress: Progress) -> dict[str, str]:
    """As an earlier run with the same packages was locked, else as an index has them now."""
    for folder in store.run_folders(workspace.state, containing=f"-{record.job.model}-"):
        paths = {ending: folder.path / f"environment{ending}" for ending in (".toml", ".lock")}
        if not all(path.is_file() for path in paths.values()):
            continue
        other = folder.load()
        if other and other.digests.get("environment") == record.digests["environment"]:
            return {ending: path.read_text(encoding="utf-8") for ending, path in paths.items()}
    wanted = {name: version for name, version in record.packages.items() if name not in record.elsewhere}
    python = ".".join(record.libraries["python"].split(".")[:2])
    return environments.lock_installed(PROGRAM, wanted, python, say=progress.say)


def _add_wheels(contents: dict[str, Content], workshop: Path, progress: Progress) -> frozenset[str]:
    """Fetch what every lock names; the names of the environments whose packages are all there now."""
    wheels = workshop / "wheels"
    wheels.mkdir()
    shelf = workshop / "shelf"
    (shelf / "environments").mkdir(parents=True)
    for name, content in contents.items():
        if name.startswith("environments/"):
            (shelf / name).write_bytes(_bytes(content))
    locks = [name for name in contents if name.startswith("environments/") and name.endswith(".lock")]
    for name in locks:
        environment = Path(name).stem
        definition = environments.load_definition([shelf], environment)
        progress.say(f"fetching the wheels of {environment}")
        lock = shelf / name
        download_wheels(lock, definition.python or platform.python_version(), wheels, definition.index)
    contents.update({f"wheels/{path.name}": path for path in sorted(wheels.iterdir())})
    return frozenset(Path(name).stem for name in locks)


def _add_data(records: Sequence[Record], contents: dict[str, Content]) -> dict[str, str]:
    """The prepared arrays, where the licence lets them travel: data set -> folder."""
    places: dict[str, str] = {}
    for record in records:
        if record.data is None or record.data["name"] in places:
            continue
        name, licence = str(record.data["name"]), str(record.data.get("licence", "none stated"))
        if is_program(record):  # nobody knows its licence but whoever asks for it to travel
            places[name] = FILES
            contents.update(_program_data(record))
            continue
        if not licence.startswith(FREE):
            raise HarnessError(
                f"data set {name} may not be handed on: its licence is: {licence}",
                hint="pack without --with-data: whoever reproduces it finds or fetches the data by its hash",
            )
        job = json.loads((Path(record.path) / "job.json").read_text(encoding="utf-8"))
        folder = Path(job["data"]["path"])
        if record.data["layout"] != "arrays" or not folder.is_dir():
            raise HarnessError(f"data set {name} is not prepared in {folder}", hint=f"harness data fetch {name}")
        places[name] = folder.name
        contents.update({f"data/{folder.name}/{path.name}": path for path in sorted(folder.iterdir())})
    return places


def _program_data(record: Record) -> Iterator[tuple[str, Content]]:
    """The data files in the program's folder, where they are still those that it read."""
    job = json.loads((Path(record.path) / "job.json").read_text(encoding="utf-8"))
    folder = Path(job["hyperparameters"]["folder"])
    for name, said in (record.data or {})["files"].items():
        if outside(name):
            continue
        path = folder / name
        if not path.is_file() or hashlib.sha256(path.read_bytes()).hexdigest() != said["sha256"]:
            raise HarnessError(
                f"{path} is not the file that {record.id} read: it is gone, or was changed",
                hint="bring it back, or pack without --with-data",
                code=3,
            )
        yield f"data/{FILES}/{name}", path


def _baseline(workspace: registry.Workspace, model: str) -> dict[str, Content]:
    """The references as they stand on the workspace's own shelf, else on the built-in one."""
    name = f"baselines/{model}.toml"
    found = [shelf / name for shelf in workspace.shelves if (shelf / name).is_file()]
    return {name: found[0].read_bytes()} if found else {}


def _about(records: Sequence[Record], wheels: frozenset[str], data: Mapping[str, str]) -> About:
    named = {packed_environment(record): record.digests["environment"] for record in records}
    for record in records:
        if record.digests["environment"] != named[packed_environment(record)]:
            raise HarnessError(
                f"the runs were made in two versions of {packed_environment(record)}", hint="pack them into two files"
            )
    return About(
        harness=harness.__version__,
        protocol=wire.PROTOCOL,
        model=records[0].job.model,
        runs=tuple(
            RunEntry(
                id=record.id,
                recipe=record.job.recipe,
                seed=record.job.seed,
                code=record.digests["code"],
                environment=packed_environment(record),
                dataset=record.data["name"] if record.data else None,
                data=record.digests.get("data"),
            )
            for record in records
        ),
        environments=tuple(
            EnvironmentEntry(name=name, digest=digest, wheels=name in wheels) for name, digest in sorted(named.items())
        ),
        data=dict(data),
    )


def _describe(
    workspace: registry.Workspace,
    records: Sequence[Record],
    about: About,
    contents: dict[str, Content],
    *,
    include_host: bool,
) -> None:
    """Add the verdicts, the pages for people and the crate's metadata."""
    verdicts, baselines = judge_models(workspace, records)
    when = utc(max(record.started + record.seconds for record in records))
    spec, _ = models_of(workspace, records)[about.model]
    shown = records if include_host else [_without_places(record) for record in records]
    contents["verdicts.json"] = _json({"verdicts": [dataclasses.asdict(verdict) for verdict in verdicts]})
    contents["report.html"] = render(page_about(shown, verdicts, baselines, generated=when)).encode()
    weights = any(packed_weights(record.id) in contents for record in records)
    contents["README.md"] = render_readme(about.model, spec.title, records, verdicts, with_weights=weights).encode()
    licences = sorted({str(record.data.get("licence", "none stated")) for record in records if record.data})
    contents[METADATA] = describe_crate(
        about,
        [*contents, "capsule.json"],
        title=spec.title,
        licence=f"code: as its repository says; data: {'; '.join(licences) or 'none'}",
        runs=records,
    )


def check_privacy(workspace: registry.Workspace, contents: Mapping[str, Content], *, hint: str) -> None:
    """Fail where a text still names this machine, its user's home or the workspace."""
    names = {str(Path.home()), str(workspace.root.resolve()), platform.node()} - {"", "/", "localhost"}
    for name, content in contents.items():
        if name.endswith(TEXTS) and (found := named(_bytes(content).decode("utf-8", "replace"), sorted(names))):
            raise HarnessError(f"{name} names {found}, which belongs to this machine", hint=hint)


def _bytes(content: Content) -> bytes:
    return content if isinstance(content, bytes) else content.read_bytes()


def _json(value: Any) -> bytes:
    return dumps(value, indent=1).encode() + b"\n"
