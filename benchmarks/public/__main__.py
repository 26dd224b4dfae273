"""How fast we train against public implementations: seconds of ours over seconds of theirs, model by model.

    python -m benchmarks.public --install                # once: what is compared with, in venvs of its own
    python -m benchmarks.public --model gcn --pairs 8

Ours is the worker as ``harness run`` starts it, from a snapshot of the model.  Theirs is a script in theirs/ with
the same build of the framework, the same data, batch size and steps, and one thread; but for the memory, which the
worker has glibc keep, the variables are the same.  Ours and all of theirs live at once and take turns, a round of
epochs each, forwards and backwards (ABBA); start-up and the first round do not count.  What an epoch does beside its
steps (validation, keeping the best weights, the learning rate) belongs to the round, on both sides.  Prints the median
of the pairs' ratios and their range: below 1, ours is faster.  Seconds are those on the processor, as one thread does
all the work and other processes may share its core; the median by the clock stands beside them.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy
from tabulate import tabulate

from benchmarks.public.cases import CASES, Case, Theirs
from benchmarks.public.contender import Contender, Failed, Seconds
from benchmarks.public.installing import install, python_of
from harness import environments, registry
from harness.commands.carry_out import KEPT_MEMORY, worker_job, worker_variables
from harness.commands.choose import prepare_data
from harness.core.values import Job
from harness.datasets import Prepared
from harness.environments import Built
from harness.execution import take_snapshot

REPOSITORY = Path(__file__).parent.parent.parent
HEADERS = ("model", "framework", "theirs", "ours / theirs", "range of the pairs", "by the clock")


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """One of theirs against ours."""

    model: str
    framework: str
    name: str
    ours: tuple[Seconds, ...]  # of each round; empty where theirs does not run here
    theirs: tuple[Seconds, ...]

    def row(self) -> tuple[str, ...]:
        named = (self.model, self.framework, self.name)
        if not self.theirs:
            return (*named, "", "", "")
        pairs = list(zip(self.ours, self.theirs, strict=True))
        ratios = [ours.processor / theirs.processor for ours, theirs in pairs]
        clock = [ours.clock / theirs.clock for ours, theirs in pairs]
        spread = f"{min(ratios):.2f} to {max(ratios):.2f}"
        return (*named, f"{statistics.median(ratios):.2f}", spread, f"{statistics.median(clock):.2f}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    models = [case.model for case in CASES]
    parser.add_argument("--model", action="append", choices=models, help="default: every one; may be repeated")
    parser.add_argument("--framework", action="append", choices=["torch", "tensorflow"], help="default: both")
    parser.add_argument("--pairs", type=int, default=8)
    parser.add_argument("--script", action="append", help="only this script of theirs/; may be repeated")
    parser.add_argument("--venvs", type=Path, default=Path(tempfile.gettempdir()) / "harness-public")
    parser.add_argument("--install", action="store_true", help="install what is compared with, into --venvs")
    arguments = parser.parse_args()
    workspace = registry.open_workspace(start=Path.cwd(), explicit=None, data_dir=None, environ=os.environ)
    frameworks = arguments.framework or ["torch", "tensorflow"]
    built = {framework: environment_of(workspace, framework) for framework in frameworks}
    if arguments.install:
        for each in built.values():
            install(each, arguments.venvs)
        return
    outcomes: list[Outcome] = []
    for case in (case for case in CASES if case.model in (arguments.model or models)):
        for framework in frameworks:
            scripts = [each for each in case.theirs if each.framework == framework]
            chosen = [each for each in scripts if each.script in (arguments.script or [each.script])]
            if chosen:
                found = measure(workspace, case, chosen, built[framework], arguments.venvs, arguments.pairs)
                outcomes += found
                say(tabulate([outcome.row() for outcome in found], headers=HEADERS, disable_numparse=True))
    print(tabulate([outcome.row() for outcome in outcomes], headers=HEADERS, tablefmt="github", disable_numparse=True))
    sys.exit(0 if all(outcome.theirs for outcome in outcomes) else 1)


def variables_of(job: Job, built: Built, module: str) -> dict[str, str]:
    """Of ours those of a worker; somebody else's training goes without our settings of the allocator."""
    variables = {**worker_variables(job, built.environment.variables), "KERAS_BACKEND": job.framework}
    return {name: value for name, value in variables.items() if module == "ours" or name not in KEPT_MEMORY}


