"""The learning rate of every step: the same numbers in both frameworks."""

from __future__ import annotations

import math
from typing import Any, Dict


def learning_rate(hparams: Dict[str, Any], epoch: int, part: float) -> float:
    """The rate after ``epoch`` whole epochs and ``part`` (0 to 1) of the current one.

    Over ``warmup_epochs`` it rises in a straight line from ``warmup_start`` times the peak
    (Goyal et al. 2017, section 2.2); then it follows ``schedule``:

    - "constant";
    - "step": times ``decay`` every ``decay_epochs`` (He et al. 2016, section 3.4);
    - "milestones": times ``decay`` at each of ``milestones`` (Goyal et al. 2017, section 5.1);
    - "cosine": down to ``min_learning_rate`` at the last step (Loshchilov and Hutter 2017, equation 5,
      no restart);
    - "polynomial": down to ``min_learning_rate`` at the last step, as the ``decay_power``-th power of what is left.

    Epochs of "step" and "milestones" are counted from the start of the training.  With
    ``schedule_by = "epoch"`` the rate is that of the epoch's first step throughout, as in
    torchvision's references, else it changes every step.
    """
    peak, warmup = float(hparams["learning_rate"]), float(hparams.get("warmup_epochs", 0))
    by = hparams.get("schedule_by", "step")
    if by not in ("step", "epoch"):
        raise ValueError('schedule_by is "step" or "epoch", not %r' % (by,))
    now = epoch + (part if by == "step" else 0.0)
    if now < warmup:
        start = float(hparams.get("warmup_start", 0.0))
        return peak * now / warmup * (1.0 - start) + peak * start
    schedule = hparams["schedule"]
    if schedule == "constant":
        return peak
    if schedule == "step":
        return peak * float(hparams["decay"]) ** (epoch // int(hparams["decay_epochs"]))
    if schedule == "milestones":
        passed = sum(epoch >= milestone for milestone in hparams["milestones"])
        return peak * float(hparams["decay"]) ** passed
    if schedule in ("cosine", "polynomial"):
        least = float(hparams.get("min_learning_rate", 0.0))
        done = (now - warmup) / (float(hparams["epochs"]) - warmup)
        polynomial = schedule == "polynomial"
        left = (1.0 - done) ** float(hparams["decay_power"]) if polynomial else 0.5 * (1.0 + math.cos(math.pi * done))
        return least + (peak - least) * left
    known = '"constant", "step", "milestones", "cosine" or "polynomial"'
    raise ValueError("schedule is %s, not %r" % (known, schedule))


def average_decay(hparams: Dict[str, Any], batch_size: int) -> float:
    """What an average of the weights keeps of itself at each of its updates, one every ``ema_steps`` steps.

    ``ema_decay`` is meant for a batch of one image an epoch; torchvision's references scale its
    complement by batch, steps and epochs, so that another batch size averages over as many images.
    """
    complement = (1.0 - float(hparams["ema_decay"])) * batch_size * int(hparams["ema_steps"]) / float(hparams["epochs"])
    return 1.0 - min(1.0, complement)
