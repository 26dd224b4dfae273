"""``harness compare A B``: the second environment against the first, run side by side on this machine."""

from __future__ import annotations

from harness import registry
from harness.commands.bench import Bench, Request, open_bench
from harness.commands.budget import Budget
from harness.commands.report import write_report
from harness.commands.run import Outcome
from harness.core.errors import HarnessError
from harness.core.families import hold_false_discoveries
from harness.core.judge import known_spread
from harness.core.pairs import RunPair, compare_accuracy, compare_speed, speed_metric, usable, worth_judging
from harness.core.plan import choose_recipe, looks
from harness.core.values import ModelSpec, Recipe, Record, RunStatus, Status, Verdict
from harness.core.verdicts import exit_code
from harness.statistics import ACCURACY_LOOKS, SPEED_LOOKS
from reports.progress import Progress


def compare(workspace: registry.Workspace, request: Request) -> Outcome:
    """Speed by interleaved pairs, accuracy by the same seeds in both."""
    one, other = request.environments
    if one == other:
        hint = f"to measure this machine's noise: harness aa {request.model} --environment {one}"
        raise HarnessError(f"both sides are {one}", hint=hint)
    spec = registry.load_model(workspace, request.model)
    baseline = registry.load_baseline(workspace, spec)
    records: list[Record] = []
    verdicts: list[Verdict] = []
    budget = Budget(request.budget_minutes)
    with Progress() as progress:
        for recipe in _recipes(spec, request.recipe):
            bench = open_bench(workspace, request, spec, recipe, baseline, progress, budget)
            pairs, judged = decide_speed(bench) if recipe.mode == "speed" else _accuracy(bench)
            records += [run for pair in pairs for run in pair]
            verdicts += judged
    held = hold_false_discoveries(verdicts)
    report = write_report(workspace, records, held, [baseline])
    return Outcome(records=tuple(records), verdicts=held, report=report, exit_code=exit_code(held))


def _recipes(spec: ModelSpec, name: str | None) -> list[Recipe]:
    """The one asked for, else the default one and the first that measures speed."""
    if name:
        return [choose_recipe(spec, name)]
    timed = [recipe for recipe in spec.recipes.values() if recipe.mode == "speed"]
    return list({recipe.name: recipe for recipe in (spec.recipes[spec.default_recipe], *timed[:1])}.values())


def decide_speed(bench: Bench) -> tuple[list[RunPair], list[Verdict]]:
    """Pairs until the decision, the cap or the end of the budget."""
    metric = speed_metric(bench.recipe)
    history = bench.history()
    planned = looks(SPEED_LOOKS, bench.request.max_pairs)
    made: list[RunPair] = []
    for pair in bench.pairs(bench.request.max_pairs):
        made.append(pair)
        good = [each for each in made if usable(each)]
        if usable(pair) and len(good) in planned:
            verdict = compare_speed(good, metric, history)
            bench.progress.say(f"after {len(good)} pairs: {verdict.sentence}")
            if verdict.status is not Status.INCONCLUSIVE:
                return made, [verdict]
    if any(run.status is not RunStatus.FINISHED for run in made[-1]):
        return made, [compare_speed(made[-1:], metric, history)]
    # Not decided: by what is usable, or else by the disturbed pairs, which say so.
    return made, [compare_speed(worth_judging(made), metric, history)]


def _accuracy(bench: Bench) -> tuple[list[RunPair], list[Verdict]]:
    """Seeds until every metric is decided, the recipe's cap or the end of the budget."""
    made: list[RunPair] = []
    verdicts: list[Verdict] = []
    for look in looks(ACCURACY_LOOKS, min(bench.recipe.max_seeds, bench.request.max_pairs)):
        while len(made) < look and not (made and bench.spent(made[-1])):
            made.append(bench.pair(len(made)))
        ones, others = [pair[0] for pair in made], [pair[1] for pair in made]
        verdicts = [
            compare_accuracy(ones, others, metric, known_spread(ones[0], metric, bench.baseline))
            for metric in bench.recipe.metrics
        ]
        for verdict in verdicts:
            bench.progress.say(f"after {len(made)} seed(s): {verdict.sentence}")
        if len(made) < look or all(verdict.status is not Status.INCONCLUSIVE for verdict in verdicts):
            break
    return made, verdicts
