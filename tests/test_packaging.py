"""The wheel works where there is no checkout."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tests.conftest import REPOSITORY, Workspace


@pytest.fixture
def unpacked(tmp_path: Path) -> Path:
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", str(tmp_path)]
    built = subprocess.run([*command, str(REPOSITORY)], capture_output=True, text=True, check=False, timeout=300)
    assert built.returncode == 0, built.stderr
    (wheel,) = tmp_path.glob("*.whl")
    folder = tmp_path / "unpacked"
    zipfile.ZipFile(wheel).extractall(folder)
    return folder


def test_the_wheel_carries_the_shelf_and_runs_a_model_with_its_baseline(unpacked: Path, workspace: Workspace) -> None:
    for shelf in ("models", "baselines", "environments"):
        ours = {path.relative_to(REPOSITORY) for path in (REPOSITORY / shelf).rglob("*.*") if path.suffix != ".pyc"}
        assert ours
        assert ours == {
            path.relative_to(unpacked / "harness/shelf") for path in (unpacked / "harness/shelf" / shelf).rglob("*.*")
        }
    variables = {"PYTHONPATH": str(unpacked)}
    command = [sys.executable, "-c", "import harness; print(harness.__file__)"]
    where = subprocess.check_output(command, text=True, cwd=workspace.root, env=variables)
    assert where.strip() == str(unpacked / "harness" / "__init__.py")  # and not the checkout's
    ended = workspace.harness("run", "softmax", "--json", **variables)
    assert ended.json["verdicts"][0]["status"] == "PASS", ended.stderr
    assert (workspace.state / "index.db").is_file()  # so the migrations came along
    assert "not yet in the index" not in ended.stderr
