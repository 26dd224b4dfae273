"""``harness run MODEL``: the product on one screen."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from statistics import mean
from threading import Thread

from harness import registry
from harness.commands.budget import Budget
from harness.commands.carry_out import carry_out
from harness.commands.choose import build_environments, prepare_data, threads_for
from harness.core.plan import choose_recipe, more_jobs, plan
from harness.core.values import Baseline, Job, Recipe, Record, Verdict
from harness.core.verdicts import exit_code
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


@dataclass(frozen=True, kw_only=True)
class Outcome:
    records: tuple[Record, ...]
    verdicts: tuple[Verdict, ...]
    report: Path
    exit_code: int


def run(workspace: registry.Workspace, request: Request) -> Outcome:
    """Retrain a model from scratch, compare it with its references, write the report."""
    spec = registry.load_model(workspace, request.model)
    baseline = registry.load_baseline(workspace, spec)
    recipe = choose_recipe(spec, request.recipe)
    cap = max(request.max_seeds or recipe.max_seeds, len(request.seeds))
    budget = Budget(request.budget_minutes)
    with Progress() as progress:
        data = prepare_data(workspace, recipe, progress.say)
        built = build_environments(workspace, spec, request.frameworks, request.environments, progress.say)
        python = {(found.environment.framework, found.environment.name): found for found in built}
        jobs = plan(
            spec,
            recipe,
            (found.environment for found in built),
            request.seeds or range(min(recipe.first_seeds, cap)),
            device=request.device,
            threads=threads_for(recipe, request.threads),
        )
        records: list[Record] = []
        verdicts: tuple[Verdict, ...] = ()
        Thread(target=_load_the_rest, daemon=True).start()
        while jobs:
            total = len(records) + len(jobs)
            for job in jobs:
                records.append(
                    carry_out(
                        job,
                        spec,
                        recipe,
                        python[job.framework, job.environment],
                        data,
                        workspace.state,
                        progress,
                        place=(len(records), total),
                    )
                )
            verdicts, jobs = _look(records, recipe, baseline, cap)
            progress.look(len(records), verdicts, asked=len(jobs))
            if jobs and not budget.allows(len(jobs) * mean(record.seconds for record in records)):
                progress.say(f"the budget of {budget.minutes:g} minutes does not last for {len(jobs)} more run(s)")
                break
    from harness.commands.report import write_report

    report = write_report(workspace, records, verdicts, [baseline])
    return Outcome(records=tuple(records), verdicts=verdicts, report=report, exit_code=exit_code(verdicts))


def _look(
    records: list[Record], recipe: Recipe, baseline: Baseline, cap: int
) -> tuple[tuple[Verdict, ...], tuple[Job, ...]]:
    """What the runs so far say, and the runs that would decide what is still open."""
    from harness.core.families import hold_false_discoveries
    from harness.core.judge import judge
    from harness.statistics import ACCURACY_LOOKS

    verdicts = hold_false_discoveries(judge(records, recipe, baseline))
    return verdicts, more_jobs([record.job for record in records], verdicts, ACCURACY_LOOKS, cap)


def _load_the_rest() -> None:
    """What judges and draws takes a second to load; it comes while the first worker loads its framework."""
    for name in ("harness.commands.report", "matplotlib.figure", "pandas"):
        import_module(name)
