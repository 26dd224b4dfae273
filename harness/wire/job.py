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
    # What came later has a default, and stands in job.json only where it differs: an earlier worker knows no such key.
    devices: int = 1  # each with a process of its own; ``threads`` are those of all of them
    keep_weights: bool = False  # write the final weights into the run folder
    resume: Optional[Dict[str, Any]] = None  # {"run": id, "checkpoint": path below the run folder}
    initial: Optional[Dict[str, Any]] = None  # {"run": id, "weights": path below the run folder}: start from these
    stop_at: Optional[Dict[str, int]] = None  # {"epoch", "step"}: be stopped there by SIGTERM (a certificate)


def dump(job: WorkerJob) -> Dict[str, Any]:
    """What job.json holds."""
    defaults = WorkerJob._field_defaults
    return {name: value for name, value in job._asdict().items() if name not in defaults or value != defaults[name]}


def parse(text: str) -> WorkerJob:
    """Raises ValueError or TypeError where the text is not a job of this protocol."""
    return WorkerJob(**json.loads(text))
