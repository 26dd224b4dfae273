"""``harness aa MODEL``: the same job against itself, which shows this machine's noise."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from harness import registry
from harness.commands.bench import Request, open_bench
from harness.commands.budget import Budget
from harness.core.errors import HarnessError
from harness.core.plan import choose_recipe
from harness.core.values import Baseline, RunStatus
from harness.statistics import noise_of
from reports.progress import Progress


def measure_noise(workspace: registry.Workspace, request: Request) -> dict[str, Any]:
    """Make ``max_pairs`` A/A pairs and say what all that are stored for this machine tell.

    The pairs are runs like any other: ``compare`` finds them as the history it shrinks towards.
    """
    spec = registry.load_model(workspace, request.model)
    timed = [name for name, recipe in spec.recipes.items() if recipe.mode == "speed"]
    recipe = choose_recipe(spec, request.recipe or next(iter(timed), None))
    if recipe.mode != "speed":
        raise HarnessError(
            f"recipe {recipe.name} of {spec.name} measures no speed",
            hint=f"A/A pairs are timed runs; its recipes of mode speed: {', '.join(timed) or 'none'}",
        )
    with Progress() as progress:
        none = Baseline(model=spec.name, references=())  # nothing is compared
        bench = open_bench(workspace, request, spec, recipe, none, progress, Budget(request.budget_minutes))
        runs = [run for pair in bench.pairs(request.max_pairs) for run in pair]
        failed = next((run for run in runs if run.status is not RunStatus.FINISHED), None)
        if failed:
            raise HarnessError(f"{failed.id} is no timed run: {failed.status}: {failed.reason}", code=3)
        ratios = bench.history()
        progress.say(f"{len(ratios)} usable A/A pairs of {spec.name}/{recipe.name} are stored for this machine")
        noise = noise_of(ratios)
    if noise is None:
        raise HarnessError(
            f"{len(ratios)} usable A/A pair(s) tell no noise", hint="make three or more, on a quiet machine", code=3
        )
    return {
        "model": spec.name,
        "recipe": recipe.name,
        "environment": request.environments[0],
        "made": len(runs) // 2,
        **asdict(noise),
    }


def noise_text(found: dict[str, Any]) -> str:
    from tabulate import tabulate

    rows = [(f"{each['change']:+.0%}", f"{each['caught']:.0%}", f"{each['pairs']:.1f}") for each in found["changes"]]
    table = tabulate(rows, headers=("slower by", "seen", "pairs on average"), disable_numparse=True)
    return (
        f"{found['model']}/{found['recipe']} in {found['environment']}: {found['pairs']} A/A pairs on this machine\n"
        f"noise of a run: {found['run_std']:.2%} (robust); pairs beyond 3 deviations: {found['outliers']}\n"
        f"false alarms: {found['false_alarms']:.1%} of {found['sessions']} sessions drawn from these pairs\n\n{table}"
    )
