"""The parts of a training that a model asked to keep: when they are written, and how they come back."""

from __future__ import annotations

import os
import random
import signal
import sys
import threading
import time
from types import FrameType, ModuleType
from typing import Any, Dict, Mapping, NamedTuple, Optional, Tuple

import numpy

from harness.wire.digests import snapshot_digest
from harness.wire.job import WorkerJob
from harness.worker import checkpoints, ranks
from harness.worker.emit import Emitter

MINUTES = 10.0  # unless hparams["checkpoint_minutes"]: a run that is shorter writes nothing


class Stopped(Exception):
    """SIGTERM came, and the training's state is written."""


class Position(NamedTuple):
    """How far a training has come; what a checkpoint says of it beside its parts."""

    epoch: int
    step: int  # steps of this epoch that are done
    samples: int  # of this epoch so far
    seconds: float  # of this epoch so far
    losses: Any  # [[loss, samples], ...] of this epoch
    first_batches: Any  # digests
    rates: Any  # samples per second of every epoch before
    told: Any  # [[kind, fields], ...]: what was reported of epochs that need not be made again


class Keeper:
    """Made by ``Run.keep``.  ``resumed`` is where the checkpoint that it was given back stood."""

    def __init__(
        self,
        job: WorkerJob,
        framework: ModuleType,
        emit: Emitter,
        made_of: Mapping[str, Any],
        parts: Dict[str, Any],
    ) -> None:
        for name, part in parts.items():
            if part is None or isinstance(part, (bool, int, float, str, tuple)):
                raise TypeError(
                    "run.keep(%s=...): a %s cannot be put back: keep it in a dict" % (name, type(part).__name__)
                )
        self._job, self._framework, self._emit, self._made_of, self._parts = job, framework, emit, made_of, parts
        minutes = float(job.hyperparameters.get("checkpoint_minutes", MINUTES))
        self._after_epoch = 60 * minutes
        self._within_epoch = 60 * (minutes or MINUTES)
        self._written = time.perf_counter()
        stop_at = job.stop_at or {"epoch": -1, "step": -1}
        self._stop_epoch, self._stop_step = stop_at["epoch"], stop_at["step"]
        self.stopping = False
        self.resumed: Optional[Position] = None
        self._generators: Any = None
        if ranks.rank():  # the first of several devices writes, and decides when all of them stop
            self._after_epoch = self._within_epoch = float("inf")
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
        elif threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGTERM, self._ask)
        emit("keeps", parts=sorted(parts))
        if job.resume:
            self._restore(job.resume)

    def _ask(self, _number: int, _frame: Optional[FrameType]) -> None:
        """Only noted: the training ends at its next step.  Whoever cannot wait has SIGKILL."""
        self.stopping = True

    def wants(self, epoch: int, step: int) -> bool:
        """Whether a checkpoint is to be written after this step; ``step`` 0: before the first one of an epoch."""
        if step == self._stop_step and epoch == self._stop_epoch:
            os.kill(os.getpid(), signal.SIGTERM)
        patience = self._within_epoch if step else self._after_epoch
        return self.stopping or time.perf_counter() - self._written >= patience

    def write(self, position: Position) -> None:
        """A disk that is full is told and does not end the training.  Raises Stopped where SIGTERM asked for it."""
        started = time.perf_counter()
        name = checkpoints.name_of(position.epoch, position.step)
        state = {
            "parts": {name: self._framework.take(part) for name, part in self._parts.items()},
            "generators": {
                "python": random.getstate(),
                "numpy": numpy.random.get_state(legacy=False),
                "framework": self._framework.generators(),
            },
        }
        about = {"made": self._identity(), "run": self._job.id, "position": position._asdict()}
        where = {"epoch": position.epoch, "step": position.step}
        try:
            size = checkpoints.save(checkpoints.FOLDER, name, about, state)
        except OSError as error:
            sys.stderr.write("harness: the checkpoint %s could not be written: %s\n" % (name, error))
            self._emit("checkpoint_failed", reason=str(error), **where)
        else:
            seconds = time.perf_counter() - started
            self._emit("checkpoint", file=name, bytes=size, seconds=seconds, **where)
        self._written = time.perf_counter()
        if self.stopping:
            raise Stopped("stopped by SIGTERM in epoch %d after %d step(s)" % (position.epoch, position.step))

    def set_generators(self) -> None:
        """Put Python's, numpy's and the framework's random numbers where they were; called where the loop goes on."""
        saved = self._generators
        random.setstate(saved["python"])
        numpy.random.set_state(saved["numpy"])
        self._framework.set_generators(saved["framework"])

    def _restore(self, resume: Mapping[str, Any]) -> None:
        started = time.perf_counter()
        about, state = checkpoints.load(resume["checkpoint"])
        if differs := different(about["made"], self._identity()):
            raise ValueError("%s was made otherwise: %s" % (resume["checkpoint"], "; ".join(differs)))
        saved = state["parts"]
        if set(saved) != set(self._parts):
            raise ValueError("the checkpoint holds %s, run.keep was given %s" % (sorted(saved), sorted(self._parts)))
        for name, part in self._parts.items():
            try:
                self._framework.give(part, saved[name])
            except (ValueError, RuntimeError, TypeError, LookupError) as error:
                raise ValueError("%s of the checkpoint does not fit: %s" % (name, error)) from error
        self._generators = state["generators"]
        self.resumed = Position(**about["position"])
        self._emit(
            "resumed",
            run=resume["run"],
            epoch=self.resumed.epoch,
            step=self.resumed.step,
            seconds=time.perf_counter() - started,
        )
        for kind, fields in self.resumed.told:
            self._emit(kind, **fields)

    def _identity(self) -> Dict[str, Any]:
        """What has to be the same for a training to be gone on with."""
        job = self._job
        return {
            "code": snapshot_digest(sys.path[0]),
            "data": job.data["manifest"]["digest"] if job.data else None,
            "model": job.model,
            "recipe": job.recipe,
            "framework": job.framework,
            "environment": job.environment,
            "seed": job.seed,
            "threads": job.threads,
            "hyperparameters": job.hyperparameters,
            **self._made_of,
        }


def different(before: Mapping[str, Any], now: Mapping[str, Any]) -> Tuple[str, ...]:
    """ "seed was 0, is 1", one for each key, of nested ones too; the code's digests shortened."""
    found = []
    for name in sorted(set(before) | set(now)):
        one, other = before.get(name), now.get(name)
        if isinstance(one, dict) and isinstance(other, dict):
            found += ["%s %s" % (name, each) for each in different(one, other)]
        elif one != other:
            found.append("%s was %s, is %s" % (name, str(one)[:60], str(other)[:60]))
    return tuple(found)
