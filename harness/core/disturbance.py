"""Was the machine ours while a speed was measured?  Pure: reads what the record says."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping

from harness.core.values import Record

# Shares above which a speed says nothing about the model.  Chosen, not yet measured: a neighbour with one
# core of two has half of the machine, and a few per cent of noise are always there.
MAX_FOREIGN_SHARE = 0.10
MAX_STEAL_SHARE = 0.05
MAX_WAIT_SHARE = 0.10
MAX_THROTTLED_SHARE = 0.05  # of the looks, one a second; machines that do not tell are not held to it
MIN_CPU_SHARE = 0.60  # of the threads asked for, on a CPU: below, the machine stalled


def disturbance(records: Iterable[Record]) -> str:
    """Why the speeds of these runs cannot be used: the first disturbed one; empty when they can."""
    return next(filter(None, map(_disturbance, records)), "")


def _disturbance(record: Record) -> str:
    said = disturbed(record.measurement, device=str(record.settings.get("device")), threads=record.job.threads)
    return said and f"{record.id}: {said}"


def disturbed(measured: Mapping[str, float], *, device: str, threads: int) -> str:
    """Why a speed with these shares cannot be used; empty when it can.

    A missing share is over its limit, but for ``throttled_share``: few virtual machines know of it.
    """
    limits = (
        ("foreign_share", MAX_FOREIGN_SHARE, "other processes used {:.0%} of the machine"),
        ("steal_share", MAX_STEAL_SHARE, "the hypervisor took {:.0%} of the machine"),
        ("wait_share", MAX_WAIT_SHARE, "the run waited {:.0%} of its time for a core"),
    )
    for name, limit, phrase in limits:
        share = measured.get(name, math.nan)
        if not share <= limit:  # NaN is over the limit
            return f"{phrase.format(share)} while it was measured (at most {limit:.0%})"
    share = measured.get("throttled_share", 0.0)
    if not share <= MAX_THROTTLED_SHARE:
        return f"the processor or the GPU was throttled {share:.0%} of the time (at most {MAX_THROTTLED_SHARE:.0%})"
    share = measured.get("cpu_share", math.nan)
    if device == "cpu" and not share >= MIN_CPU_SHARE:
        return f"the run got only {share:.0%} of its {threads} cores: the machine stalled"
    return ""
