"""``harness runs``: run folders from one machine to another."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from harness import registry, store
from harness.core.errors import HarnessError
from harness.core.values import Record
from harness.store import RunFolder
from harness.store.archives import export_runs, import_runs
from harness.store.index import open_index
from reports.progress import Progress


def stored_runs(workspace: registry.Workspace, model: str | None) -> list[Record]:
    """Every run with a record, or those of a model; one that goes on or was cut off has none."""
    records = store.load_records(workspace.state, models=(model,) if model else ())
    if not records:
        asked = f" of model {model}" if model else ""
        raise HarnessError(f"no run{asked} is stored in {workspace.state / 'runs'}", hint="make one: harness run MODEL")
    return records


def export(workspace: registry.Workspace, target: Path, *, model: str | None, night: str | None) -> dict[str, Any]:
    """Pack the finished and failed runs, or those of a model and a night; a run still going is left out."""
    with Progress() as progress, open_index(workspace.state, workspace.store_url) as index:
        index.catch_up(progress.say, needs=model or "")
        names = index.ids(model=model, night=night)
    if not names:
        asked = "".join(f" of {word} {name}" for word, name in (("model", model), ("night", night)) if name)
        raise HarnessError(f"no run{asked} is stored in {workspace.state / 'runs'}", hint="see: harness report")
    export_runs([RunFolder(workspace.state / "runs" / name) for name in names], target)
    return {"path": str(target), "bytes": target.stat().st_size, "runs": names}


def bring_in(workspace: registry.Workspace, source: Path) -> dict[str, Any]:
    """Unpack an archive of ``export``; runs that are here already, byte for byte, are skipped."""
    found = import_runs(source, workspace.state)
    with Progress() as progress:
        for name in found.skipped:
            progress.say(f"{name} is here already")
        try:
            with open_index(workspace.state, workspace.store_url) as index:
                index.catch_up(progress.say)
        except HarnessError as error:
            progress.say(f"the runs are stored but not yet in the index: {'; '.join(error.messages)}")
    return {"path": str(source), "imported": list(found.new), "skipped": list(found.skipped)}
