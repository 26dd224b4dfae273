"""``harness data``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from harness import datasets
from harness.commands.choose import prepare_set
from harness.registry import Workspace
from harness.wire.machine import usable_cores
from reports.progress import Progress


def list_data(workspace: Workspace) -> list[dict[str, Any]]:
    sets = [datasets.describe(name) for name in datasets.names()]
    return [
        {
            "name": item.name,
            "title": item.title,
            "bytes": item.size_bytes,
            "licence": item.licence,
            "source": item.source,
            "url": item.url,
            "prepared": any((workspace.state / "datasets").glob(f"{item.name}-*/manifest.json")),
        }
        for item in sets
    ]


def data_table(sets: list[dict[str, Any]]) -> str:
    from tabulate import tabulate

    rows = [
        (
            item["name"],
            f"{item['bytes'] / 1e6:,.1f} MB",
            "yes" if item["prepared"] else "no",
            item["licence"],
            item["title"],
        )
        for item in sets
    ]
    return tabulate(rows, headers=("name", "size", "prepared", "licence", ""), maxcolwidths=[None, None, None, 30, 44])


def fetch_data(workspace: Workspace, name: str, *, verify: bool) -> dict[str, Any]:
    with Progress() as progress:
        make = datasets.verify if verify else datasets.prepare
        return _told(prepare_set(workspace, name, progress.say, make))


def make_data(workspace: Workspace, name: str, *, short_side: int, into: Path | None) -> dict[str, Any]:
    """Make the shards of an image folder, into the workspace unless told where."""
    with Progress() as progress:
        made = datasets.make_shards(
            datasets.describe(name),
            workspace.data_roots,
            datasets.Wish(into=into or workspace.state / "datasets", short_side=short_side, threads=usable_cores()),
            progress.say,
        )
    if into and into.resolve() not in [root.resolve() for root in workspace.data_roots]:
        progress.say(f"a training finds it with --data-dir {into}, HARNESS_DATA_DIR, or [data] roots in harness.toml")
    return _told(made)


def _told(prepared: datasets.Prepared) -> dict[str, Any]:
    return {
        "name": prepared.name,
        "path": str(prepared.path),
        "digest": prepared.manifest["digest"],
        "manifest": prepared.manifest,
    }
