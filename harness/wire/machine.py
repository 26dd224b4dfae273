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
    cpu = _first_core()
    return {
        "cpu": cpu.get("model name") or platform.processor() or platform.machine(),
        "cpu_model": _cpu_model(cpu),
        "vector_instructions": _vector_instructions(cpu),
        "cores": usable_cores(),
        "memory_bytes": os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"),
        "gpus": gpus,
        "driver": driver,
        "os": _os_name(),
        "kernel": platform.release(),
        "architecture": platform.machine(),
        "microcode": cpu.get("microcode") or None,
    }


def usable_cores() -> int:
    """Cores this process may run on (its affinity, not what the board has)."""
    affinity = getattr(os, "sched_getaffinity", None)
    return len(affinity(0)) if affinity else os.cpu_count() or 1


def _cpu_model(cpu: Dict[str, str]) -> Optional[str]:
    """ "family 26 model 2" of x86, "implementer 0x41 part 0xd40" of Arm; None where Linux does not tell."""
    for names in (("cpu family", "model"), ("CPU implementer", "CPU part")):
        if all(map(cpu.get, names)):
            return " ".join("%s %s" % (name.split()[-1], cpu[name]) for name in names)
    return None


def _vector_instructions(cpu: Dict[str, str]) -> Optional[str]:
    """The flags of vector and matrix instructions, in the order of the alphabet."""
    flags = (cpu.get("flags") or cpu.get("Features") or "").split()
    return " ".join(sorted(flag for flag in flags if flag.startswith(_VECTORS))) or None


def _first_core() -> Dict[str, str]:
    """What Linux says of the processor, the first line of each name; with many cores it takes long to read."""
    found: Dict[str, str] = {}
    for line in _read("/proc/cpuinfo").splitlines():
        name, _, value = line.partition(":")
        found.setdefault(name.strip(), " ".join(value.split()))
    return found


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
