"""``harness reproduce``: train again what a capsule holds, from its own code, and say whether it comes out again."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from harness import datasets, environments, registry, store, wire
from harness.capsule import PROGRAM, Capsule, RunEntry, packed_environment, public_program
from harness.commands.carry_out import Start, carry_out
from harness.commands.choose import prepare_data
from harness.commands.differences import what_changed
from harness.commands.inspect import Inspected, inspected
from harness.commands.machine import this_machine
from harness.commands.reproduce_program import (
    in_its_place,
    keep_for_later,
    program_folder,
    read_spec,
    set_up,
    with_our_python,
)
from harness.core.differences import Difference
from harness.core.errors import HarnessError
from harness.core.judge import known_spread
from harness.core.pairs import RunPair, compare_accuracy
from harness.core.reproduction import Answer, answer, is_program, same_kernels
from harness.core.values import Baseline, Environment, Job, ModelSpec, Recipe, Record, RunStatus, Verdict
from harness.environments import Built, PipConfiguration
from harness.wire import SECONDS
from reports.progress import Progress

Confirm = Callable[[str], bool]


@dataclass(frozen=True, kw_only=True)
class Request:
    path: Path
    into: Path | None = None
    environment: str | None = None  # instead of the packed one
    threads: int | None = None
    allow_index: bool = False


@dataclass(frozen=True, kw_only=True)
class Reproduction:
    answer: Answer
    pairs: tuple[RunPair, ...]  # (packed, made here)
    verdicts: tuple[Verdict, ...]
    differences: tuple[Difference, ...]  # between the first packed run and the first made here
    folder: Path

    @property
    def exit_code(self) -> int:
        codes = {Answer.DIFFERENT: 1, Answer.FAILED: 3, Answer.UNDECIDED: 4}
        return codes.get(self.answer, 0)


def reproduce(workspace: registry.Workspace, request: Request, confirm: Confirm) -> Reproduction:
    """Verify, ask, unpack, build, find the data, train, compare.

    ``confirm`` is shown what is about to run and says whether it may.  What is made lies in a folder of its own,
    which is a workspace: ``harness --workspace FOLDER report`` and ``compare RUN RUN`` work there.
    """
    named = request.path.name.removesuffix(".zip").removesuffix(".capsule")
    folder = (request.into or Path(named)).resolve()
    with inspected(request.path) as found:
        _check(found, request, folder)
        if not confirm(_told(found)):
            raise HarnessError("nothing was run", hint="look into it: harness inspect FILE; say yes: --yes")
        place = _unpack(workspace, found, folder)
    with Progress() as progress:
        pairs = _train(workspace, place, found, request, progress)
    spec = _spec_of(place, found.capsule, pairs[0][0])
    baseline = registry.load_snapshot_baseline(place, spec)
    verdicts = _judge(pairs, spec, baseline)
    return Reproduction(
        answer=answer(pairs, verdicts),
        pairs=pairs,
        verdicts=verdicts,
        differences=what_changed(*pairs[0]),
        folder=folder,
    )


def _check(found: Inspected, request: Request, folder: Path) -> None:
    about = found.capsule.about
    if about.protocol != wire.PROTOCOL:
        raise HarnessError(
            f"{request.path}: its worker speaks protocol {about.protocol}, this harness {wire.PROTOCOL}",
            hint=f"reproduce it with harness {about.harness}",
        )
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise HarnessError(f"{folder}: exists and is not empty", hint="name another folder: --into FOLDER")
    strange = [*found.warnings, *_other_indexes(found)]
    if strange and not request.allow_index:
        raise HarnessError(
            f"{request.path}: its packages would come from elsewhere:",
            *(f"  {line}" for line in strange),
            hint="if you trust these places: --allow-index",
        )


def _other_indexes(found: Inspected) -> Iterator[str]:
    """Indexes that neither pip's configuration nor the shelf that came with the harness names."""
    pip: PipConfiguration = environments.pip_configuration()
    known = {pip.index_url, *pip.extra_index_urls, None}
    known |= {each.index for each in environments.load_definitions([registry.builtin_shelf()])}
    for name, index in found.indexes.items():
        if index not in known:
            yield f"{name}: {index}"


