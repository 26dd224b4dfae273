"""The job as the worker reads it from job.json."""

from __future__ import annotations

import json
from typing import Any, Dict, NamedTuple, Optional


class WorkerJob(NamedTuple):
    """Everything a worker needs to know; it reads nothing else but the data it names."""

    protocol: int
    id: str
    model: str
    recipe: str
    framework: str  # "torch" | "tensorflow" | "numpy"
    environment: str
    seed: int
    mode: str  # "train" | "speed"
    device: str  # "auto" | "cpu" | "cuda"
    threads: int
    deterministic: bool
    hyperparameters: Dict[str, Any]
    metrics: Dict[str, str]  # name -> unit
    flops_per_sample: Optional[float]  # of one training step, forward and backward
    data: Optional[Dict[str, Any]]  # {"path": folder, "manifest": {...}}; None: synthetic
    devices: int = 1  # each with a process of its own; ``threads`` are those of all of them


def parse(text: str) -> WorkerJob:
    """Raises ValueError or TypeError where the text is not a job of this protocol."""
    return WorkerJob(**json.loads(text))
