"""Interleaved runs of one recipe in two environments on this machine, for ``compare`` and ``aa``."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from dataclasses import dataclass

from harness import registry, store
from harness.commands.budget import Budget
from harness.commands.carry_out import carry_out
from harness.commands.choose import build_environments, prepare_data, threads_for
from harness.commands.machine import this_machine
from harness.core.pairs import RunPair, Side, aa_history, order, usable
from harness.core.plan import plan
from harness.core.values import Baseline, ModelSpec, Pair, Recipe, Record, RunStatus
from harness.datasets import Prepared
from harness.environments import Built
from harness.statistics import SPEED_LOOKS
from reports.progress import Progress

PATIENCE = 3  # disturbed pairs beyond the usable ones: then the machine is not ours, and more would not be either


@dataclass(frozen=True, kw_only=True)
class Request:
    """What the user asked for; None leaves the choice to the model."""

    model: str
    environments: tuple[str, str]
    recipe: str | None = None
    max_pairs: int = SPEED_LOOKS[-1]
    budget_minutes: float | None = None
    device: str = "auto"
    threads: int | None = None
    night: str = ""  # id of the night that the runs are made for


@dataclass(frozen=True, kw_only=True)
class Bench:
    """One recipe in two environments on this machine."""

    workspace: registry.Workspace
    request: Request
    spec: ModelSpec
    recipe: Recipe
    baseline: Baseline
    sides: dict[Side, Built]
    data: Prepared | None
    progress: Progress
    budget: Budget
    session: str

    def pair(self, number: int) -> RunPair:
        """The runs of seed ``number`` on both sides, in A B B A order."""
        done = {side: self._run(side, number) for side in order(number)}
        return done["A"], done["B"]

    def pairs(self, wanted: int) -> Iterator[RunPair]:
        """Pairs until ``wanted`` are usable; a disturbed one is made again.

        Ends early when too many are disturbed, after a run that did not finish, and when the budget is spent.
        """
        good = bad = 0
        while good < wanted and bad < good + PATIENCE:
            pair = self.pair(good + bad)
            good, bad = (good + 1, bad) if usable(pair) else (good, bad + 1)
            yield pair
            if any(run.status is not RunStatus.FINISHED for run in pair) or self.spent(pair):
                return

    def spent(self, last: RunPair) -> bool:
        """Whether another pair like ``last`` would go beyond the budget; says so."""
        if self.budget.allows(last[0].seconds + last[1].seconds):
            return False
        self.progress.say(f"the budget of {self.budget.minutes:g} minutes is spent")
        return True

    def history(self) -> tuple[float, ...]:
        """Log ratios of the A/A pairs of this job that are stored for this kind of machine."""
        return aa_history(
            store.load_records(self.workspace.state, models=(self.spec.name,)),
            model=self.spec.name,
            recipe=self.recipe.name,
            machine_class=this_machine().machine_class,
        )

    def _run(self, side: Side, number: int) -> Record:
        built = self.sides[side]
        request, recipe = self.request, self.recipe
        (job,) = plan(
            self.spec,
            recipe,
            (built.environment,),
            (number,),
            device=request.device,
            threads=threads_for(recipe, request.threads),
        )
        return carry_out(
            job,
            self.spec,
            recipe,
            built,
            self.data,
            self.workspace,
            self.progress,
            place=(2 * number + order(number).index(side), 2 * max(request.max_pairs, number + 1)),
            pair=Pair(session=self.session, number=number, side=side),
            night=request.night,
        )


def open_bench(
    workspace: registry.Workspace,
    request: Request,
    spec: ModelSpec,
    recipe: Recipe,
    baseline: Baseline,
    progress: Progress,
    budget: Budget,
) -> Bench:
    names = dict.fromkeys(request.environments)
    built = {name: build_environments(workspace, spec, (), (name,), progress.say)[0] for name in names}
    return Bench(
        workspace=workspace,
        request=request,
        spec=spec,
        recipe=recipe,
        baseline=baseline,
        sides={"A": built[request.environments[0]], "B": built[request.environments[1]]},
        data=prepare_data(workspace, spec, recipe, progress.say),
        progress=progress,
        budget=budget,
        session=secrets.token_hex(6),
    )
