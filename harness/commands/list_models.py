"""``harness list``."""

from __future__ import annotations

from typing import Any

from harness.registry import Workspace, load_baseline, load_models


def list_models(workspace: Workspace) -> list[dict[str, Any]]:
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
            "references": len(load_baseline(workspace, spec).references),
        }
        for spec in load_models(workspace)
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
