"""Ours: the worker as a run starts it, from the same snapshot, but that each round of epochs waits for its turn.

JOB EPOCHS_A_ROUND CODE.  Events are encoded and written as always; nobody reads them.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from benchmarks.public.turns import Turns

job_path, epochs_a_round, code = sys.argv[1:4]
sys.path[0] = code  # before harness is imported: models and worker are those of the snapshot

from harness.wire import job as jobs  # noqa: E402
from harness.worker import main as worker  # noqa: E402
from harness.worker.emit import Emitter  # noqa: E402
from harness.worker.run import Run  # noqa: E402

turns = Turns(int(epochs_a_round), "the harness")
emitter = Emitter(os.open(os.devnull, os.O_WRONLY))


def emit(kind: str, **fields: Any) -> None:
    if kind == "epoch_start":
        turns.epoch_starts()
    emitter(kind, **fields)


class Timed(Run):
    """A speed is measured by steps instead of epochs, each of them once round ``turns``."""

    def timed_steps(self, samples: int) -> Iterator[int]:  # noqa: ARG002 - who asks knows the batch
        yield from turns.epochs()


worker.Run = Timed  # type: ignore[attr-defined]
worker._work(jobs.parse(Path(job_path).read_text()), emit)  # type: ignore[arg-type]
