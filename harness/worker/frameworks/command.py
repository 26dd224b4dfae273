"""No framework of ours: another program does the work, and tells in words what it measured."""

from __future__ import annotations

from typing import Any, Dict

from harness.wire.job import WorkerJob
from harness.worker.frameworks.plain import matmul_flops_per_second, named_arrays, peak_memory_bytes, synchronize, total

__all__ = [
    "determinism",
    "libraries",
    "matmul_flops_per_second",
    "named_arrays",
    "peak_memory_bytes",
    "prepare",
    "synchronize",
    "total",
]


def prepare(job: WorkerJob) -> Dict[str, Any]:
    return {"device": job.device}


def libraries() -> Dict[str, str]:
    return {}


def determinism(job: WorkerJob) -> Dict[str, Any]:
    return {"asked": job.deterministic, "held": None, "reasons": ["a program of its own, which was not asked"]}
