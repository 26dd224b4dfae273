"""Nights made up for the tests and the benchmark: nothing is trained."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from harness.core.night import CellState, Night, NightCell
from harness.core.values import Job, Mode, Record
from tests.core.examples import MACHINE, QUIET, record

FIRST = datetime(2026, 1, 1, 3, tzinfo=UTC)
PACKAGES = {f"package-{number}": "1.0" for number in range(30)}
MANIFEST = {"name": "digits", "digest": "d", "source": "test", "splits": {"train": {"samples": 1437}}}


def night_id(night: int) -> str:
    return f"{FIRST + timedelta(days=night):%Y%m%dT%H%M%S}-ab"


def made_run(
    model: str, recipe: str, environment: str, night: int, *, seed: int = 0, mode: Mode = "train", **changes: Any
) -> Record:
    """A finished run of that night, alike in everything to those of other nights."""
    when = FIRST + timedelta(days=night, minutes=seed)
    job = Job(
        model=model,
        recipe=recipe,
        framework="numpy",
        environment=environment,
        seed=seed,
        mode=mode,
        device="auto",
        threads=2,
    )
    fields: dict[str, Any] = {
        "job": job,
        "started": when.timestamp(),
        "night": night_id(night),
        "packages": PACKAGES,
        "variables": {"OMP_NUM_THREADS": "2"},
        "libraries": {"blas": "openblas 0.3"},
        "machine": replace(MACHINE, microcode="0x1"),
        "measurement": QUIET,
        "data": MANIFEST,
        "digests": {"code": "c", "environment": "e", "data": "d", "first_batches": "b", "weights_initial": "w"},
        "curves": {"loss": tuple((epoch, 2.0 / (epoch + 1)) for epoch in range(20))},
        **changes,
    }
    return replace(record(), id=f"{when:%Y%m%dT%H%M%S}-{model}-{recipe}-{environment}-s{seed}-abcdef", **fields)


def made_nights(models: list[str], recipe: str, metric: str, environments: list[str], nights: int) -> Iterator[Record]:
    """One run for each model, environment and night, oldest first; the first cell gets worse in the last third."""
    draw = random.Random(1)
    for night in range(nights):
        for model in models:
            for environment in environments:
                broken = (model, environment) == (models[0], environments[0]) and night >= 2 * nights // 3
                value = 0.96 + draw.gauss(0, 0.004) - (0.06 if broken else 0.0)
                curve = tuple((epoch, value * (1 - 0.5 ** (epoch + 1))) for epoch in range(20))
                packages: dict[str, Any] = {"packages": {**PACKAGES, "package-0": "1.1"}} if broken else {}
                made = made_run(model, recipe, environment, night, metrics={metric: value}, **packages)
                yield replace(made, curves={**made.curves, metric: curve})


def made_night(models: list[str], recipe: str, environments: list[str], night: int, **last: Any) -> Night:
    """Every cell done, but the last one is as told."""
    cells = [
        NightCell(model=model, recipe=recipe, framework="numpy", environment=environment, state=CellState.DONE)
        for model in models
        for environment in environments
    ]
    if last:
        cells[-1] = replace(cells[-1], **last)
    started = (FIRST + timedelta(days=night)).timestamp()
    return Night(id=night_id(night), cells=tuple(cells), started=started, finished=started + 3600)
