"""Values that the tests of core, store and commands share."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from harness.core.values import Job, Machine, Metric, Mode, Recipe, Record, Reference, RunStatus

MACHINE = Machine(
    cpu="Example CPU",
    cores=2,
    memory_bytes=2**34,
    gpus=(),
    driver=None,
    os="Debian",
    kernel="6.1",
    architecture="x86_64",
)
QUIET = {"cpu_share": 0.97, "foreign_share": 0.01, "steal_share": 0.0, "wait_share": 0.01}


def accuracy_recipe() -> Recipe:
    return Recipe(
        name="digits",
        summary="",
        mode="train",
        dataset=None,
        hyperparameters={},
        metrics=(Metric(name="top1", unit="fraction", better="higher", margin=0.02),),
        first_seeds=1,
        max_seeds=5,
        deadline_minutes=1,
    )


def speed_recipe() -> Recipe:
    metric = Metric(name="samples_per_second", unit="samples/s", better="higher", margin_relative=0.05)
    return replace(accuracy_recipe(), name="speed", mode="speed", metrics=(metric,))


def reference(**changes: Any) -> Reference:
    values = tuple(changes.get("values", ()))
    fields: dict[str, Any] = {
        "recipe": "digits",
        "metric": "top1",
        "kind": "recorded",
        "value": sum(values) / len(values) if values else None,
        "of": "mean" if values else "single",
        "source": "test",
        **changes,
    }
    return Reference(**fields)


def record(
    seed: int = 0, recipe: str = "digits", mode: Mode = "train", environment: str = "torch-2.13", **changes: Any
) -> Record:
    job = Job(
        model="toy",
        recipe=recipe,
        framework="torch",
        environment=environment,
        seed=seed,
        mode=mode,
        device="auto",
        threads=2,
    )
    fields: dict[str, Any] = {
        "id": f"20260101T000000-toy-{recipe}-{environment}-s{seed}-abcdef",
        "job": job,
        "status": RunStatus.FINISHED,
        "reason": "",
        "started": 1764000000.0,
        "seconds": 60.0,
        "metrics": {"top1": 0.96},
        "curves": {},
        "step_seconds": (),
        "warmup_steps": 0,
        "samples_per_step": 0,
        "machine": MACHINE,
        "packages": {},
        "variables": {},
        "libraries": {},
        "settings": {"device": "cpu"},
        "measurement": QUIET,
        "deterministic": True,
        "determinism_notes": (),
        "digests": {"code": "c", "environment": "e"},
        "parameters": 8,
        "data": None,
        "garbled_lines": 0,
        **changes,
    }
    return Record(**fields)
