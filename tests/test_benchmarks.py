"""The comparison with public implementations, as far as it goes without installing them."""

from __future__ import annotations

import subprocess
import sys

import pytest

from benchmarks.public.cases import CASES, Case
from harness.registry import load_model
from tests.conftest import REPOSITORY, open_at


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.model)
def test_a_case_names_what_exists(case: Case) -> None:
    workspace = open_at(REPOSITORY)
    spec = load_model(workspace, case.model)
    recipe = spec.recipes[spec.default_recipe]
    assert set(case.changed) <= set(recipe.hyperparameters)
    for theirs in case.theirs:
        assert theirs.framework in spec.frameworks
        assert (REPOSITORY / "benchmarks" / "public" / "theirs" / f"{theirs.script}.py").is_file()


def test_its_help_answers_without_what_it_compares_with() -> None:
    command = [sys.executable, "-m", "benchmarks.public", "--help"]
    ended = subprocess.run(command, capture_output=True, text=True, check=False, cwd=REPOSITORY)
    assert ended.returncode == 0
    assert "--install" in ended.stdout
