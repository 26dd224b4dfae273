"""``harness env``."""

from __future__ import annotations

import sysconfig
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness import environments
from harness.core.errors import HarnessError
from harness.registry import Workspace
from reports.progress import Progress

if TYPE_CHECKING:
    from packaging.version import Version


def list_environments(workspace: Workspace) -> list[dict[str, Any]]:
    found = []
    for environment in environments.load_environments(workspace.shelves):
        built = environments.find_built(environment, workspace.state)
        shown = built.environment if built else environment
        found.append(
            {
                "name": environment.name,
                "kind": "built" if environment.interpreter is None else "system",
                "framework": environment.framework,
                "python": shown.python,
                "requirements": list(environment.requirements),
                "variables": dict(environment.variables),
                "digest": shown.digest,
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
            _state(item),
            " ".join(item["requirements"]) or item["summary"],
        )
        for item in found
    ]
    table = tabulate(rows, headers=("name (* default)", "framework", "Python", "built", "requirements"))
    return f"{table}\n\n'current' is the interpreter that runs the harness."


def _state(item: dict[str, Any]) -> str:
    if item["kind"] == "system":
        return item["interpreter"] or "not there"
    return "yes" if item["interpreter"] else "no"


def add_environment(workspace: Workspace, requirement: str, name: str | None) -> dict[str, Any]:
    with Progress() as progress:
        path = environments.add(
            requirement,
            name=name,
            shelf=workspace.root,
            shelves=workspace.shelves,
            preferred=workspace.environments,
            say=progress.say,
        )
    return {"name": path.stem, "toml": str(path), "lock": str(path.with_suffix(".lock"))}


def discover_versions(workspace: Workspace, package: str, since: str | None) -> dict[str, Any]:
    """Which versions exist for the Python of this framework's environments, and who holds them already."""
    template = environments.template_of(
        environments.known_package(package).framework, workspace.shelves, workspace.environments
    )
    first = _version(since) if since else None
    held = _held(workspace, package)
    return {
        "package": package,
        "python": template.python,
        "platform": sysconfig.get_platform(),
        "versions": [
            {"version": str(version), "environments": held.get(str(version), [])}
            for version in environments.available_versions(package, python=template.python)
            if first is None or version >= first
        ],
    }


def versions_table(found: dict[str, Any]) -> str:
    from tabulate import tabulate

    rows = [(item["version"], " ".join(item["environments"])) for item in found["versions"]]
    where = f"for Python {found['python']} on {found['platform']}"
    if not rows:
        return f"no such version of {found['package']} {where}"
    table = tabulate(rows, headers=(found["package"], "environments"), disable_numparse=True)
    add = f"python -m harness env add {found['package']}=={found['versions'][0]['version']}"
    return f"{table}\n\n{where}; one more environment: {add}"


def _version(text: str) -> Version:
    from packaging.version import InvalidVersion, Version

    try:
        return Version(text)
    except InvalidVersion:
        raise HarnessError(f"--since {text}: that is no version", hint="write it as 2.10 or 2.10.1") from None


def _held(workspace: Workspace, package: str) -> dict[str, list[str]]:
    """Version -> names of the environments that pin it, or hold it where they are system interpreters."""
    held: dict[str, list[str]] = {}
    for environment in environments.load_environments(workspace.shelves):
        built = environments.find_built(environment, workspace.state) if environment.interpreter else None
        pins = [f"{package}=={built.packages.get(package)}"] if built else environment.requirements
        for pin in pins:
            name, _, version = pin.partition("==")
            if name == package:
                held.setdefault(version, []).append(environment.name)
    return held


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
