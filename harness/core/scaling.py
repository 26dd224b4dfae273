"""How much of several devices a speed makes use of.  Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from harness.core.disturbance import disturbance
from harness.core.show import show
from harness.core.values import Record
from harness.wire import SPEED


def scaling(record: Record, earlier: Iterable[Record]) -> str:
    """A sentence on a speed of several devices against the newest one of a single device; else empty.

    ``earlier`` come oldest first.  Alone, a device had the same code, environment and batch, and on a
    CPU as many threads as each had together.
    """
    rate, count = record.metrics.get(SPEED), record.job.devices
    if rate is None or count == 1:
        return ""
    measured = f"{count} devices together: {show(rate, 'samples/s')}"
    alone = [run for run in earlier if _is_alone(run, record)]
    if not alone:
        threads = record.job.threads // count
        how = f"--devices 1 --threads {threads}"
        return f"{measured}; how that scales is not known: no run of one device is stored here (the same with {how})"
    base = alone[-1]
    share = rate / (count * base.metrics[SPEED])
    return f"{measured}, {share:.0%} of {count} times the {show(base.metrics[SPEED], 'samples/s')} of {base.id}"


def _is_alone(run: Record, record: Record) -> bool:
    made = ("code", "environment")
    return (
        run.job.devices == 1
        and SPEED in run.metrics
        and run.machine == (record.machine and replace(record.machine, devices=1))
        and run.job.recipe == record.job.recipe
        and [run.digests.get(name) for name in made] == [record.digests.get(name) for name in made]
        and (run.settings.get("device") != "cpu" or run.job.threads == record.job.threads // record.job.devices)
        and not disturbance([run])
    )
