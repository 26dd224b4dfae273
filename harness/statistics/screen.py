"""Is tonight's run worth a session of pairs?  Pure: a suspicion is no verdict and alarms nobody.

The first stage of the nightly check (VERDICTS rule 9): what this suspects is confirmed the same night
by fresh pairs (``judge_speed_paired``), so a false alarm needs both to err.  The stages' levels multiply;
this one is chosen for its cost, not for its error.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy
from scipy.special import stdtrit

from harness.statistics.finite import array
from harness.statistics.scale import FLOOR, MAD_DF, mad

SUSPECTED = 0.05  # of unchanged nights, a side: at four pairs each that is 0.8 runs a night
FEWEST_NIGHTS = 5  # fewer say nothing of a spread


def suspicious(history: Sequence[float], tonight: Sequence[float]) -> bool:
    """Whether tonight's step times lie outside what the stored nights predict, on either side.

    Both are per-run median step times in seconds of one job on one machine; ``history`` holds earlier
    nights, the newest last.  A prediction interval around the median (Hahn & Meeker 1991, section 4.7;
    the variance of a median is pi/2 that of a mean) with the MAD's scale and degrees of freedom.  Too
    short a history and numbers that are no step times are suspicious: whoever cannot be screened is measured.
    """
    past, now = array(history), array(tonight)
    if past is None or now is None or len(past) < FEWEST_NIGHTS or not len(now) or min(past.min(), now.min()) <= 0:
        return True
    past, now = numpy.log(past), numpy.log(now)
    centre = float(numpy.median(past))
    scale = max(mad(past - centre), FLOOR)
    error = scale * float(numpy.sqrt(1 / len(now) + numpy.pi / 2 / len(past)))
    reach = -float(stdtrit(MAD_DF * len(past), SUSPECTED)) * error
    return not abs(float(numpy.median(now)) - centre) <= reach
