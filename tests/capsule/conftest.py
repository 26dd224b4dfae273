"""One real capsule for all tests: a training of softmax, packed by the command line."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.commands.pack import pack
from tests.capsule.forge import Forged
from tests.conftest import Workspace, open_at


@pytest.fixture(scope="session")
def packed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A capsule of two runs; nobody writes to it."""
    root = tmp_path_factory.mktemp("packed") / "workspace"
    root.mkdir()
    workspace = Workspace(root)
    ended = workspace.harness("run", "softmax", "--seeds", "2", "--max-seeds", "2", "--keep-weights")
    assert ended.returncode in (0, 4), ended.stderr
    target = root / "softmax.capsule.zip"
    ended = workspace.harness("pack", *(run.name for run in workspace.runs()), "-o", str(target))
    assert ended.returncode == 0, ended.stderr
    return target


@pytest.fixture(scope="session")
def weighty(packed: Path) -> Path:
    """One of these runs with its final weights; nobody writes to it."""
    target = packed.parent / "weighty.capsule.zip"
    run = min(path.name for path in (packed.parent / ".harness" / "runs").iterdir())
    workspace = open_at(packed.parent)
    return pack(workspace, [run], target, with_weights=True).path


@pytest.fixture
def forged(packed: Path, tmp_path: Path) -> Forged:
    """The same capsule, to be spoilt."""
    return Forged(packed, tmp_path / "forged.capsule.zip")
