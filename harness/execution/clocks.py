"""Is the processor or a GPU slowed down by heat or power?  Reads /sys and asks the driver; writes nothing.

What is told differs: Intel's counters of thermal throttling, the frequencies of ``cpufreq`` and NVML's reasons.  A
virtual machine has none of them, and then nothing is known.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cache
from itertools import pairwise
from pathlib import Path
from statistics import mean
from typing import Any

CPUS = Path("/sys/devices/system/cpu")
EVERY_SECONDS = 1.0

# Of nvml.h, nvmlClocksEventReasons: what slows a GPU against its will.  Not the power cap, at which a busy GPU
# always runs, and not what somebody set (application clocks, sync boost) or an idle GPU does by itself.
SLOWED_BY = {0x8: "hardware slowdown", 0x20: "heat (software)", 0x40: "heat (hardware)", 0x80: "power brake"}


@dataclass(frozen=True, kw_only=True)
class Gpu:
    name: str
    mhz: int | None
    slowed_by: tuple[str, ...] = ()
    processes: int = 0  # that compute on it


@dataclass(frozen=True, kw_only=True)
class Clocks:
    """One look.  ``throttled`` counts since the machine was started."""

    throttled: Mapping[str, int] = field(default_factory=dict)  # by counter; empty where there are none
    mhz: tuple[float, ...] = ()  # of the cores
    gpus: tuple[Gpu, ...] = ()

    @property
    def tell(self) -> bool:
        return bool(self.throttled or self.mhz or self.gpus)


def look(cpus: Path = CPUS) -> Clocks:
    return Clocks(throttled=_counters(cpus), mhz=tuple(_frequencies(cpus)), gpus=tuple(_gpus()))


def slowed(before: Clocks, now: Clocks) -> str:
    """What slowed the machine between two looks; empty where nothing did, or nothing is told."""
    grown = sum(count > before.throttled.get(name, count) for name, count in now.throttled.items())
    if grown:
        return "the processor was throttled by heat"
    hot = [f"{gpu.name} is slowed by {', '.join(gpu.slowed_by)}" for gpu in now.gpus if gpu.slowed_by]
    return "; ".join(hot)


def occupied(now: Clocks) -> str:
    """Which GPU others compute on; empty where none is."""
    return "; ".join(f"{gpu.processes} process(es) compute on {gpu.name}" for gpu in now.gpus if gpu.processes)


def reasons(mask: int) -> tuple[str, ...]:
    return tuple(name for bit, name in SLOWED_BY.items() if mask & bit)


class Watch:
    """Looks once a second until it is stopped, in a thread; ``told`` is what a record keeps of it."""

    def __init__(self, looks: Callable[[], Clocks] = look, every_seconds: float = EVERY_SECONDS) -> None:
        self._look = looks
        self._every = every_seconds
        self._seen = [looks()]
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._follow, daemon=True, name="clocks")

    def __enter__(self) -> Watch:
        if self._seen[0].tell:
            self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._done.set()
        if self._thread.is_alive():
            self._thread.join()

    def told(self) -> dict[str, float]:
        """``throttled_share`` of the looks, ``cpu_mhz`` and ``gpu_mhz`` on average: what is known of them."""
        looks = list(self._seen)
        if len(looks) < 2:
            return {}
        found: dict[str, float] = {}
        if any(each.throttled or each.gpus for each in looks):
            marks = [bool(slowed(before, now)) for before, now in pairwise(looks)]
            found["throttled_share"] = mean(marks)
        cores = [mean(each.mhz) for each in looks if each.mhz]
        gpus = [gpu.mhz for each in looks for gpu in each.gpus if gpu.mhz is not None]
        found.update({name: mean(mhz) for name, mhz in (("cpu_mhz", cores), ("gpu_mhz", gpus)) if mhz})
        return found

    def _follow(self) -> None:
        while not self._done.wait(self._every):
            self._seen.append(self._look())
        self._seen.append(self._look())


def _counters(cpus: Path) -> dict[str, int]:
    found = {}
    for path in sorted(cpus.glob("cpu[0-9]*/thermal_throttle/*_throttle_count")):
        with suppress(OSError, ValueError):
            found[path.relative_to(cpus).as_posix()] = int(path.read_text())
    return found


def _frequencies(cpus: Path) -> Iterator[float]:
    for path in sorted(cpus.glob("cpu[0-9]*/cpufreq/scaling_cur_freq")):
        with suppress(OSError, ValueError):
            yield int(path.read_text()) / 1000  # it tells kHz


def _told(ask: Callable[..., Any], *of: Any) -> Any:
    """What the driver answers; None where this GPU or driver does not know."""
    try:
        return ask(*of)
    except _nvml().NVMLError:
        return None


def _gpus() -> Iterator[Gpu]:
    nvml = _nvml()
    for index in range(_told(nvml.nvmlDeviceGetCount) or 0 if nvml else 0):
        device = _told(nvml.nvmlDeviceGetHandleByIndex, index)
        if device is not None:
            yield Gpu(
                name=f"GPU {index}",
                mhz=_told(nvml.nvmlDeviceGetClockInfo, device, nvml.NVML_CLOCK_SM),
                slowed_by=reasons(_told(nvml.nvmlDeviceGetCurrentClocksThrottleReasons, device) or 0),
                processes=len(_told(nvml.nvmlDeviceGetComputeRunningProcesses, device) or ()),
            )


@cache
def _nvml() -> Any:
    """NVIDIA's library, opened once; None where there is no driver."""
    import pynvml

    try:
        pynvml.nvmlInit()
    except pynvml.NVMLError:
        return None
    return pynvml