def _told(found: Inspected) -> str:
    about = found.capsule.about
    codes = sorted({run.code for run in about.runs})
    return (
        f"{found.capsule.path} holds code that somebody else wrote. It will run with your rights:\n"
        f"  {len(about.runs)} training(s) of {about.model}, code {', '.join(code[:12] for code in codes)},\n"
        f"  in {', '.join(_where(each) for each in found.environments.values())}."
    )


def _where(environment: Environment) -> str:
    return f"{environment.name} ({environment.interpreter})" if environment.interpreter else environment.name


def _unpack(workspace: registry.Workspace, found: Inspected, folder: Path) -> registry.Workspace:
    """The capsule as a workspace: its runs, environments, baselines and data each in their usual place."""
    capsule, about = found.capsule, found.capsule.about
    partial = folder / ".unpacking"
    with store.disk_faults(folder):
        partial.mkdir(parents=True)
        for kind in ("environments", "baselines", "code", "wheels"):
            for name in capsule.names(kind):
                capsule.extract(name, partial / name)
        for run in about.runs:
            for name in capsule.names(f"runs/{run.id}"):
                capsule.extract(name, partial / ".harness" / name)
            own = "project" if run.environment == PROGRAM else ""  # where a run keeps a wrapped program's files
            shutil.copytree(partial / "code" / run.code, partial / ".harness" / "runs" / run.id / "code" / own)
        for name in capsule.names("data"):
            capsule.extract(name, partial / ".harness" / "datasets" / name.removeprefix("data/"))
        for child in partial.iterdir():
            child.rename(folder / child.name)
        partial.rmdir()
    return replace(
        workspace,
        root=folder,
        shelves=(folder, *(shelf for shelf in workspace.shelves if shelf != folder)),
        state=folder / ".harness",
        store_url="",
    )


@dataclass(frozen=True, kw_only=True)
class _Task:
    """One packed run with all that making it again takes."""

    before: Record
    spec: ModelSpec
    recipe: Recipe
    data: datasets.Prepared | None
    code: Path | None  # None: a wrapped program, which runs in ``folder``
    folder: Path | None = None


def _train(
    workspace: registry.Workspace, place: registry.Workspace, found: Inspected, request: Request, progress: Progress
) -> tuple[RunPair, ...]:
    """What is missing is noticed before the first training; then nothing is left of the folder."""
    try:
        tasks = [_prepare(place, found.capsule, run, progress) for run in found.capsule.about.runs]
        wanted = [request.environment or packed_environment(task.before) for task in tasks]
        built = {name: _build(workspace, place, found, name, progress) for name in sorted(set(wanted))}
        jobs = [_job(task.before, built[name], request) for task, name in zip(tasks, wanted, strict=True)]
    except HarnessError:
        shutil.rmtree(place.root, ignore_errors=True)
        raise
    pairs = []
    for number, (task, job) in enumerate(zip(tasks, jobs, strict=True)):
        recipe, made = task.recipe, built[job.environment]
        if task.folder:
            recipe, made = in_its_place(recipe, task.folder, made), with_our_python(made)
            keep_for_later(place, task.spec.name, [recipe])
        else:
            made = _with_its_kernels(made, task.before, progress)
        again = carry_out(
            job, task.spec, recipe, made, task.data, place, progress,
            place=(number, len(tasks)), start=Start(parent=task.before.id, relation="reproduced", code=task.code),
        )  # fmt: skip
        pairs.append((public_program(task.before), public_program(again)))
    return tuple(pairs)


def _prepare(place: registry.Workspace, capsule: Capsule, run: RunEntry, progress: Progress) -> _Task:
    before = store.load_run(place.state, run.id)
    if is_program(before):
        set_up(place, run, before)
        spec = read_spec(place, run, before.job.model)
        return _Task(
            before=before, spec=spec, recipe=_recipe(spec, capsule, run), data=None, code=None,
            folder=program_folder(place, run),
        )  # fmt: skip
    spec = _spec(place, capsule, before)
    recipe = _recipe(spec, capsule, run)
    data = prepare_data(place, spec, recipe, progress.say)
    _check_data(before, data)
    return _Task(before=before, spec=spec, recipe=recipe, data=data, code=place.root / "code" / run.code)


