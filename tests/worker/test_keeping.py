"""What each framework's objects keep, in its own environment."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import REPOSITORY

ENVIRONMENTS = {"torch": "torch-2.13", "tf": "tf-2.21"}


@pytest.mark.parametrize("framework", ENVIRONMENTS)
def test_a_training_goes_on_from_what_another_one_kept(
    framework: str, environment_python: Callable[[str], Path], tmp_path: Path
) -> None:
    probe = Path(__file__).with_name(f"probe_keeping_{framework}.py")
    command = [environment_python(ENVIRONMENTS[framework]), probe, REPOSITORY, tmp_path]
    ended = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)
    assert ended.stdout == "as before", ended.stderr[-3000:]
