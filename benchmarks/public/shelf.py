"""How fast image models train against torchvision's, timm's and Keras' own: images a second over theirs.

    python -m benchmarks.public --install                # once: what is compared with, in venvs of its own
    python -m benchmarks.public.shelf --model resnet50 --pairs 6

Both sides train on one synthetic batch in fp32 with the same batch size, momentum and threads: ours by the recipes
``speed`` and ``speed-fastest`` in the worker, theirs in a plain loop (torchvision, timm) or by ``fit`` (Keras
Applications).  All live at once and take turns, a few steps each, forwards and backwards (ABBA); the first round does
not count.  Prints the median of the pairs' ratios and their range: above 1, ours is faster.  Run nothing beside it.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import tempfile
from contextlib import ExitStack
from pathlib import Path

from tabulate import tabulate

from benchmarks.public.__main__ import REPOSITORY, environment_of, say, take_turns, variables_of
from benchmarks.public.contender import Contender, Failed
from benchmarks.public.installing import python_of
from harness import registry
from harness.commands.carry_out import worker_job
from harness.core.values import Job
from harness.environments import Built
from harness.execution import take_snapshot

MODELS = ("resnet50", "resnet18", "mobilenet_v2", "densenet121", "vit_b_16", "convnext_tiny")
THEIRS = {"torch": ("torchvision", "timm"), "tensorflow": ("fit",)}
OURS = ("speed", "speed-fastest")
HEADERS = ("model", "framework", "ours", "images/s", "theirs", "images/s", "ours / theirs", "range of the pairs")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", action="append", help=f"default: {', '.join(MODELS)}; may be repeated")
    parser.add_argument("--framework", action="append", choices=list(THEIRS), help="default: both")
    parser.add_argument("--pairs", type=int, default=6)
    parser.add_argument("--steps", type=int, default=4, help="a round")
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--venvs", type=Path, default=Path(tempfile.gettempdir()) / "harness-public")
    arguments = parser.parse_args()
    workspace = registry.open_workspace(start=Path.cwd(), explicit=None, data_dir=None, environ=os.environ)
    rows: list[tuple[str, ...]] = []
    for model in arguments.model or MODELS:
        for framework in arguments.framework or THEIRS:
            built = environment_of(workspace, framework)
            found = measure(workspace, model, built, arguments)
            rows += found
            say(tabulate(found, headers=HEADERS, disable_numparse=True))
    print(tabulate(rows, headers=HEADERS, tablefmt="github", disable_numparse=True))


def measure(
    workspace: registry.Workspace, model: str, built: Built, arguments: argparse.Namespace
) -> list[tuple[str, ...]]:
    """Every one of ours against every one of theirs that has the model."""
    spec = registry.load_model(workspace, model)
    framework = built.environment.framework
    with tempfile.TemporaryDirectory() as name, ExitStack() as stack:
        folder = Path(name)
        take_snapshot(folder / "code", *map(Path, (spec.folder, *spec.families)))

        def start(python: Path, module: str, recipe: str, last: str) -> Contender:
            job = Job(
                model=model,
                recipe=recipe,
                framework=framework,
                environment=built.environment.name,
                seed=0,
                mode="speed",
                device="cpu",
                threads=arguments.threads,
            )
            path = folder / f"{recipe}.json"
            path.write_text(json.dumps(worker_job("shelf", job, spec.recipes[recipe], None)._asdict()))
            command = [str(python), "-s", "-m", f"benchmarks.public.{module}", str(path), str(arguments.steps), last]
            log = folder / f"{recipe}-{Path(last).name}.log"
            return stack.enter_context(Contender(command, REPOSITORY, variables_of(job, built, module), log))

        ours = {recipe: start(built.python, "ours", recipe, str(folder / "code")) for recipe in OURS}
        theirs: dict[str, Contender] = {}
        for variant in THEIRS[framework]:
            try:
                theirs[variant] = start(
                    python_of(built, arguments.venvs), f"theirs.{framework}_shelf", OURS[0], variant
                )
            except Failed as error:
                say(f"{model}, {variant}: {error}")
        every = [*ours.values(), *theirs.values()]
        for contender in every:
            contender.round()
        seconds = take_turns(every, arguments.pairs)
    images = int(spec.recipes[OURS[0]].hyperparameters["batch_size_cpu"]) * arguments.steps
    rows: list[tuple[str, ...]] = []
    for recipe, contender in ours.items():
        mine = [each.clock for each in seconds[contender]]
        for other in theirs.values():
            their = [each.clock for each in seconds[other]]
            ratios = [b / a for a, b in zip(mine, their, strict=True)]
            rates = [f"{images / statistics.median(each):.2f}" for each in (mine, their)]
            spread = f"{min(ratios):.2f} to {max(ratios):.2f}"
            ratio = f"{statistics.median(ratios):.2f}"
            rows.append((model, framework, recipe, rates[0], other.name, rates[1], ratio, spread))
    return rows


if __name__ == "__main__":
    main()
