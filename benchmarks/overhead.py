"""What the harness costs: its images/s against the same loop written bare, in interleaved pairs.

    python -m benchmarks.overhead --framework torch --pairs 6

Runs ``harness run resnet50 --recipe speed`` and benchmarks/bare_resnet50_<framework>.py in the
order A B B A with the same interpreter, threads, batch, warm-up and steps, and prints the ratio
harness/bare of each pair and its median.  Pairs in which the harness calls the machine disturbed are
shown and left out of the median.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
from pathlib import Path

from harness import environments, registry
from harness.wire.machine import usable_cores

FOLDER = Path(__file__).parent


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--framework", choices=["torch", "tensorflow"], default="torch")
    parser.add_argument("--pairs", type=int, default=6)
    arguments = parser.parse_args()
    workspace = registry.open_workspace(start=Path.cwd(), explicit=None, data_dir=None, environ=os.environ)
    name = next(name for name in workspace.environments if _framework(workspace, name) == arguments.framework)
    environment = environments.load_environment(workspace.shelves, name)
    python = environments.build(environment, shelves=workspace.shelves, state=workspace.state, say=print).python
    hparams = registry.load_model(workspace, "resnet50").recipes["speed"].hyperparameters
    ratios = []
    for pair in range(arguments.pairs):
        first_harness = pair % 2 == 0
        rates: dict[str, float] = {}
        quiet = True
        for side in ("harness", "bare") if first_harness else ("bare", "harness"):
            if side == "harness":
                rates[side], quiet = harness_rate(name)
            else:
                rates[side] = bare_rate(python, arguments.framework, dict(hparams))
        ratio = rates["harness"] / rates["bare"]
        if quiet:
            ratios.append(ratio)
        note = "" if quiet else "  disturbed, left out"
        print(f"pair {pair + 1}: harness {rates['harness']:.3f}  bare {rates['bare']:.3f}  ratio {ratio:.4f}{note}")
    if ratios:
        median, spread = statistics.median(ratios), f"{min(ratios):.4f} to {max(ratios):.4f}"
        print(f"median ratio {median:.4f} of {len(ratios)} pairs, {spread}")


def harness_rate(environment: str) -> tuple[float, bool]:
    """samples/s of one run, and whether the machine was quiet."""
    command = [sys.executable, "-m", "harness", "run", "resnet50", "--recipe", "speed", "-e", environment]
    ended = subprocess.run(
        [*command, "--seed", "0", "--max-seeds", "1", "--json"], capture_output=True, text=True, check=False
    )
    told = json.loads(ended.stdout)
    return told["runs"][0]["metrics"]["samples_per_second"], told["verdicts"][0]["status"] != "INVALID"


def bare_rate(python: Path, framework: str, hparams: dict[str, object]) -> float:
    script = FOLDER / f"bare_resnet50_{'torch' if framework == 'torch' else 'tf'}.py"
    threads = str(usable_cores())
    command = [
        str(python),
        str(script),
        threads,
        *(str(hparams[key]) for key in ("batch_size_cpu", "warmup_steps", "steps")),
    ]
    variables = {**os.environ, "OMP_NUM_THREADS": threads, "MKL_NUM_THREADS": threads}
    ended = subprocess.run(command, capture_output=True, text=True, check=True, env=variables)
    return float(json.loads(ended.stdout.splitlines()[-1])["samples_per_second"])


def _framework(workspace: registry.Workspace, name: str) -> str:
    return environments.load_environment(workspace.shelves, name).framework


if __name__ == "__main__":
    main()
