"""numpy alone: keeps the pipeline testable without any framework."""

from __future__ import annotations

import time
from typing import Any, Callable, Dict, List, Tuple

import numpy

from harness.wire.job import WorkerJob
from harness.worker import measure


def prepare(job: WorkerJob) -> Dict[str, Any]:
    if job.device not in ("auto", "cpu"):
        raise ValueError("numpy runs on the CPU only, not on %s" % job.device)
    if job.devices > 1:
        raise ValueError("numpy runs on one device, not on %d" % job.devices)
    precision = job.hyperparameters.get("precision", "fp32")
    return {"device": "cpu", "precision": precision, "generator": "numpy MT19937"}


def libraries() -> Dict[str, str]:
    found = {"numpy": numpy.__version__}
    if numpy.lib.NumpyVersion(numpy.__version__) >= "1.25.0":  # older ones print it only
        blas = numpy.show_config(mode="dicts")["Build Dependencies"]["blas"]  # type: ignore[index,call-overload,unused-ignore]
        found["blas"] = "%s %s" % (blas.get("name"), blas.get("version"))
    return found


def synchronize() -> None:
    pass


def named_arrays(model: Dict[str, numpy.ndarray]) -> Tuple[Dict[str, numpy.ndarray], int]:
    return model, sum(array.size for array in model.values())


def peak_memory_bytes() -> int:
    return measure.peak_memory_bytes()


def determinism(job: WorkerJob) -> Dict[str, Any]:
    return {"asked": job.deterministic, "held": True if job.deterministic else None, "reasons": []}


def total(values: List[float]) -> List[float]:
    return values


def matmul_flops_per_second(precision: str) -> float:
    if precision != "fp32":
        raise ValueError("numpy multiplies fp32, not %s" % precision)
    left = numpy.ones((2048, 2048), numpy.float32)
    return best_rate(lambda: left @ left, 2 * 2048**3)


def best_rate(multiply: Callable[[], Any], operations: int, seconds: float = 1.0) -> float:
    """The highest rate seen while repeating ``multiply`` for ``seconds``: a peak is a maximum."""
    multiply()
    best = float("inf")
    end = time.perf_counter() + seconds
    while time.perf_counter() < end:
        start = time.perf_counter()
        multiply()
        best = min(best, time.perf_counter() - start)
    return operations / best
