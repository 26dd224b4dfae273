"""What bounded the speed of a training: its input or its computing?  Pure: reads what the record says."""

from __future__ import annotations

from collections.abc import Mapping

INPUT_BOUND = 0.10  # of the time spent waiting for batches: a tenth is what a faster input could win


def bound(measured: Mapping[str, float]) -> str:
    """One sentence, empty where nothing was measured.

    Images that are decoded on the cores that train are waited for only where decoding is the slower of the two:
    on a CPU "compute bound" does not say that decoding costs nothing; input = "synthetic" shows what it costs.
    """
    share = measured.get("input_wait_share")
    if share is None:
        return ""
    name = "compute bound" if share < INPUT_BOUND else "input bound"  # NaN is a fault of the input
    return f"{name}: the training waited {share:.0%} of the time for its input"
