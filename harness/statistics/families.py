"""Many cells judged in one night: hold the share of false ones among the alarms.  Pure."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy

LEVEL = 0.05  # of the alarms of a night, one in twenty may be false


def false_discovery(p_values: Sequence[float | None], *, level: float = LEVEL) -> tuple[bool, ...]:
    """Which of the cells stand as changed when all of a night's are judged together.

    Benjamini & Hochberg (1995), valid for independent cells and for positively dependent ones
    (Benjamini & Yekutieli 2001).  A p-value that is missing, no number or outside [0, 1] is no
    evidence: it is never a discovery, and it counts as 1, so that the family keeps its size and the
    other cells gain nothing by it.  Raises ValueError for a level outside (0, 1).
    """
    if not 0 < level < 1:
        raise ValueError(f"level = {level!r} lies not between 0 and 1")
    if not len(p_values):
        return ()
    from scipy.stats import false_discovery_control  # a third of a second that only an alarm pays

    known = numpy.asarray([_share(p) for p in p_values])
    adjusted = false_discovery_control(known)
    return tuple(bool(p <= level) for p in adjusted)


def _share(p: object) -> float:
    if isinstance(p, bool) or not isinstance(p, int | float | numpy.floating):
        return 1.0
    return float(p) if math.isfinite(p) and 0 <= p <= 1 else 1.0
