"""Faults planted into environments, and what ``harness compare`` says of them beside the sound ones.

An environment extends a sound one and sets ``PYTHONPATH`` to ``spoilt/``, whose ``sitecustomize`` changes the
framework: so it can be spoilt by anybody who writes a toml, and the record shows it.  A worker takes no ``PYTHON*``
variable from whoever starts the harness, only what the environment itself says.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import tomlkit
from tabulate import tabulate

from tests.conftest import REPOSITORY, Workspace

SPOILT = REPOSITORY / "tests" / "planted" / "spoilt"
SPOILT_NAME = "planted"
ALARMS = ("REGRESSION", "IMPROVED")


@dataclass(frozen=True, kw_only=True)
class Case:
    name: str  # of a spoil, or what the variables do
    sound: str  # the environment that is extended
    model: str
    recipe: str
    variables: Mapping[str, str]
    folder: Path | None = None  # the model's, where it is not on the shelf
    shorter: Mapping[str, Any] = field(default_factory=dict)  # hyper-parameters that replace the recipe's
    pairs: int = 12  # at most; for accuracy, seeds


@dataclass(frozen=True, kw_only=True)
class Found:
    case: Case
    verdicts: Sequence[Mapping[str, Any]]
    differences: Sequence[Mapping[str, Any]]  # between the first runs of both sides

    @property
    def found(self) -> bool:
        return any(verdict["status"] in ALARMS for verdict in self.verdicts)


def by_sitecustomize(name: str) -> dict[str, str]:
    return {"PYTHONPATH": str(SPOILT), "PLANTED": name}


SMALL_RESNET = {"batch_size_cpu": 4, "warmup_steps": 3, "steps": 12}
SHORT_FCN = {"epochs": 150}
# Eigen's kernels need no planting: the environment on the shelf is the spoilt one of a sound one.
CASES = (
    Case(
        name="slow convolution",
        sound="torch-2.13",
        model="resnet50",
        recipe="speed",
        variables=by_sitecustomize("slow convolution"),
        shorter=SMALL_RESNET,
    ),
    Case(
        name="half weight decay",
        sound="torch-2.13",
        model="sgc",
        recipe="cora",
        variables=by_sitecustomize("half weight decay"),
    ),
    Case(
        name="lost labels",
        sound="torch-2.13",
        model="gcn",
        recipe="cora",
        variables=by_sitecustomize("lost labels"),
    ),
    Case(
        name="other momentum",
        sound="torch-2.13",
        model="ts-fcn",
        recipe="ucr-italy-power-demand",
        variables=by_sitecustomize("other momentum"),
        shorter=SHORT_FCN,
    ),
    Case(
        name="oneDNN off",
        sound="tf-2.21",
        model="resnet50",
        recipe="speed",
        variables={"TF_ENABLE_ONEDNN_OPTS": "0"},
        shorter=SMALL_RESNET,
    ),
)


def workspace(root: Path, case: Case) -> Path:
    """A workspace with the spoilt environment, the shortened model, and the repository's built environments."""
    (root / "environments").mkdir(parents=True)
    toml = {"extends": case.sound, "summary": case.name, "variables": dict(case.variables)}
    (root / "environments" / f"{SPOILT_NAME}.toml").write_text(tomlkit.dumps(toml))
    if case.folder or case.shorter:
        folder = root / "models" / case.model
        shutil.copytree(case.folder or REPOSITORY / "models" / case.model, folder)
        said = tomlkit.parse((folder / "model.toml").read_text())
        said["recipes"][case.recipe]["hyperparameters"].update(case.shorter)
        (folder / "model.toml").write_text(tomlkit.dumps(said))
    Workspace(root)  # borrows what is built
    return root


def compare(root: Path, case: Case) -> Found:
    """The spoilt environment beside the sound one, by the command line."""
    options = ("--model", case.model, "--recipe", case.recipe, "--max-pairs", str(case.pairs))
    told = _harness(root, "compare", case.sound, SPOILT_NAME, *options)
    first = {run["environment"]: run["id"] for run in reversed(told["runs"])}
    between = _harness(root, "compare", first[case.sound], first[SPOILT_NAME])
    return Found(case=case, verdicts=told["verdicts"], differences=between["differences"])


def _harness(root: Path, *arguments: str) -> Any:
    command = [sys.executable, "-m", "harness", "--workspace", str(root), *arguments, "--json"]
    ended = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False, env={**os.environ, "NO_COLOR": "1"})
    return json.loads(ended.stdout)


def table(found: Sequence[Found]) -> str:
    rows = [
        (
            each.case.name,
            f"{each.case.model}/{each.case.recipe} in {each.case.sound}",
            "found" if each.found else "not found",
            f"{verdict['metric']}: {verdict['status']} ({_number(verdict['reference'])} -> "
            f"{_number(verdict['measured'])}, n = {verdict['n']})",
            ", ".join(f"{one['kind']} {one['name']}" for one in each.differences[:3]),
        )
        for each in found
        for verdict in each.verdicts
    ]
    return tabulate(rows, headers=("planted", "job", "", "verdict", "what differs"), disable_numparse=True)


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.4g}"
