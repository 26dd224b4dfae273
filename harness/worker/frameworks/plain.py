"""numpy alone: keeps the pipeline testable without any framework."""

from __future__ import annotations

import inspect
import random
import time
from typing import Any, Callable, Dict, List, Mapping, Optional, Tuple

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


def set_arrays(model: Dict[str, numpy.ndarray], arrays: Mapping[str, numpy.ndarray]) -> None:
    check_arrays({name: array.shape for name, array in model.items()}, arrays)
    for name, array in arrays.items():
        model[name][...] = array


def check_arrays(shapes: Mapping[str, Tuple[int, ...]], arrays: Mapping[str, numpy.ndarray]) -> None:
    """Raises ValueError that names what differs between a model and the weights that it is to start from."""
    faults = ["%s is not in the file" % name for name in sorted(set(shapes) - set(arrays))]
    faults += ["%s is not in the model" % name for name in sorted(set(arrays) - set(shapes))]
    for name in sorted(set(shapes) & set(arrays)):
        if tuple(shapes[name]) != arrays[name].shape:
            faults.append("%s is %s in the model, %s in the file" % (name, tuple(shapes[name]), arrays[name].shape))
    if faults:
        more = " and %d more" % (len(faults) - 3) if len(faults) > 3 else ""
        raise ValueError("the weights do not fit: " + "; ".join(faults[:3]) + more)


def take(part: Any, own: Optional[Callable[[Any], Any]] = None) -> Any:
    """As a tree.  ``own`` takes what a framework knows, and returns None for anything else.

    Raises TypeError for what has no state that could be told: a function, an iterator that was begun.
    """
    taken = own(part) if own else None
    if taken is not None:
        return taken
    if part is None or isinstance(part, (bool, int, float, str, numpy.ndarray, numpy.generic)):
        return part
    if isinstance(part, dict):
        return {key: take(each, own) for key, each in part.items()}
    if isinstance(part, list):
        return [take(each, own) for each in part]
    if isinstance(part, tuple):
        return tuple(take(each, own) for each in part)
    if isinstance(part, numpy.random.RandomState):
        return part.get_state(legacy=False)
    if isinstance(part, numpy.random.Generator):
        return part.bit_generator.state
    if isinstance(part, random.Random):
        return part.getstate()
    if hasattr(part, "__dict__") and not (inspect.isroutine(part) or inspect.isclass(part) or inspect.ismodule(part)):
        return take(vars(part), own)
    raise TypeError("the state of a %s cannot be told" % type(part).__name__)


def give(part: Any, saved: Any, own: Optional[Callable[[Any, Any], Any]] = None) -> Any:
    """Put ``saved`` back into ``part``; where it cannot be changed, what is to stand in its place."""
    given = own(part, saved) if own else None
    if given is not None or _give_numbers(part, saved):
        return given if given is not None else part
    if isinstance(saved, dict) and (part is None or isinstance(part, dict)):
        target = {} if part is None else part
        for key in set(target) - set(saved):
            del target[key]
        for key, each in saved.items():
            target[key] = give(target.get(key), each, own)
        return target
    if isinstance(saved, list) and (part is None or isinstance(part, list)):
        items = [] if part is None else part
        before = dict(enumerate(items))
        items[:] = [give(before.get(place), each, own) for place, each in enumerate(saved)]
        return items
    if isinstance(saved, tuple):
        before = dict(enumerate(part if isinstance(part, tuple) else ()))
        return tuple(give(before.get(place), each, own) for place, each in enumerate(saved))
    if isinstance(saved, dict):
        for name, each in saved.items():
            setattr(part, name, give(getattr(part, name, None), each, own))
        return part
    return saved


def _give_numbers(part: Any, saved: Any) -> bool:
    """Into a generator of random numbers, or an array of the same kind; whether it was one."""
    if isinstance(part, numpy.random.RandomState):
        part.set_state(saved)
    elif isinstance(part, numpy.random.Generator):
        part.bit_generator.state = saved
    elif isinstance(part, random.Random):
        part.setstate(saved)
    elif isinstance(part, numpy.ndarray) and isinstance(saved, numpy.ndarray):
        if (part.shape, part.dtype) != (saved.shape, saved.dtype):
            return False
        part[...] = saved
    else:
        return False
    return True


def generators() -> Any:
    """None: Python's and numpy's are kept for every framework."""
    return None


def set_generators(saved: Any) -> None:
    pass


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
