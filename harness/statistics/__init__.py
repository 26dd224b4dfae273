"""From few, noisy runs to evidence.  Pure: arrays in, frozen values out; no models, no files.

Four questions: is an accuracy that of its reference (``judge_accuracy``), is one version slower than another
beside it (``judge_speed_paired``) or than on another day (``judge_speed``), and when did a history change
(``change_points``).  Their error rates are measured by ``python -m tests.statistics.study``.
"""

from harness.statistics.accuracy import judge_accuracy
from harness.statistics.drift import Drift, drift
from harness.statistics.evidence import Evidence, MeanSpread, RawRuns, Single, Spread
from harness.statistics.families import false_discovery
from harness.statistics.history import ChangePoint, change_points
from harness.statistics.noise import Noise, noise_of
from harness.statistics.sequential import ACCURACY_LOOKS, SPEED_LOOKS
from harness.statistics.speed import judge_speed, judge_speed_paired

__all__ = [
    "ACCURACY_LOOKS",
    "SPEED_LOOKS",
    "ChangePoint",
    "Drift",
    "Evidence",
    "MeanSpread",
    "Noise",
    "RawRuns",
    "Single",
    "Spread",
    "change_points",
    "drift",
    "false_discovery",
    "judge_accuracy",
    "judge_speed",
    "judge_speed_paired",
    "noise_of",
]
