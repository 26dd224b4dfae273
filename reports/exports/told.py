"""A run as the exports see it: its record, its recipe, and the numbers that it told with the times of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from harness.core.values import ModelSpec, Recipe, Record
from harness.wire import SPEED
from harness.wire.events import Event, number


class Number(NamedTuple):
    name: str
    step: int  # epoch, from 0; of a wrapped program what it counts
    value: float
    time: float  # Unix seconds


@dataclass(frozen=True, kw_only=True)
class Told:
    record: Record  # as it may leave the machine
    spec: ModelSpec
    recipe: Recipe
    hyperparameters: Mapping[str, Any]
    events: Sequence[Event]

    def numbers(self) -> Iterator[Number]:
        """Every evaluation, and every epoch's mean loss and speed, in the order they came."""
        last = 0
        for event in self.events:
            said = event.fields
            if event.kind == "eval_accuracy":
                last = last if said["epoch"] is None else int(said["epoch"])
                yield Number(str(said["metric"]), last, number(said["value"]), event.time)
            elif event.kind == "epoch_stop" and said["samples"]:
                last = int(said["epoch"])
                yield Number("loss", last, number(said["loss"]), event.time)
                yield Number(SPEED, last, number(said["samples"]) / max(number(said["seconds"]), 1e-9), event.time)

    def samples(self, split: str) -> int | None:
        """How many the data set has; None where nobody counted."""
        said = (self.record.data or {}).get("splits", {}).get(split, {})
        return said.get("samples") if isinstance(said, Mapping) else None
