"""``harness list``."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from harness import registry


def list_models(workspace: registry.Workspace) -> list[dict[str, Any]]:
    """The shelf; from a note in ``state`` where no file of it was touched since that was written."""
    note = workspace.state / "list.json"
    files = dict(_files(workspace))
    if (noted := _read(note)) and noted["files"] == files:
        found: list[dict[str, Any]] = noted["models"]
        return found
    models = _list(workspace)
    if note.parent.is_dir():  # looking makes no folder
        from harness import store

        with suppress(OSError):  # a note that cannot be written costs the next listing a moment, and nothing else
            store.write_whole(note, json.dumps({"files": files, "models": models}), forced=False)
    return models


def _files(workspace: registry.Workspace) -> Iterator[tuple[str, list[int]]]:
    """Everything that a listing is made from, with size and time of the last change."""
    for shelf in workspace.shelves:
        for path in (*shelf.glob("models/*/*"), *shelf.glob("baselines/*.toml")):
            seen = path.stat()
            yield str(path), [seen.st_size, seen.st_mtime_ns]


def _read(note: Path) -> dict[str, Any] | None:
    try:
        found: dict[str, Any] = json.loads(note.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return found


def _list(workspace: registry.Workspace) -> list[dict[str, Any]]:
    return [
        {
            "name": spec.name,
            "title": spec.title,
            "task": spec.task,
            "frameworks": list(spec.frameworks),
            "default_recipe": spec.default_recipe,
            "recipes": {
                recipe.name: {
                    "summary": recipe.summary,
                    "mode": recipe.mode,
                    "dataset": recipe.dataset,
                    "minutes": dict(recipe.minutes),
                    "metrics": [metric.name for metric in recipe.metrics],
                }
                for recipe in spec.recipes.values()
            },
            "references": len(registry.load_baseline(workspace, spec).references),
        }
        for spec in registry.load_models(workspace)
    ]


def models_table(models: list[dict[str, Any]]) -> str:
    from tabulate import tabulate

    rows = [
        (
            model["name"] if index == 0 else "",
            name + (" *" if name == model["default_recipe"] else ""),
            recipe["dataset"] or "synthetic",
            ", ".join(model["frameworks"]),
            ", ".join(f"{minutes:g}" for minutes in recipe["minutes"].values()) or "–",
            recipe["summary"],
        )
        for model in models
        for index, (name, recipe) in enumerate(model["recipes"].items())
    ]
    table = tabulate(
        rows,
        headers=("model", "recipe (* default)", "data", "frameworks", "minutes a run", ""),
        maxcolwidths=[None, None, None, None, None, 52],
    )
    return f"{table}\n\nrun one: python -m harness run MODEL [--recipe RECIPE]"
