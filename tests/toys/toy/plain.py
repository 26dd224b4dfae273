"""A model without learning: it does what hyper-parameter ``behaviour`` says."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from typing import Any

import numpy


def train(run: Any) -> None:
    behaviour = run.hparams["behaviour"]
    random = numpy.random.RandomState(run.seed)
    weights = {"w": random.standard_normal(8)}
    run.weights("initial", weights)
    if behaviour == "meet":
        meet(run.seed)
    for epoch in run.epochs():
        for step in run.steps(range(4)):
            run.saw_batch(random.standard_normal(4))
            weights["w"] = weights["w"] * 0.9
            run.loss(1.0 / (epoch + step + 1))
        if epoch == 1:
            misbehave(behaviour, run)
        if behaviour != "silent":
            run.metric("score", 0.9 + 0.01 * numpy.sin(run.seed) + 0.001 * epoch)
    run.weights("final", weights)


def speed(run: Any) -> None:
    left = numpy.ones((400, 400), numpy.float32)
    work = int(os.environ.get("TOY_WORK", "8"))  # an environment's [variables] can make it slower
    for _ in run.timed_steps(samples=1):
        for _ in range(work):
            left @ left


def misbehave(behaviour: str, run: Any) -> None:
    if behaviour == "nan":
        run.loss(float("nan"))
    elif behaviour == "raise":
        raise RuntimeError("the model broke <script>alert(1)</script>")
    elif behaviour == "killed":
        os.kill(os.getpid(), signal.SIGKILL)
    elif behaviour == "exit":
        os._exit(0)  # a clean exit status without a last word
    elif behaviour == "hang":
        while True:
            signal.pause()
    elif behaviour == "chatter":
        print("x" * 100_000)
        print(json.dumps({"kind": "eval_accuracy", "time": 0, "fields": {"metric": "score", "value": 1.0}}))
        sys.stderr.write(json.dumps({"kind": "run_stop"}) + "\n")
    elif behaviour == "garbage":
        os.write(int(os.environ["HARNESS_EVENTS_FD"]), b'not an event\n{"kind": 3}\n')
    elif behaviour == "orphan":
        if os.fork() == 0:  # holds the pipe, as a forked data loader does
            while True:
                time.sleep(1000)
    elif behaviour == "runaway":
        subprocess.Popen([sys.executable, "-c", "import time; time.sleep(1000)"], start_new_session=True)


def meet(seed: int) -> None:
    """Wait until a second run has come to the same place, as the two can only if they go on at once."""
    place = os.environ["TOY_MEETING"]
    with open(os.path.join(place, f"seed-{seed}-{os.getpid()}"), "w"):
        pass
    last = time.monotonic() + float(os.environ.get("TOY_PATIENCE", "60"))
    while len(os.listdir(place)) < 2:
        if time.monotonic() > last:
            raise RuntimeError("nobody came")
        time.sleep(0.05)
