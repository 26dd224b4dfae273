"""``harness compare RUN RUN``: what differs between how two stored runs were made."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from harness import registry, store
from harness.core.differences import Difference, Origin, differences
from harness.core.errors import HarnessError
from harness.core.reproduction import is_program
from harness.core.values import Record


@dataclass(frozen=True, kw_only=True)
class Comparison:
    before: Record
    after: Record
    found: tuple[Difference, ...]
    report: Path


def are_runs(names: tuple[str, str]) -> bool:
    """Whether these are ids of runs and not environments.  Raises HarnessError for one of each."""
    alike = [bool(re.match(r"\d{8}T\d{6}-", name)) for name in names]
    if alike[0] != alike[1]:
        raise HarnessError(
            f"{names[alike.index(True)]} is a run, {names[alike.index(False)]} is not",
            hint="compare two environments, or two runs of .harness/runs",
        )
    return alike[0]


def compare_runs(workspace: registry.Workspace, one: str, other: str) -> Comparison:
    """Only what differs, the most suspicious first, and the page about it.  Judges nothing."""
    from reports.html import render_differences

    before, after = (store.load_run(workspace.state, name) for name in (one, other))
    found = what_changed(before, after)
    path = workspace.state / "reports" / f"differences-{before.id}-{after.id}.html"
    with store.disk_faults(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        store.write_whole(path, render_differences(before, after, found))
    return Comparison(before=before, after=after, found=found, report=path)


def what_changed(before: Record, after: Record) -> tuple[Difference, ...]:
    """By their records and by what their folders hold."""
    return differences(before, after, _origin(before), _origin(after))


def _origin(record: Record) -> Origin:
    """Of a wrapped program what is its own: not where it lay, nor how the harness ran it."""
    found = store.load_origin(record)
    if not is_program(record):
        return found
    return Origin(
        hyperparameters={name: value for name, value in found.hyperparameters.items() if name not in ("folder", "bin")},
        files={name: text for name, text in found.files.items() if name.startswith("project/")},
    )
