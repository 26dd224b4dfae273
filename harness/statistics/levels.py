"""What is asked of a speed: the margins and the levels at which each look is judged.  Pure."""

from __future__ import annotations

from typing import NamedTuple

import numpy

from harness.statistics.contaminated import Array
from harness.statistics.sequential import POCOCK, SPEED_LOOKS, nominal_level

SHAPE = POCOCK  # runs are dear, so the early looks shall decide; three pairs are safe because bad ones are modelled
BORDERLINE = 0.01  # what a change must exceed on a noisy machine
UNRESOLVED = 0.037  # noise of a pair at which twelve pairs just find 5 % with 95 % power: 1.35 s = 0.05


class Demand(NamedTuple):
    """The relative margin, and the chances of a false alarm and of a false pass over all the looks."""

    margin: float
    alpha: float
    beta: float

    def fail_level(self, count: int) -> float:
        """One-sided level of a change after ``count`` pairs; regression and improvement share alpha."""
        return nominal_level(count, looks=SPEED_LOOKS, alpha=self.alpha / 2, shape=SHAPE)

    def pass_level(self, count: int) -> float:
        """Level of each of the two one-sided tests of equivalence; only one of them can err."""
        return nominal_level(count, looks=SPEED_LOOKS, alpha=self.beta, shape=SHAPE)


def borderline(scale: Array) -> Array:
    """m0, what a change must exceed on the log scale, for the noise of a pair: 0, on noisy machines up to 1 %.

    Where even twelve pairs cannot resolve 5 %, what stands out of the noise is more often the machine
    than the code.  From there it rises to its full height where they cannot resolve 10 %, so that no two
    machines of nearly the same noise are judged differently.
    """
    return BORDERLINE * numpy.clip(scale / UNRESOLVED - 1.0, 0.0, 1.0)