def _recipe(spec: ModelSpec, capsule: Capsule, run: RunEntry) -> Recipe:
    if run.recipe not in spec.recipes:
        raise HarnessError(f"{capsule.path}: its model.toml has no recipe {run.recipe}")
    return spec.recipes[run.recipe]


def _job(before: Record, built: Built, request: Request) -> Job:
    environment = built.environment
    if is_program(before):
        if request.threads:
            raise HarnessError(
                f"{before.id} is a program, which chooses its threads itself",
                hint="set what it looks at: OMP_NUM_THREADS=1 harness reproduce ...",
            )
        return replace(before.job, environment=environment.name)
    if environment.framework != before.job.framework:
        raise HarnessError(
            f"{before.id} is a run of {before.job.framework}; {environment.name} holds {environment.framework}",
            hint=f"name an environment of {before.job.framework}: harness env list",
        )
    return replace(before.job, environment=environment.name, threads=request.threads or before.job.threads)


def _build(
    workspace: registry.Workspace, place: registry.Workspace, found: Inspected, name: str, progress: Progress
) -> Built:
    """As it was built in this workspace before, by its digest, or built now."""
    environment = environments.load_environment(place.shelves, name)
    if built := environments.find_built(environment, workspace.state):
        return built
    said = next((each for each in found.capsule.about.environments if each.name == name), None)
    wheels = place.root / "wheels" if said and said.wheels else None
    return environments.build(environment, shelves=place.shelves, state=place.state, say=progress.say, wheels=wheels)


def _with_its_kernels(built: Built, before: Record, progress: Progress) -> Built:
    """So that another processor adds up in the same order, unless this shell says how it shall."""
    wanted = {
        name: value
        for name, value in same_kernels(before, this_machine()).items()
        if name not in {*os.environ, *built.environment.variables}
    }
    if wanted:
        told = " ".join(f"{name}={value}" for name, value in wanted.items())
        progress.say(f"{before.id}: computed as it was on its processor, by {told}")
    variables = {**built.environment.variables, **wanted}
    return replace(built, environment=replace(built.environment, variables=variables))


def _check_data(before: Record, data: datasets.Prepared | None) -> None:
    digest = before.digests.get("data")
    here = data.manifest["digest"] if data else None
    if digest != here:
        raise HarnessError(
            f"{before.id} was trained on data with digest {digest}; what is here has {here}",
            hint="another version of the data set: find the one that the record names, or pack it --with-data",
            code=3,
        )


def _spec_of(place: registry.Workspace, capsule: Capsule, record: Record) -> ModelSpec:
    if is_program(record):
        return registry.load_snapshot(place.state / "wrapped" / "models" / capsule.about.model)
    return _spec(place, capsule, record)


def _spec(place: registry.Workspace, capsule: Capsule, record: Record) -> ModelSpec:
    folder = place.root / "code" / record.digests["code"] / "models" / capsule.about.model
    if not (folder / "model.toml").is_file():
        raise HarnessError(f"{capsule.path}: its code holds no models/{capsule.about.model}/model.toml")
    return registry.load_snapshot(folder)


def _judge(pairs: tuple[RunPair, ...], spec: ModelSpec, baseline: Baseline) -> tuple[Verdict, ...]:
    """Packed against made here, one verdict for each recipe, environment and metric; none where a run failed."""
    if any(again.status is not RunStatus.FINISHED for _, again in pairs):
        return ()
    cells: dict[tuple[str, str, str], list[RunPair]] = {}
    for before, again in pairs:
        cells.setdefault((before.job.recipe, before.job.environment, again.job.environment), []).append((before, again))
    return tuple(
        compare_accuracy(
            [before for before, _ in made],
            [again for _, again in made],
            metric,
            known_spread(made[0][0], metric, baseline),
        )
        for (recipe, _, _), made in cells.items()
        for metric in spec.recipes[recipe].metrics
        if not (is_program(made[0][0]) and metric.name == SECONDS)  # a time belongs to the machine
    )
