"""What a contender is given: the job as the worker gets it, and the data set's arrays.  numpy only."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy
from numpy.typing import NDArray

from benchmarks.public.turns import Turns

Array = NDArray[Any]


@dataclass(frozen=True, kw_only=True)
class Task:
    model: str
    variant: str  # what the script understands by it
    hparams: dict[str, Any]
    seed: int
    threads: int
    classes: int  # 0 and no folder where there is no data set
    folder: Path  # of the arrays
    graph: dict[str, Any]  # nodes and features; empty where the data set is no graph
    epochs_a_round: int

    def arrays(self, split: str) -> tuple[Array, Array]:
        """x and y of a split, in memory."""
        return numpy.load(self.folder / f"{split}_x.npy"), numpy.load(self.folder / f"{split}_y.npy")

    def graph_array(self, name: str) -> Array:
        """ "edges" int64 [edges, 2] or "entries" int64 [entries, 2]."""
        found: Array = numpy.load(self.folder / self.graph["arrays"][name]["file"])
        return found

    def words(self) -> Array:
        """The graph's features, float32 [nodes, features], each row divided by its sum."""
        x = numpy.zeros((self.graph["nodes"], self.graph["features"]), numpy.float32)
        entries = self.graph_array("entries")
        x[entries[:, 0], entries[:, 1]] = 1
        divided: Array = x / x.sum(axis=1, keepdims=True).clip(1)
        return divided

    def turns(self, name: str) -> Turns:
        """``name`` is how the table calls what is measured."""
        return Turns(self.epochs_a_round, name)


def read_task() -> Task:
    """From the command line: JOB EPOCHS_A_ROUND VARIANT."""
    path, epochs, variant = sys.argv[1:4]
    job = json.loads(Path(path).read_text())
    data = job["data"] or {"path": "", "manifest": {"classes": 0}}
    return Task(
        model=job["model"],
        variant=variant,
        hparams=job["hyperparameters"],
        seed=job["seed"],
        threads=job["threads"],
        classes=data["manifest"]["classes"],
        folder=Path(data["path"]),
        graph=data["manifest"].get("graph", {}),
        epochs_a_round=int(epochs),
    )
