"""Every number depends on all numbers before it; LASTING in the environment says how it fails."""

from __future__ import annotations

import os
import random
import signal
import time
from typing import Any

import numpy


class Pace:
    """State in plain attributes."""

    def __init__(self) -> None:
        self.rate = 1.0
        self.best = float("inf")

    def after(self, value: float) -> None:
        self.best = min(self.best, value)
        self.rate *= 0.9 if value > self.best else 0.99


def train(run: Any) -> None:
    how = os.environ.get("LASTING", "")
    own = numpy.random.RandomState(run.seed)
    weights: dict[str, Any] = {"w": own.standard_normal(50), "b": numpy.zeros((), numpy.float32)}
    run.weights("initial", weights)
    pace, total = Pace(), {"of epoch": 0.0}
    means: list[float] = []
    if how != "forgets its own generator":
        run.keep(weights=weights, own=own, pace=pace, means=means, total=total)
    else:
        run.keep(weights=weights, pace=pace, means=means, total=total)
    for epoch in run.epochs():
        for step in run.steps(range(run.steps_done, run.hparams["steps_per_epoch"])):
            batch = own.standard_normal(4)
            run.saw_batch(batch)
            noise = numpy.random.uniform() + random.random() + batch.sum()
            weights["w"] += 0.01 * pace.rate * noise * numpy.sin(weights["w"] + step)
            total["of epoch"] += float(numpy.abs(weights["w"]).mean())
            run.loss(numpy.abs(weights["w"]).mean())
            if how == "waits" and (epoch, step) == (1, 3):
                wait_for_sigterm()
            if how == "killed" and (epoch, step) == (2, 3):
                os.kill(os.getpid(), signal.SIGKILL)
        means.append(total["of epoch"] / run.hparams["steps_per_epoch"])
        total["of epoch"] = 0.0
        pace.after(means[-1])
        run.metric("score", 1 / (1 + sum(means)))
        if how == "killed while it writes" and epoch == 2:
            os.fsync = die
        if how == "full disk" and epoch == 1:
            os.fsync = full
    run.weights("final", weights)


def wait_for_sigterm() -> None:
    heard: Any = signal.getsignal(signal.SIGTERM)
    asked: list[int] = []

    def hear(number: int, frame: Any) -> None:
        heard(number, frame)
        asked.append(number)

    signal.signal(signal.SIGTERM, hear)
    while not asked:
        time.sleep(0.01)


def die(fd: Any) -> None:  # noqa: ARG001 - as os.fsync
    os.kill(os.getpid(), signal.SIGKILL)


def full(fd: Any) -> None:  # noqa: ARG001 - as os.fsync
    raise OSError(28, "No space left on device")
