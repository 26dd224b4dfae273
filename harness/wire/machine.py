"""The machine as found: the orchestrator and the worker must name it alike.

Standard library only; NVML is asked through ctypes, so that no package is needed.
"""

from __future__ import annotations

import ctypes
import os
import platform
from typing import Any, Dict, List, Optional

_VECTORS = ("sse4", "avx", "amx", "fma", "f16c", "asimd", "sve")


def find_machine() -> Dict[str, Any]:
    """cpu, cores (usable by this process), memory_bytes, gpus, driver, os, kernel, architecture and the like.

    A hypervisor gives many processors one name ("AMD EPYC"): cpu_model and vector_instructions tell them apart.
    """
    gpus, driver = _nvml()
    return {
        "cpu": _cpu_field("model name") or platform.processor() or platform.machine(),
        "cpu_model": _cpu_model(),
        "vector_instructions": _vector_instructions(),
        "cores": usable_cores(),
        "memory_bytes": os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"),
        "gpus": gpus,
        "driver": driver,
        "os": _os_name(),
        "kernel": platform.release(),
        "architecture": platform.machine(),
        "microcode": _cpu_field("microcode") or None,
    }


def usable_cores() -> int:
    """Cores this process may run on (its affinity, not what the board has)."""
    affinity = getattr(os, "sched_getaffinity", None)
    return len(affinity(0)) if affinity else os.cpu_count() or 1


def _cpu_model() -> Optional[str]:
    """ "family 26 model 2" of x86, "implementer 0x41 part 0xd40" of Arm; None where Linux does not tell."""
    for names in (("cpu family", "model"), ("CPU implementer", "CPU part")):
        found = [(name.split()[-1], _cpu_field(name)) for name in names]
        if all(value for _, value in found):
            return " ".join(map(" ".join, found))
    return None


def _vector_instructions() -> Optional[str]:
    """The flags of vector and matrix instructions, in the order of the alphabet."""
    flags = (_cpu_field("flags") or _cpu_field("Features")).split()
    return " ".join(sorted(flag for flag in flags if flag.startswith(_VECTORS))) or None


def _cpu_field(name: str) -> str:
    """The first core's line of that name; empty where there is none."""
    for line in _read("/proc/cpuinfo").splitlines():
        if line.partition(":")[0].strip() == name:
            return " ".join(line.partition(":")[2].split())
    return ""


def _os_name() -> str:
    for line in _read("/etc/os-release").splitlines():
        if line.startswith("PRETTY_NAME="):
            return line.partition("=")[2].strip('"')
    return platform.platform()


def _read(path: str) -> str:
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.read()
    except OSError:
        return ""


def _nvml() -> tuple[List[str], Optional[str]]:
    """GPU names and the driver's version; empty where there is no NVIDIA driver."""
    try:
        nvml = ctypes.CDLL("libnvidia-ml.so.1")
    except OSError:
        return [], None
    if nvml.nvmlInit_v2() != 0:
        return [], None
    try:
        text = ctypes.create_string_buffer(96)
        driver = None
        if nvml.nvmlSystemGetDriverVersion(text, len(text)) == 0:
            driver = text.value.decode()
        count = ctypes.c_uint()
        names: List[str] = []
        if nvml.nvmlDeviceGetCount_v2(ctypes.byref(count)) == 0:
            for index in range(count.value):
                device = ctypes.c_void_p()
                if nvml.nvmlDeviceGetHandleByIndex_v2(index, ctypes.byref(device)) == 0:
                    nvml.nvmlDeviceGetName(device, text, len(text))
                    names.append(text.value.decode())
        return names, driver
    finally:
        nvml.nvmlShutdown()
