"""A rank that is lost in the middle of a training."""

from __future__ import annotations

import os
import signal
from typing import Any


def lose(run: Any, number: int) -> None:
    """End this process without a word when it is rank ``lose_rank``, at the second batch."""
    rank, _ = run.together()
    if number == 1 and rank == run.hparams["lose_rank"]:
        os.kill(os.getpid(), signal.SIGKILL)
