"""The learning rate of every step: the same numbers in both frameworks."""

from __future__ import annotations

import math
from typing import Any, Dict


def learning_rate(hparams: Dict[str, Any], epoch: int, part: float) -> float:
    """The rate after ``epoch`` whole epochs and ``part`` (0 to 1) of the current one.

    It rises in a straight line over ``warmup_epochs`` (Goyal et al. 2017, section 2.2), then
    follows ``schedule``: "cosine" down to zero at the last step (Loshchilov and Hutter 2017,
    equation 5, no restart), or "step", times ``decay`` every ``decay_epochs`` (He et al. 2016,
    section 3.4).
    """
    peak, warmup = float(hparams["learning_rate"]), float(hparams["warmup_epochs"])
    now = epoch + part
    if now < warmup:
        return peak * now / warmup
    if hparams["schedule"] == "step":
        return peak * float(hparams["decay"]) ** (epoch // int(hparams["decay_epochs"]))
    if hparams["schedule"] == "cosine":
        done = (now - warmup) / (float(hparams["epochs"]) - warmup)
        return peak * 0.5 * (1.0 + math.cos(math.pi * done))
    raise ValueError('schedule is "cosine" or "step", not %r' % (hparams["schedule"],))
