"""A process that makes runs and indexes them: ``python -m tests.store.writer STATE URL NUMBER COUNT``.

Prints the id of each run that is in the index, and "!" with the reason for each that is not.
"""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

from harness.core.errors import HarnessError
from harness.core.values import Record
from harness.store import create_run
from harness.store.index import open_index
from tests.core.examples import record


def named(number: int, **changes: Any) -> Record:
    run = record(**changes)
    return replace(run, id=f"20260101T{number:06d}-toy-{run.job.recipe}-{run.job.environment}-s0-abcdef")


def main(state: Path, url: str, number: int, count: int) -> None:
    for serial in range(count):
        run = named(100_000 * number + serial, metrics={f"m{each}": each / 7 for each in range(30)})
        create_run(state, run.id).finish(run)
        try:
            with open_index(state, url) as index:
                index.add(run.id, run)
            print(run.id, flush=True)
        except HarnessError as error:
            print("!", error, flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))
