"""``harness index``."""

from __future__ import annotations

from typing import Any

from harness import registry
from harness.store.index import open_index, rebuild
from reports.progress import Progress


def rebuild_index(workspace: registry.Workspace) -> dict[str, Any]:
    """Make the index again from the run folders, and say which of them cannot be read."""
    with Progress() as progress:
        faults = rebuild(workspace.state, workspace.store_url, progress.say)
        for fault in faults.values():
            progress.say(f"{'; '.join(fault.messages)} ({fault.hint})")
    with open_index(workspace.state, workspace.store_url) as index:
        return {"store": index.url, "runs": len(index.ids()), "unreadable": sorted(faults)}
