"""``harness status``: whether a night was finished lately, for whoever watches the watcher."""

from __future__ import annotations

import re
import time
from typing import Any

from harness import registry, store
from harness.core.errors import HarnessError

SECONDS = {"m": 60.0, "h": 3600.0, "d": 86400.0}


def night_status(workspace: registry.Workspace, max_age: str) -> dict[str, Any]:
    """The last nightly that came to its end.  Raises HarnessError for an age that is none."""
    limit = _seconds(max_age)
    nights = [folder.load() for folder in store.nights(workspace.state)]
    ended = [night for night in nights if night.nightly and night.complete]
    last = max(ended, key=lambda night: night.finished or 0.0, default=None)
    age = None if last is None else time.time() - (last.finished or 0.0)
    return {
        "well": age is not None and age <= limit,
        "night": last.id if last else None,
        "age_seconds": age,
        "max_age_seconds": limit,
    }


def status_text(found: dict[str, Any]) -> str:
    limit = found["max_age_seconds"] / 3600
    if found["night"] is None:
        return "no night was ever finished here; start one: harness nightly"
    told = f"the last night, {found['night']}, was finished {found['age_seconds'] / 3600:.1f} h ago"
    return told if found["well"] else f"{told}: more than {limit:g} h"


def _seconds(age: str) -> float:
    match = re.fullmatch(r"(\d+(?:\.\d+)?)([mhd])", age)
    if match is None:
        raise HarnessError(f"--max-age {age}: not an age", hint="a number and m, h or d: 90m, 26h, 2d")
    return float(match[1]) * SECONDS[match[2]]
