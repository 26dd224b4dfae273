"""How long the quick commands take: ``pytest benchmarks --benchmark-enable``.  Target: 0.3 s."""

from __future__ import annotations

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
