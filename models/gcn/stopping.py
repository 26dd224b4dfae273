"""When a training ends, by the published code, for both frameworks."""

from __future__ import annotations

from typing import List


def has_risen(losses: List[float], window: int) -> bool:
    """Whether the last of the validation losses is above the mean of the ``window`` before it.

    Never in the first ``window`` + 1 epochs: tkipf/gcn, train.py.
    """
    epoch = len(losses) - 1
    return epoch > window and losses[-1] > sum(losses[-window - 1 : -1]) / window
