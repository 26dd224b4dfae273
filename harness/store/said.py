"""What was said last about each cell.  A note for ``check``; no verdict is ever taken from it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from filelock import FileLock

from harness.store.folders import disk_faults, write_whole
from harness.wire.events import dumps


def load_said(state: Path) -> dict[str, dict[str, Any]]:
    """By cell; empty where nothing was said, or the note cannot be read."""
    try:
        found = json.loads(_path(state).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def remember(state: Path, cells: Mapping[str, Mapping[str, Any]]) -> None:
    """Replace what was said about these cells; the others stay."""
    path = _path(state)
    with disk_faults(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(path.with_suffix(".lock")):
            write_whole(path, dumps({**load_said(state), **cells}, indent=1) + "\n")


def _path(state: Path) -> Path:
    return state / "reports" / "said.json"
