"""``harness certify resume``: a run that is interrupted and gone on with ends where one ends that never was."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy

import harness
from harness import registry, store
from harness.commands.carry_out import carry_out
from harness.commands.cell import Cell, Request, open_cell
from harness.commands.resume import go_on
from harness.commands.start import from_checkpoint
from harness.core.errors import HarnessError
from harness.core.reproduction import partings, unequal
from harness.core.values import Job, Record, RunStatus
from harness.store import RunFolder
from harness.wire import weights
from harness.wire.events import dumps
from reports.progress import Progress

FILE = "certificate.json"  # in the folder of the resumed run; a copy lies in .harness/certificates


@dataclass(frozen=True, kw_only=True)
class Certificate:
    """Of one recipe in one environment, with one seed, on this machine and of this code."""

    certifies: str
    made: str  # UTC
    harness: str
    model: str
    recipe: str
    framework: str
    environment: str
    seed: int
    device: str
    threads: int
    machine: str
    equal: bool
    unequal: tuple[str, ...]  # what is not the same to the bit
    first: str  # the first epoch or weight that differs
    interrupted: Mapping[str, int]  # epoch, step
    runs: Mapping[str, str]  # uninterrupted, interrupted, resumed
    digests: Mapping[str, str]  # of the uninterrupted run: code, data, environment, weights, ...
    weights_final: str  # of the resumed run
    sentence: str


def certify_resume(workspace: registry.Workspace, request: Request) -> tuple[Certificate, ...]:
    """Three runs for each environment: to the end; stopped by SIGTERM in the middle of an epoch; and its rest."""
    made = []
    with Progress() as progress:
        cell = open_cell(workspace, request, progress)
        for job in cell.jobs:
            made.append(_certify(workspace, cell, job, progress))
    return tuple(made)


def _certify(workspace: registry.Workspace, cell: Cell, job: Job, progress: Progress) -> Certificate:
    whole = _finished(_run(workspace, cell, job, progress, 0))
    at = _middle(whole)
    cut = _run(workspace, cell, job, progress, 1, stop_at=at)
    if cut.status is not RunStatus.INTERRUPTED:
        raise HarnessError(f"{cut.id} was to be interrupted, and is {cut.status.value}: {cut.reason}", code=3)
    rest = _finished(go_on(workspace, from_checkpoint(workspace, cut.id, progress), progress, keep_weights=True))
    found = unequal(whole, rest)
    certificate = Certificate(
        certifies="resume",
        made=datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%d %H:%M:%S UTC"),
        harness=harness.__version__,
        model=job.model,
        recipe=job.recipe,
        framework=job.framework,
        environment=job.environment,
        seed=job.seed,
        device=str(whole.settings.get("device", job.device)),
        threads=job.threads,
        machine=whole.machine.machine_class if whole.machine else "",
        equal=not found,
        unequal=found,
        first=_first(whole, rest) if found else "",
        interrupted={"epoch": at[0], "step": at[1]},
        runs={"uninterrupted": whole.id, "interrupted": cut.id, "resumed": rest.id},
        digests=dict(whole.digests),
        weights_final=rest.digests.get("weights_final", ""),
        sentence="",
    )
    certificate = _with_sentence(certificate, len(whole.curves.get("loss", ())))
    text = dumps(asdict(certificate), indent=1) + "\n"
    RunFolder(Path(rest.path)).write(FILE, text)
    shelf = workspace.state / "certificates"
    with store.disk_faults(shelf):
        shelf.mkdir(parents=True, exist_ok=True)
        store.write_whole(shelf / f"resume-{job.model}-{job.recipe}-{job.environment}.json", text)
    return certificate


def _run(
    workspace: registry.Workspace,
    cell: Cell,
    job: Job,
    progress: Progress,
    number: int,
    stop_at: tuple[int, int] | None = None,
) -> Record:
    return carry_out(
        job, cell.spec, cell.recipe, cell.built[job.framework, job.environment], cell.data, workspace, progress,
        place=(number, 3), keep_weights=True, stop_at=stop_at,
    )  # fmt: skip


def _finished(record: Record) -> Record:
    if record.status is not RunStatus.FINISHED:
        raise HarnessError(f"{record.id} did not finish: {record.reason}", hint="mend that first", code=3)
    return record


def _middle(whole: Record) -> tuple[int, int]:
    """The middle step of the middle epoch."""
    events = list(RunFolder(Path(whole.path)).events())
    if not any(event.kind == "keeps" for event in events):
        raise HarnessError(
            f"{whole.job.model} calls no run.keep(...) in {whole.job.framework}: it cannot be gone on with",
            hint="see docs/long-runs.md",
        )
    ends = [event.fields for event in events if event.kind == "epoch_stop"]
    if not ends:
        raise HarnessError(f"{whole.id} reported no epoch: there is none to be interrupted")
    chosen = ends[len(ends) // 2]
    return int(chosen["epoch"]), max(1, int(chosen["steps"]) // 2)


def _first(whole: Record, rest: Record) -> str:
    """Where the two part first: in time by a curve, else by name of a weight."""
    for parting in partings(whole, rest):
        return f"{parting.curve} of epoch {parting.epoch}: {parting.before!r} and {parting.after!r}"
    ones, others = (_weights(record) for record in (whole, rest))
    for name in sorted({*ones, *others}):
        one, other = ones.get(name), others.get(name)
        if one is None or other is None or one.shape != other.shape:
            return f"weight {name} is not in both"
        if one.tobytes() != other.tobytes():
            apart = numpy.abs(one.astype(numpy.float64) - other.astype(numpy.float64))
            return f"weight {name}: {numpy.count_nonzero(apart)} of {one.size} numbers, by up to {apart.max():.3g}"
    return "the numbers of the run after its last epoch"


def _weights(record: Record) -> dict[str, numpy.ndarray]:
    found = weights.read(str(Path(record.path) / weights.FILE))
    return {name: numpy.frombuffer(each.data, each.dtype).reshape(each.shape) for name, each in found.items()}


def _with_sentence(certificate: Certificate, epochs: int) -> Certificate:
    c = certificate
    told = (
        f"{c.model}/{c.recipe} in {c.environment}, seed {c.seed}: stopped by SIGTERM in epoch "
        f"{c.interrupted['epoch']} (from 0) after {c.interrupted['step']} step(s) and resumed, it "
    )
    if c.equal:
        told += f"ends in the same weights, bit for bit ({c.weights_final[:12]}), by the same {epochs} epoch(s)."
    else:
        told += f"is not the same: {', '.join(c.unequal)}. First: {c.first}."
    return Certificate(**{**asdict(c), "sentence": told})
