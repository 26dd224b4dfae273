"""Which runs to make.  Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from harness.core.errors import HarnessError, nearest
from harness.core.values import Baseline, Environment, Group, Job, ModelSpec, Recipe, Status, Verdict

OPEN = frozenset({Status.INCONCLUSIVE})


def choose_recipe(spec: ModelSpec, name: str | None) -> Recipe:
    """The recipe called ``name``, or the model's default one."""
    wanted = name or spec.default_recipe
    if wanted not in spec.recipes:
        raise HarnessError(f"model {spec.name} has no recipe {wanted}", hint=nearest(wanted, spec.recipes))
    return spec.recipes[wanted]


def recipes_called(spec: ModelSpec, wanted: str | None) -> tuple[str, ...]:
    """The recipes whose name or tag is ``wanted``; the default one for None."""
    if wanted is None:
        return (spec.default_recipe,)
    return tuple(recipe.name for recipe in spec.recipes.values() if wanted == recipe.name or wanted in recipe.tags)


def choose_environments(
    spec: ModelSpec, shelf: Sequence[Environment], *, frameworks: Sequence[str], environments: Sequence[str]
) -> tuple[Environment, ...]:
    """The environments to run ``spec`` in.

    ``shelf`` holds those that may be chosen, the preferred ones first.  Named ``environments``
    are taken as they are; else the first of each of the model's ``frameworks``.
    """
    for name in frameworks:
        if name not in spec.frameworks:
            raise HarnessError(f"model {spec.name} is not written for {name}", hint=nearest(name, spec.frameworks))
    wanted = tuple(frameworks) or spec.frameworks
    if environments:
        chosen = [environment for environment in shelf if environment.name in environments]
        fitting = tuple(environment for environment in chosen if environment.framework in wanted)
        if not fitting:
            held = ", ".join(f"{environment.name} holds {environment.framework}" for environment in chosen)
            raise HarnessError(
                f"model {spec.name} cannot run in {', '.join(environments)}: {held}",
                hint=f"it is written for {', '.join(wanted)}; see: harness env list",
            )
        return fitting
    first: dict[str, Environment] = {}
    for environment in shelf:
        if environment.framework in wanted:
            first.setdefault(environment.framework, environment)
    missing = [name for name in wanted if name not in first]
    if missing:
        raise HarnessError(
            f"no environment holds {', '.join(missing)}",
            hint="name one with --environment, or list one in harness.toml under [run] environments",
        )
    return tuple(first[name] for name in wanted)


def first_seeds(recipe: Recipe, baseline: Baseline, frameworks: Iterable[str], cap: int) -> range:
    """The seeds of the first look: one where it may repeat a stored run, and so bring the others of that making."""
    stored = {
        reference.framework
        for reference in baseline.references
        if reference.recipe == recipe.name and reference.weights and 0 in reference.seeds
    }
    return range(1 if stored.issuperset(frameworks) else min(recipe.first_seeds, cap))


def plan(
    spec: ModelSpec,
    recipe: Recipe,
    environments: Iterable[Environment],
    seeds: Sequence[int],
    *,
    device: str,
    threads: int,
    devices: int = 1,
) -> tuple[Job, ...]:
    """One job per environment and seed, environments outermost."""
    return tuple(
        Job(
            model=spec.name,
            recipe=recipe.name,
            framework=environment.framework,
            environment=environment.name,
            seed=seed,
            mode=recipe.mode,
            device=device,
            threads=threads,
            devices=devices,
        )
        for environment in environments
        for seed in seeds
    )


def looks(schedule: Sequence[int], cap: int) -> tuple[int, ...]:
    """The counts of ``schedule`` up to ``cap``, and ``cap`` itself."""
    return (*(look for look in schedule if look < cap), cap)


def next_look(done: int, schedule: Sequence[int], cap: int) -> int:
    """How many seeds the next look wants in all; ``done`` when there is none left."""
    return next((look for look in looks(schedule, cap) if look > done), done)


def undecided(verdicts: Iterable[Verdict]) -> frozenset[Group]:
    """Groups of jobs that more runs could decide.

    A group with a failed run is not asked for more: the failure has to be looked at first.
    """
    statuses: dict[Group, set[Status]] = {}
    for verdict in verdicts:
        statuses.setdefault(verdict.group, set()).add(verdict.status)
    stop = {Status.ERROR, Status.UNMEASURED, Status.INVALID}
    return frozenset(group for group, found in statuses.items() if found & OPEN and not found & stop)


def more_jobs(jobs: Sequence[Job], verdicts: Sequence[Verdict], schedule: Sequence[int], cap: int) -> tuple[Job, ...]:
    """The jobs of the next look for groups that more runs could decide; empty when none is left.

    ``jobs`` are all that ran so far, ``schedule`` the counts of runs at which one looks.  New seeds are the
    smallest that were not used, by them or by earlier runs that count with them.
    """
    groups: dict[Group, list[Job]] = {}
    for job in jobs:
        groups.setdefault(job.group, []).append(job)
    wanted = undecided(verdicts)
    more: list[Job] = []
    for group, done in groups.items():
        if group in wanted:
            earlier = {seed for verdict in verdicts if verdict.group == group for seed in verdict.earlier_seeds}
            count = len(done) + len(earlier)
            seeds = _unused({job.seed for job in done} | earlier, next_look(count, schedule, cap) - count)
            more += [replace(done[0], seed=seed) for seed in seeds]
    return tuple(more)


def _unused(used: set[int], count: int) -> list[int]:
    return [seed for seed in range(len(used) + count) if seed not in used][:count]
