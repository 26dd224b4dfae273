"""Runs for TensorBoard: one folder and one event file each, every curve as scalars (32-bit floats, as there)."""

from __future__ import annotations

from collections.abc import Sequence

from harness.wire.event_files import Scalar, write_scalars
from reports.exports.told import Told


def event_files(runs: Sequence[Told]) -> dict[str, bytes]:
    """Path -> content.  The same runs give the same bytes."""
    return {
        f"{run.record.id}/events.out.tfevents.{int(run.record.started)}.harness": write_scalars(
            [Scalar(each.name, each.step, each.value, each.time) for each in run.numbers()],
            started=run.record.started,
        )
        for run in runs
    }
