"""What a training that cannot start would take here, by speeds that were stored here."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from harness import store
from harness.commands.expected import expected_hours
from harness.commands.machine import this_machine
from harness.core.values import ModelSpec, Recipe
from tests.conftest import open_at
from tests.core.examples import MACHINE, QUIET, accuracy_recipe, record, speed_recipe


def spec(*recipes: Recipe) -> ModelSpec:
    return ModelSpec(
        name="toy",
        title="",
        task="",
        paper=None,
        frameworks=("torch",),
        default_recipe=recipes[0].name,
        recipes={recipe.name: recipe for recipe in recipes},
        folder="",
    )


def test_hours_are_told_by_the_newest_undisturbed_speed_of_each_environment(tmp_path: Path) -> None:
    workspace = open_at(tmp_path)
    long = replace(accuracy_recipe(), hyperparameters={"epochs": 90}, flops_per_sample=2e9)
    speed = replace(speed_recipe(), flops_per_sample=1e9)
    model = spec(long, speed)

    def store_speed(day: int, rate: float, environment: str = "torch-2.13", **changes: Any) -> None:
        made = record(
            recipe="speed",
            mode="speed",
            environment=environment,
            **{"machine": this_machine(), "metrics": {"samples_per_second": rate}, **changes},
            id=f"2026010{day}T000000-toy-speed-{environment}-s0-abcdef",
        )
        store.create_run(workspace.state, made.id).finish(made)

    def told() -> str:
        return expected_hours(workspace, model, long, 1_000_000)

    assert told() == "how long it would take here is told once its speed is: harness run toy --recipe speed"
    store_speed(1, 100.0, machine=MACHINE)  # another machine's
    store_speed(2, 100.0, measurement={**QUIET, "foreign_share": 0.5})
    assert told().startswith("how long it would take here is told once")
    store_speed(3, 25.0)
    store_speed(4, 50.0)
    store_speed(5, 20.0, environment="torch-2.6")
    # 90 epochs of a million images, each twice the work: 1.8e8 / 50 s = 1,000 h, and 2,500 h at 20 a second.
    assert told() == (
        "its 90 epochs would take about 2,500 hours in torch-2.6 (20 samples/s in "
        "20260105T000000-toy-speed-torch-2.6-s0-abcdef); 1,000 hours in torch-2.13 (50 samples/s in "
        "20260104T000000-toy-speed-torch-2.13-s0-abcdef), evaluation apart"
    )
    assert "no recipe that measures a speed" in expected_hours(workspace, spec(long), long, 1_000_000)
