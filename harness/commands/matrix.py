"""``harness matrix``: many models in many environments, one after another."""

from __future__ import annotations

from harness import registry, store
from harness.commands.night import NightOutcome, live_through, reopen
from harness.core.errors import HarnessError, nearest
from harness.core.night import Night
from harness.store import NightFolder
from reports.progress import Progress


def matrix(workspace: registry.Workspace, plan: Night, budget_minutes: float | None) -> NightOutcome:
    """Live through ``plan``."""
    with Progress() as progress, store.one_night_at_a_time(workspace.state):
        return live_through(workspace, store.create_night(workspace.state, plan), budget_minutes, progress)


def resume(workspace: registry.Workspace, name: str, budget_minutes: float | None) -> NightOutcome:
    """Go on with the night called ``name``; "latest" is the last one."""
    with Progress() as progress, store.one_night_at_a_time(workspace.state):
        folder = _find(workspace, name)
        reopen(folder)
        return live_through(workspace, folder, budget_minutes, progress)


def _find(workspace: registry.Workspace, name: str) -> NightFolder:
    found = {folder.id: folder for folder in store.nights(workspace.state)}
    if not found:
        hint = "start one: harness matrix --models MODEL --environments ENVIRONMENT"
        raise HarnessError(f"no night is stored in {workspace.state / 'nights'}", hint=hint)
    wanted = max(found) if name == "latest" else name
    if wanted not in found:
        raise HarnessError(f"no night is called {wanted}", hint=nearest(wanted, found))
    return found[wanted]
