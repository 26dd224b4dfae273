"""Was the machine ours while we measured?  Reads /proc; zeros where there is none."""

from __future__ import annotations

import os
import resource
import time
from typing import Dict, List, NamedTuple, Set, Tuple

PEERS: List[int] = []  # processes that do the same work beside this one: the other ranks


class Sample(NamedTuple):
    wall: float  # seconds
    own: float  # CPU seconds of this process, its peers and its finished children
    busy: float  # CPU seconds of the whole machine, not idle
    steal: float  # CPU seconds that the hypervisor gave to others
    waited: float  # seconds that our threads were ready but had no CPU
    here: float  # CPU seconds of the cores we may use, not idle or given to others


def sample() -> Sample:
    own = sum(
        usage.ru_utime + usage.ru_stime
        for usage in (resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN))
    )
    machine, cores = _cores()
    here = sum(sum(cores.get(core, (0.0, 0.0))) for core in _allowed())
    return Sample(time.perf_counter(), own + sum(map(_seconds_of, PEERS)), *machine, _waited(), here)


def shares(first: Sample, last: Sample, threads: int) -> Dict[str, float]:
    """Shares of the capacity between two samples.

    ``cpu_share``: of ``threads`` cores, used by us.  ``foreign_share``: of all cores, used by
    other processes.  ``steal_share``: of all cores, taken by the hypervisor.  ``wait_share``: of
    our threads' time, spent ready but waiting for a core, as far as others can be the reason: what
    others did on our cores delays us by no more than its own length.  The rest is our threads waiting
    for each other, as TensorFlow's do for a tenth of the time on two cores, and belongs to the model.
    """
    wall = max(last.wall - first.wall, 1e-9)
    capacity = wall * (os.cpu_count() or 1)
    own = last.own - first.own
    others = max(0.0, (last.here - first.here) - own)
    return {
        "measured_seconds": wall,
        "cpu_share": own / (wall * threads),
        "foreign_share": max(0.0, (last.busy - first.busy) - own) / capacity,
        "steal_share": (last.steal - first.steal) / capacity,
        "wait_share": min(max(0.0, last.waited - first.waited) / (wall * threads), others / wall),
    }


def peak_memory_bytes() -> int:
    """Largest resident set of this process so far (ru_maxrss is in KiB on Linux)."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def _seconds_of(pid: int) -> float:
    """CPU seconds of another process; zero when it is gone."""
    try:
        with open("/proc/%d/stat" % pid, encoding="utf-8", errors="replace") as file:
            fields = file.read().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / float(os.sysconf("SC_CLK_TCK"))


def _cores() -> Tuple[Tuple[float, float], Dict[int, Tuple[float, float]]]:
    """CPU seconds, busy and taken by the hypervisor: of the whole machine, and of each core by its number."""
    found = {}
    try:
        with open("/proc/stat", encoding="ascii") as file:
            for line in file:
                name, *words = line.split()
                if not name.startswith("cpu"):
                    break
                found[name[3:]] = _busy_and_steal([int(word) for word in words])
    except (OSError, ValueError):
        pass
    return found.pop("", (0.0, 0.0)), {int(number): seconds for number, seconds in found.items()}


def _busy_and_steal(fields: List[int]) -> Tuple[float, float]:
    ticks = float(os.sysconf("SC_CLK_TCK"))
    user, nice, system, _idle, _iowait, irq, softirq, steal = (fields + [0] * 8)[:8]
    return (user + nice + system + irq + softirq) / ticks, steal / ticks


def _allowed() -> Set[int]:
    return os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else set()


def _waited() -> float:
    """Second field of schedstat: nanoseconds on a run queue, over this process's threads."""
    total = 0
    try:
        for thread in os.listdir("/proc/self/task"):
            with open("/proc/self/task/%s/schedstat" % thread, encoding="ascii") as file:
                total += int(file.read().split()[1])
    except (OSError, ValueError, IndexError):
        pass  # a thread ended between listing and reading, or there is no schedstat
    return total / 1e9
