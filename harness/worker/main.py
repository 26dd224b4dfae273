"""From job.json to run_stop: prepare the framework, run the model's function, say how it went."""

from __future__ import annotations

import functools
import importlib
import importlib.util
import os
import platform
import random
import signal
import sys
import threading
import time
import traceback
from types import ModuleType
from typing import Any, Dict, List

import numpy

from harness import wire
from harness.wire import job as jobs
from harness.wire.machine import find_machine
from harness.worker import ranks
from harness.worker.data import open_data
from harness.worker.emit import Emitter
from harness.worker.keeping import Stopped
from harness.worker.run import Diverged, Run

# What decides results and may be told to a stranger.  Everything else in the environment of a
# process can be a secret.
VARIABLES = (
    "OMP_", "MKL_", "KMP_", "ONEDNN_", "DNNL_", "TF_", "XLA_", "TORCH_", "PYTORCH_", "CUBLAS_",
    "ATEN_CPU_CAPABILITY", "CUDA_VISIBLE_DEVICES", "CUDA_LAUNCH_BLOCKING", "NCCL_", "OPENBLAS_", "PYTHONHASHSEED",
    "KERAS_BACKEND", "NVIDIA_TF32_OVERRIDE", "GLIBC_TUNABLES",
)  # fmt: skip
# Terraform's variables begin with TF_ too, and its tokens are secrets; a place names whoever works there, and so does
# TF_CONFIG, which is ours where there are several devices, with ports that are others in every run.
NOT_TOLD = ("TOKEN", "SECRET", "PASSWORD", "KEY", "TF_VAR_", "TF_CLI_", "TF_CONFIG", "_HOME", "_DIR", "_PATH", "_FILE")


def main(job_path: str) -> int:
    """Return the process's exit status: 0 finished, 1 the model failed or was stopped."""
    emit = Emitter(int(os.environ[wire.EVENTS_FD]) if not ranks.rank() else os.open(os.devnull, os.O_WRONLY))
    threading.Thread(target=_follow_lifeline, args=(int(os.environ[wire.LIFELINE_FD]),), daemon=True).start()
    started = time.perf_counter()
    emit(
        "run_start",
        protocol=wire.PROTOCOL,
        pid=os.getpid(),
        python=platform.python_version(),
        executable=sys.executable,
    )
    status, reason = "finished", ""
    try:
        with open(job_path, encoding="utf-8") as file:
            _work(jobs.parse(file.read()), emit)
    except Stopped as error:
        status, reason = "stopped", str(error)
    except Diverged as error:
        status, reason = "error", str(error)
    except Exception as error:  # noqa: BLE001 - the worker's door: whatever a model does becomes an event
        traceback.print_exc()
        status, reason = "error", "%s: %s" % (type(error).__name__, error)
    sys.stdout.flush()
    sys.stderr.flush()
    emit("run_stop", status=status, reason=reason[:2000], seconds=time.perf_counter() - started)
    return 0 if status == "finished" else 1


def _work(job: jobs.WorkerJob, emit: Emitter) -> None:
    if job.protocol != wire.PROTOCOL:
        raise ValueError("job.json speaks protocol %r, this worker %r" % (job.protocol, wire.PROTOCOL))
    others = ranks.Others(job.devices, lost=functools.partial(_lost, emit)) if job.devices > 1 > ranks.rank() else None
    emit("machine", **find_machine(), **({"devices": job.devices} if others else {}))
    cores = pin(job.threads) if job.mode == "speed" else []
    # Other ranks draw other numbers; those that make the first weights are rank 0's.
    own_seed = (job.seed + 1_000_003 * ranks.rank()) % 2**32
    random.seed(own_seed)
    numpy.random.seed(own_seed)
    framework = importlib.import_module("harness.worker.frameworks." + wire.MODEL_FILES[job.framework][:-3])
    settings = framework.prepare(job._replace(threads=max(1, job.threads // job.devices)))
    packages = _packages()
    emit("environment", packages=packages, variables=_variables())
    emit("libraries", **framework.libraries())
    if cores:
        settings["cores"] = cores
    if job.devices > 1:
        settings["devices"] = job.devices
    emit("settings", seed=job.seed, threads=job.threads, deterministic=job.deterministic, **settings)
    data = open_data(job.data) if job.data else None
    if data:
        emit("data", name=data.name, digest=data.digest)
    made_of = {"python": platform.python_version(), "packages": packages}
    run = Run(job, framework, emit, data, device=settings["device"], made_of=made_of)
    model = _load_model(job)
    getattr(model, job.mode)(run)
    run.finish()
    emit("determinism", **framework.determinism(job))
    if others:
        others.wait()


def _lost(emit: Emitter, reason: str) -> None:
    """End the run now, from whatever thread noticed that it cannot go on."""
    emit("run_stop", status="error", reason=reason, seconds=0.0)
    os.killpg(0, signal.SIGKILL)


def pin(threads: int) -> List[int]:
    """Keep every thread of this process, also those of numpy's BLAS, to as many cores as it has threads.

    The last ones: on many machines the first serve the interrupts.  Empty where the system cannot.
    """
    if not hasattr(os, "sched_setaffinity"):
        return []
    cores = sorted(os.sched_getaffinity(0))[-threads:]
    for thread in os.listdir("/proc/self/task"):
        os.sched_setaffinity(int(thread), cores)
    return cores


def _load_model(job: jobs.WorkerJob) -> ModuleType:
    """models/<name>/<framework's file>; its folder is importable for what its twins share."""
    folder = os.path.join(sys.path[0], "models", job.model)
    path = os.path.join(folder, wire.MODEL_FILES[job.framework])
    sys.path.insert(1, folder)
    spec = importlib.util.spec_from_file_location("harness_model", path)
    if spec is None or spec.loader is None:
        raise ImportError(path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    if not hasattr(module, job.mode):
        raise AttributeError(
            "%s has no function %s(run), which recipe %s needs" % (os.path.basename(path), job.mode, job.recipe)
        )
    return module


def _packages() -> Dict[str, str]:
    from importlib import metadata

    found: Dict[str, str] = {}
    for distribution in metadata.distributions():
        name: Any = distribution.metadata["Name"]
        if name:
            found.setdefault(str(name).lower(), distribution.version)
    return dict(sorted(found.items()))


def _variables() -> Dict[str, str]:
    return {
        name: value
        for name, value in sorted(os.environ.items())
        if name.startswith(VARIABLES) and not any(word in name for word in NOT_TOLD)
    }


def _follow_lifeline(descriptor: int) -> None:
    """End this process group when the orchestrator is gone, however it went."""
    os.set_inheritable(descriptor, False)
    if os.read(descriptor, 1) == b"":
        os.killpg(0, signal.SIGKILL)
