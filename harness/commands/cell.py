"""One recipe of a model in its environments: the runs so far, what they say, and the runs that come next."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from statistics import mean

from harness import registry
from harness.commands.carry_out import FRESH, Start, carry_out, last_seconds
from harness.commands.choose import build_environments, prepare_data, threads_for
from harness.commands.start import from_weights
from harness.core.plan import choose_recipe, first_seeds, more_jobs, plan
from harness.core.values import Baseline, Job, ModelSpec, Recipe, Record, Verdict
from harness.datasets import Prepared
from harness.environments import Built
from reports.progress import Progress


@dataclass(frozen=True, kw_only=True)
class Request:
    """What the user asked for; None and () leave the choice to the model."""

    model: str
    recipe: str | None = None
    frameworks: tuple[str, ...] = ()
    environments: tuple[str, ...] = ()
    seeds: tuple[int, ...] = ()
    max_seeds: int | None = None
    budget_minutes: float | None = None
    device: str = "auto"
    threads: int | None = None
    devices: int = 1
    jobs: int | None = None  # runs beside each other at most
    night: str = ""  # id of the night that the runs are made for
    keep_weights: bool = False
    init_from: str = ""  # the run whose final weights every run starts from


@dataclass(kw_only=True)
class Cell:
    """``jobs`` are those of the next look; none are left when everything is decided or the cap is reached."""

    workspace: registry.Workspace
    spec: ModelSpec
    recipe: Recipe
    baseline: Baseline
    data: Prepared | None
    built: Mapping[tuple[str, str], Built]  # by framework and environment
    cap: int
    jobs: tuple[Job, ...]
    night: str = ""
    start: Start = FRESH
    keep_weights: bool = False
    records: list[Record] = field(default_factory=list)
    verdicts: tuple[Verdict, ...] = ()  # of this cell alone; what is judged together is held by the command

    @property
    def name(self) -> str:
        return f"{self.spec.name}/{self.recipe.name}"

    def make(self, job: Job, progress: Progress, stop: threading.Event) -> Record:
        """One run of the next look.  Changes nothing here, so that several can be made at once."""
        return carry_out(
            job,
            self.spec,
            self.recipe,
            self.built[job.framework, job.environment],
            self.data,
            self.workspace,
            progress,
            place=(len(self.records) + self.jobs.index(job), len(self.records) + len(self.jobs)),
            night=self.night,
            start=self.start,
            keep_weights=self.keep_weights,
            stop=stop,
        )

    def take(self, made: Mapping[Job, Record], progress: Progress) -> None:
        """Judge all runs so far, with those of this look, and ask for those that would decide what is open."""
        self.records += [made[job] for job in self.jobs]
        held = self._judge()
        progress.look(len(self.records), held, asked=len(self.jobs))

    def resume(self, records: Sequence[Record]) -> None:
        """Go on after ``records`` of this cell, as if they had just been made: they are not made again."""
        made = {(record.job.group, record.job.seed) for record in records}
        first = tuple(job for job in self.jobs if (job.group, job.seed) not in made)
        self.records = list(records)
        if self.records:
            self._judge()
            self.jobs = first or self.jobs

    def urgency(self) -> tuple[bool, bool, float]:
        """What comes first sorts first: one at a published number, one at what is open, a cheap cell.

        Open is what this machine has never run, and what the looks so far have not decided.  A cell costs what its
        looks took and the next one will: a third look of seconds goes before a first one of an hour.
        """
        published = any(
            reference.kind == "published" and reference.recipe == self.recipe.name
            for reference in self.baseline.references
        )
        again = not self.records and None not in self._last_seconds
        return not published, again, sum(record.seconds for record in self.records) + self.seconds()

    def seconds(self) -> float:
        """What the next look will take, run after run, by those of this cell or earlier ones; 0: nobody knows."""
        if self.records:
            return len(self.jobs) * mean(record.seconds for record in self.records)
        guesses = (self.recipe.guessed_seconds(job.framework) or 0.0 for job in self.jobs)
        return sum(last or guess for last, guess in zip(self._last_seconds, guesses, strict=True))

    @cached_property
    def _last_seconds(self) -> tuple[float | None, ...]:
        """Of the first look's jobs.  Asked before every look of ``run --all``, and it reads run folders: so once."""
        return tuple(last_seconds(self.workspace.state, job) for job in self.jobs)

    def _judge(self) -> tuple[Verdict, ...]:
        """The verdicts as they would be told now; those that are open ask for runs."""
        from harness.core.families import hold_false_discoveries
        from harness.core.judge import judge
        from harness.statistics import ACCURACY_LOOKS

        self.verdicts = judge(self.records, self.recipe, self.baseline)
        held = hold_false_discoveries(self.verdicts)
        self.jobs = more_jobs([record.job for record in self.records], held, ACCURACY_LOOKS, self.cap)
        return held


def open_cell(
    workspace: registry.Workspace, request: Request, progress: Progress, spec: ModelSpec | None = None
) -> Cell:
    """The cell that ``request`` names, its data prepared and its environments built; ``spec`` where it was read."""
    spec = spec or registry.load_model(workspace, request.model)
    recipe = choose_recipe(spec, request.recipe)
    start = from_weights(workspace, request.init_from) if request.init_from else FRESH
    cap = max(request.max_seeds or recipe.max_seeds, len(request.seeds))
    data = prepare_data(workspace, spec, recipe, progress.say)
    built = build_environments(workspace, spec, request.frameworks, request.environments, progress.say)
    baseline = registry.load_baseline(workspace, spec)
    frameworks = {found.environment.framework for found in built}
    return Cell(
        workspace=workspace,
        spec=spec,
        recipe=recipe,
        baseline=baseline,
        data=data,
        built={(found.environment.framework, found.environment.name): found for found in built},
        cap=cap,
        jobs=plan(
            spec,
            recipe,
            (found.environment for found in built),
            request.seeds or first_seeds(recipe, baseline, frameworks, cap),
            device=request.device,
            threads=threads_for(recipe, request.threads),
            devices=request.devices,
        ),
        night=request.night,
        start=start,
        keep_weights=request.keep_weights,
    )
