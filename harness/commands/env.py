"""``harness env``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from harness import environments
from harness.registry import Workspace
from reports.progress import Progress


def list_environments(workspace: Workspace) -> list[dict[str, Any]]:
    found = []
    for environment in environments.load_environments(workspace.shelves):
        built = environments.find_built(environment, workspace.state)
        found.append(
            {
                "name": environment.name,
                "framework": environment.framework,
                "python": environment.python,
                "requirements": list(environment.requirements),
                "variables": dict(environment.variables),
                "digest": environment.digest,
                "default": environment.name in workspace.environments,
                "interpreter": str(built.python) if built else None,
                "summary": environment.summary,
            }
        )
    return found


def environments_table(found: list[dict[str, Any]]) -> str:
    from tabulate import tabulate

    rows = [
        (
            item["name"] + (" *" if item["default"] else ""),
            item["framework"],
            item["python"],
            "yes" if item["interpreter"] else "no",
            " ".join(item["requirements"]),
        )
        for item in found
    ]
    table = tabulate(rows, headers=("name (* default)", "framework", "Python", "built", "requirements"))
    return f"{table}\n\n'current' is the interpreter that runs the harness."


def build_environment(workspace: Workspace, name: str) -> dict[str, Any]:
    with Progress() as progress:
        built = environments.build(
            environments.load_environment(workspace.shelves, name),
            shelves=workspace.shelves,
            state=workspace.state,
            say=progress.say,
        )
    return {
        "name": name,
        "python": str(built.python),
        "seconds": built.seconds,
        "digest": built.environment.digest,
        "packages": dict(built.packages),
    }


def lock_environment(workspace: Workspace, name: str) -> Path:
    with Progress() as progress:
        return environments.lock(name, shelves=workspace.shelves, say=progress.say)


def remove_environment(workspace: Workspace, name: str) -> list[str]:
    with Progress() as progress:
        removed = environments.remove(name, state=workspace.state, say=progress.say)
    if not removed:
        environments.load_environment(workspace.shelves, name)  # a mistyped name is told so
    return [str(path) for path in removed]
