"""How long the quick commands take: ``pytest benchmarks --benchmark-enable``.  Target: 0.3 s."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from harness.registry import load_models, open_workspace


@pytest.mark.parametrize("arguments", ["--help", "list", "list --json", "run --help"])
def test_quick_commands(benchmark: BenchmarkFixture, arguments: str) -> None:
    command = [sys.executable, "-m", "harness", *arguments.split()]
    benchmark(subprocess.run, command, check=True, capture_output=True)


def test_reading_the_shelf(benchmark: BenchmarkFixture, tmp_path: Path) -> None:
    workspace = open_workspace(start=tmp_path, explicit=None, data_dir=None, environ={})
    benchmark(load_models, workspace)


def test_a_run_outside_its_training(benchmark: BenchmarkFixture, tmp_path: Path) -> None:
    """A model that learns nothing: planning, data, snapshot, worker, numpy, record, verdict, page.  Target: 1 s."""
    shutil.copytree(Path(__file__).parent.parent / "tests" / "toys" / "toy", tmp_path / "models" / "toy")
    command = [sys.executable, "-m", "harness", "--workspace", str(tmp_path), "run", "toy", "--max-seeds", "1"]
    benchmark.pedantic(  # type: ignore[no-untyped-call]
        subprocess.run, args=(command,), kwargs={"capture_output": True, "check": False}, rounds=7, warmup_rounds=1
    )
