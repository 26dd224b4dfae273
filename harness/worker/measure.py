"""Was the machine ours while we measured?  Reads /proc; zeros where there is none."""

from __future__ import annotations

import os
import resource
import time
from typing import Dict, List, NamedTuple

PEERS: List[int] = []  # processes that do the same work beside this one: the other ranks


class Sample(NamedTuple):
    wall: float  # seconds
    own: float  # CPU seconds of this process, its peers and its finished children
    busy: float  # CPU seconds of the whole machine, not idle
    steal: float  # CPU seconds that the hypervisor gave to others
    waited: float  # seconds that our threads were ready but had no CPU


def sample() -> Sample:
    own = sum(
        usage.ru_utime + usage.ru_stime
        for usage in (resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN))
    )
    busy, steal = _machine()
    return Sample(time.perf_counter(), own + sum(map(_seconds_of, PEERS)), busy, steal, _waited())


def shares(first: Sample, last: Sample, threads: int) -> Dict[str, float]:
    """Shares of the capacity between two samples.

    ``cpu_share``: of ``threads`` cores, used by us.  ``foreign_share``: of all cores, used by
    other processes.  ``steal_share``: of all cores, taken by the hypervisor.  ``wait_share``: of
    our threads' time, spent ready but waiting for a core.
    """
    wall = max(last.wall - first.wall, 1e-9)
    capacity = wall * (os.cpu_count() or 1)
    own = last.own - first.own
    return {
        "measured_seconds": wall,
        "cpu_share": own / (wall * threads),
        "foreign_share": max(0.0, (last.busy - first.busy) - own) / capacity,
        "steal_share": (last.steal - first.steal) / capacity,
        "wait_share": max(0.0, last.waited - first.waited) / (wall * threads),
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


def _machine() -> tuple[float, float]:
    try:
        with open("/proc/stat", encoding="ascii") as file:
            fields = [int(word) for word in file.readline().split()[1:]]
    except (OSError, ValueError):
        return 0.0, 0.0
    ticks = float(os.sysconf("SC_CLK_TCK"))
    user, nice, system, _idle, _iowait, irq, softirq, steal = (fields + [0] * 8)[:8]
    return (user + nice + system + irq + softirq) / ticks, steal / ticks


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
