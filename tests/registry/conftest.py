from __future__ import annotations

from pathlib import Path

import pytest

from harness.registry import Workspace


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    """A workspace beside a built-in shelf, both empty."""
    root, builtin = tmp_path / "mine", tmp_path / "builtin"
    root.mkdir()
    builtin.mkdir()
    return Workspace(
        root=root, shelves=(root, builtin), state=root / ".harness", data_roots=(), environments=("numpy-2.4",)
    )
