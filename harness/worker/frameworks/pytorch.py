"""PyTorch, from 1.13 on."""

from __future__ import annotations

import os
import warnings
from typing import Any, Dict, List, Tuple

import numpy

os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # read when CUDA starts; deterministic GEMM
import torch

from harness.wire.job import WorkerJob
from harness.worker import measure, ranks
from harness.worker.frameworks.plain import best_rate

_reasons: List[str] = []


def prepare(job: WorkerJob) -> Dict[str, Any]:
    device = job.device
    if device == "auto":
        device = "cuda" if torch.cuda.is_available() else "cpu"
    if device == "cuda" and not torch.cuda.is_available():
        raise ValueError("device cuda was asked for, but this PyTorch sees none")
    torch.set_num_threads(job.threads)
    torch.set_num_interop_threads(1)
    torch.manual_seed(job.seed + 1_000_003 * ranks.rank())  # of every device; rank 0's first weights go to all
    if job.devices > 1:
        _join(device, job.devices)
    torch.backends.cudnn.benchmark = not job.deterministic
    torch.use_deterministic_algorithms(job.deterministic, warn_only=True)
    if job.deterministic:
        _watch_warnings()
        if hasattr(torch.utils, "deterministic"):  # since 2.1: fills new memory with NaN, 5 % of a ResNet-50's time
            torch.utils.deterministic.fill_uninitialized_memory = False
    return {
        "device": device,
        "precision": job.hyperparameters.get("precision", "fp32"),
        "generator": "batches numpy MT19937; PyTorch %s" % ("Philox" if device == "cuda" else "MT19937"),
        "framework_threads": torch.get_num_threads(),
        "interop_threads": torch.get_num_interop_threads(),
    }


def _join(device: str, world: int) -> None:
    """Meet the other ranks; each has the GPU of its number."""
    host, _, port = ranks.addresses()[0].partition(":")
    if device == "cuda":
        if torch.cuda.device_count() < world:
            raise ValueError("%d devices were asked for; this PyTorch sees %d" % (world, torch.cuda.device_count()))
        torch.cuda.set_device(ranks.rank())
    torch.distributed.init_process_group(
        "nccl" if device == "cuda" else "gloo",
        init_method="tcp://%s:%s" % (host, port),
        rank=ranks.rank(),
        world_size=world,
    )


def libraries() -> Dict[str, str]:
    found = {
        "torch": torch.__version__,
        "torch_git": str(torch.version.git_version),
        "torch_config": " ".join(torch.__config__.show().split()),
    }
    if hasattr(torch.backends, "cpu"):  # since 2.1; before, it stands in torch_config only
        found["cpu_capability"] = torch.backends.cpu.get_cpu_capability()
    if torch.cuda.is_available():
        found["cuda"] = str(torch.version.cuda)
        found["cudnn"] = str(torch.backends.cudnn.version())
        if torch.distributed.is_available() and torch.distributed.is_nccl_available():
            found["nccl"] = ".".join(map(str, torch.cuda.nccl.version()))
    return found


def synchronize() -> None:
    if torch.cuda.is_available() and torch.cuda.is_initialized():
        torch.cuda.synchronize()


def named_arrays(model: torch.nn.Module) -> Tuple[Dict[str, numpy.ndarray], int]:
    arrays = {name: tensor.detach().float().cpu().numpy() for name, tensor in model.state_dict().items()}
    return arrays, sum(tensor.numel() for tensor in model.parameters() if tensor.requires_grad)


def total(values: List[float]) -> List[float]:
    numbers = torch.tensor(values, dtype=torch.float64, device="cuda" if torch.cuda.is_initialized() else "cpu")
    torch.distributed.all_reduce(numbers)
    return [float(number) for number in numbers]


def peak_memory_bytes() -> int:
    if torch.cuda.is_available() and torch.cuda.is_initialized():
        return int(torch.cuda.max_memory_allocated())
    return measure.peak_memory_bytes()


def determinism(job: WorkerJob) -> Dict[str, Any]:
    return {"asked": job.deterministic, "held": not _reasons if job.deterministic else None, "reasons": _reasons}


def matmul_flops_per_second(precision: str) -> float:
    on_gpu = torch.cuda.is_available() and torch.cuda.is_initialized()
    size = 8192 if on_gpu else 2048
    dtype = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}[precision]
    left = torch.ones((size, size), dtype=dtype, device="cuda" if on_gpu else "cpu")

    def multiply() -> None:
        torch.mm(left, left)
        synchronize()

    with torch.no_grad():
        return best_rate(multiply, 2 * size**3)


def _watch_warnings() -> None:
    """Note each warning that an operation has no deterministic form; show all as before."""
    show = warnings.showwarning

    def note(message: Any, *rest: Any, **more: Any) -> None:
        if "deterministic" in str(message):
            _reasons.append(str(message).split(".")[0])
        show(message, *rest, **more)

    warnings.showwarning = note