def environment_of(workspace: registry.Workspace, framework: str) -> Built:
    shelf = (environments.load_environment(workspace.shelves, name) for name in workspace.environments)
    environment = next(found for found in shelf if found.framework == framework)
    return environments.build(environment, shelves=workspace.shelves, state=workspace.state, say=say)


def measure(
    workspace: registry.Workspace, case: Case, scripts: Sequence[Theirs], built: Built, venvs: Path, pairs: int
) -> list[Outcome]:
    """Ours and the ``scripts`` of one framework, all in turn."""
    spec = registry.load_model(workspace, case.model)
    recipe = spec.recipes[spec.default_recipe]
    data = prepare_data(workspace, spec, recipe, say)
    framework = built.environment.framework
    job = Job(
        model=case.model,
        recipe=recipe.name,
        framework=framework,
        environment=built.environment.name,
        seed=0,
        mode="train",
        device="cpu",
        threads=1,
    )
    with tempfile.TemporaryDirectory() as name, ExitStack() as stack:
        folder = Path(name)
        told = worker_job("public", job, recipe, shortened(data, case, folder))._asdict()
        told["hyperparameters"] |= {**case.changed, "epochs": 10**6}  # ended from outside
        (folder / "job.json").write_text(json.dumps(told))
        take_snapshot(folder / "code", *map(Path, (spec.folder, *spec.families)))

        def start(python: Path, module: str, last: str) -> Contender:
            words = [str(folder / "job.json"), str(case.epochs), last]
            command = [str(python), "-s", "-m", f"benchmarks.public.{module}", *words]
            log = folder / f"{module}-{Path(last).name}.log"
            return stack.enter_context(Contender(command, REPOSITORY, variables_of(job, built, module), log))

        ours = start(built.python, "ours", str(folder / "code"))
        ours.round()
        theirs, failed = [], []
        for each in scripts:
            try:
                contender = start(python_of(built, venvs), f"theirs.{each.script}", each.variant)
                contender.round()
                theirs.append(contender)
            except Failed as error:
                say(f"{case.model}, {each.script} {each.variant}: {error}")
                failed.append(f"{each.script} {each.variant}: {error}"[:100])
        rounds = take_turns([ours, *theirs], pairs)
    return [
        *(
            Outcome(model=case.model, framework=framework, name=each.name, ours=rounds[ours], theirs=rounds[each])
            for each in theirs
        ),
        *(Outcome(model=case.model, framework=framework, name=error, ours=(), theirs=()) for error in failed),
    ]


def take_turns(sides: Sequence[Contender], pairs: int) -> dict[Contender, tuple[Seconds, ...]]:
    """Every other time the order is turned round."""
    seconds: dict[Contender, list[Seconds]] = {side: [] for side in sides}
    for pair in range(pairs):
        for side in sides if pair % 2 == 0 else reversed(sides):
            seconds[side].append(side.round())
        say("  ".join(f"{each[-1].processor:.3f}" for each in seconds.values()))
    return {side: tuple(each) for side, each in seconds.items()}


def shortened(data: Prepared | None, case: Case, folder: Path) -> Prepared | None:
    """The data set with no more samples than ``case`` says: the same first ones for both sides."""
    if not data or not case.samples:
        return data
    manifest: dict[str, Any] = json.loads(json.dumps(data.manifest))
    for split, entry in manifest["splits"].items():
        for part in entry["arrays"].values():
            array = numpy.load(data.path / part["file"])[: case.samples[split]]
            numpy.save(folder / part["file"], array)
            part["shape"] = list(array.shape)
    return Prepared(name=data.name, path=folder, manifest=manifest)


def say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
