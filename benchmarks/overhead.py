"""What the harness costs: its images/s against the same loop written bare, the two taking turns.

    python -m benchmarks.overhead --framework torch --pairs 6

Each pair is ``harness run resnet50 --recipe speed`` and benchmarks/bare_resnet50_<framework>.py, with the
same interpreter, variables, threads, batch, warm-up and steps.  Both live at once, but only one runs: every
few seconds one is stopped and the other goes on, so that a slow minute of the machine hits both.  A step
in which the turn changes counts as a long one, so a turn must hold many steps for the medians not to see it:
the batch is half of the recipe's (with all of it a step took three to four seconds here, and every fourth was
cut).  What the harness costs a step weighs twice as much that way.  Prints the ratio harness/bare of each
pair, and the median of the ratios.  The harness calls such a run disturbed, and it was.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psutil

from harness import environments, registry
from harness.environments import Built
from harness.wire.machine import usable_cores

FOLDER = Path(__file__).parent
TURN_SECONDS = 15.0
SIZES = {"batch_size_cpu": 4, "warmup_steps": 5, "steps": 40}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--framework", choices=["torch", "tensorflow"], default="torch")
    parser.add_argument("--pairs", type=int, default=6)
    arguments = parser.parse_args()
    workspace = registry.open_workspace(start=Path.cwd(), explicit=None, data_dir=None, environ=os.environ)
    shelf = (environments.load_environment(workspace.shelves, name) for name in workspace.environments)
    environment = next(found for found in shelf if found.framework == arguments.framework)
    built = environments.build(environment, shelves=workspace.shelves, state=workspace.state, say=print)
    ratios = []
    for pair in range(arguments.pairs):
        folder = Path(tempfile.mkdtemp(prefix="overhead-"))
        sides = {"harness": start_harness(built, with_small_batches(folder, workspace)), "bare": start_bare(built)}
        take_turns(*(sides[side] for side in (("harness", "bare") if pair % 2 else ("bare", "harness"))))
        told = json.loads(sides["harness"].communicate()[0])
        harness = told["runs"][0]["metrics"]["samples_per_second"]
        bare = json.loads(sides["bare"].communicate()[0].splitlines()[-1])["samples_per_second"]
        ratios.append(harness / bare)
        shutil.rmtree(folder)
        print(f"pair {pair + 1}: harness {harness:.3f}  bare {bare:.3f}  ratio {ratios[-1]:.4f}", flush=True)
    print(f"median ratio {statistics.median(ratios):.4f} of {len(ratios)}, {min(ratios):.4f} to {max(ratios):.4f}")


def with_small_batches(folder: Path, workspace: registry.Workspace) -> Path:
    """A workspace that shadows the model by one with ``SIZES``, and borrows what is built."""
    shutil.copytree(registry.load_model(workspace, "resnet50").folder, folder / "models" / "resnet50")
    toml = folder / "models" / "resnet50" / "model.toml"
    text = toml.read_text()
    before, speed, after = text.partition("[recipes.speed.hyperparameters]\n")
    for name, value in SIZES.items():
        after = re.sub(rf"^{name} = \d+", f"{name} = {value}", after, count=1, flags=re.MULTILINE)
    toml.write_text(before + speed + after)
    (folder / ".harness").mkdir()
    (folder / ".harness" / "environments").symlink_to((workspace.state / "environments").resolve())
    return folder


def start_harness(built: Built, workspace: Path) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "harness", "--workspace", str(workspace), "run", "resnet50", "--recipe", "speed"]
    command.append("--json")
    return _start([*command, "-e", built.environment.name, "--seed", "0", "--max-seeds", "1"], {})


def start_bare(built: Built) -> subprocess.Popen[str]:
    script = FOLDER / f"bare_resnet50_{'torch' if built.environment.framework == 'torch' else 'tf'}.py"
    threads = str(usable_cores())
    sizes = map(str, SIZES.values())
    variables = {"OMP_NUM_THREADS": threads, "MKL_NUM_THREADS": threads, **built.environment.variables}
    return _start([str(built.python), str(script), threads, *sizes], variables)


def _start(command: list[str], variables: dict[str, str]) -> subprocess.Popen[str]:
    return subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env={**os.environ, **variables}
    )


def take_turns(running: subprocess.Popen[str], waiting: subprocess.Popen[str]) -> None:
    """Let only one of the two run at a time, with everything it started, until the first has ended."""
    signal_all(waiting, stop=True)
    while running.poll() is None:
        deadline = time.monotonic() + TURN_SECONDS
        while running.poll() is None and time.monotonic() < deadline:
            time.sleep(0.1)
        signal_all(running, stop=True)
        signal_all(waiting, stop=False)
        running, waiting = waiting, running
    signal_all(waiting, stop=False)


def signal_all(process: subprocess.Popen[str], *, stop: bool) -> None:
    """Stop or continue a process and its descendants."""
    if process.poll() is not None:
        return
    root = psutil.Process(process.pid)
    for each in (root, *root.children(recursive=True)):
        try:
            each.suspend() if stop else each.resume()
        except psutil.NoSuchProcess:
            continue


if __name__ == "__main__":
    main()
