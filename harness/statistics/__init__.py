"""From few, noisy runs to evidence.  Pure: arrays in, frozen values out; no models, no files.

First version: fixed-sample intervals.  Repeated looks are not yet paid for (see docs/verdicts.md).
"""

from harness.statistics.accuracy import judge_accuracy
from harness.statistics.drift import Drift, drift
from harness.statistics.evidence import Evidence, MeanSpread, RawRuns, Single, Spread
from harness.statistics.history import ChangePoint, change_points
from harness.statistics.speed import judge_speed, judge_speed_paired

__all__ = [
    "ChangePoint",
    "Drift",
    "Evidence",
    "MeanSpread",
    "RawRuns",
    "Single",
    "Spread",
    "change_points",
    "drift",
    "judge_accuracy",
    "judge_speed",
    "judge_speed_paired",
]
