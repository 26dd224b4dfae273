"""What a model file is given: it owns the clock, the seed and the wire.

A model exports ``train(run)`` and, for recipes of mode "speed", ``speed(run)``::

    def train(run):
        model = build(run.classes)
        run.weights("initial", model)
        optimizer = ...
        run.keep(model=model, optimizer=optimizer)  # after everything that has state: the run can be gone on with
        for epoch in run.epochs():
            for images, labels in run.steps(run.batches("train")):
                ...
                run.loss(loss)
            run.metric("top1", evaluate(...))
        run.weights("final", model)

    def speed(run):
        ...
        for _ in run.timed_steps(samples=batch_size):
            step()
"""

from __future__ import annotations

import math
import statistics
import sys
import time
from collections import deque
from types import ModuleType
from typing import Any, Callable, Deque, Dict, Iterable, Iterator, List, Optional, Sequence, Tuple, TypeVar

import numpy

from harness.wire import SPEED, weights
from harness.wire.job import WorkerJob
from harness.worker import measure, ranks
from harness.worker.data import Batch, Data, Graph, digest_of, order, raw
from harness.worker.emit import Emitter
from harness.worker.keeping import Keeper, Position

Item = TypeVar("Item")
FIRST_BATCHES = 3  # digested: enough to see another order, augmentation or data set
CHOICE_STEPS = 5  # of a setting, before the fastest is chosen
SECONDS_BETWEEN_STATS = 0.5
END: Any = object()  # what comes after the last batch
QUIET_SHARE = 0.10  # of the machine, used by others: above, what was measured is no peak


class Diverged(Exception):
    """The loss or a metric is no longer a number."""


class Run:
    def __init__(
        self,
        job: WorkerJob,
        framework: ModuleType,
        emit: Emitter,
        data: Optional[Data],
        device: str,
        made_of: Optional[Dict[str, Any]] = None,
    ) -> None:
        self.seed = job.seed
        self.device = device  # "cpu" | "cuda"
        self.threads = job.threads
        self._rank, self._world, self._together = ranks.rank(), job.devices, False
        self._whole: Deque[int] = deque()  # samples of all devices in each batch that this one has begun to read
        self.hparams: Dict[str, Any] = job.hyperparameters
        self._job = job
        self._framework = framework
        self._emit = emit
        self._data = data
        self._epoch: Optional[int] = None
        self._steps = 0
        self._samples = 0  # of the current epoch so far
        self._losses: List[Tuple[Any, int]] = []
        self._batch_samples = 0
        self._batches_total = 0
        self._next_stats = 0.0
        self._epoch_started = 0.0
        self._epoch_seconds = 0.0
        self._epoch_rates: List[float] = []
        self._waited = 0.0  # seconds of the current epoch that the training spent asking for batches
        self._wait_shares: List[float] = []
        self._first_batches: List[str] = []
        self._first = measure.sample()
        self._shares: Dict[str, float] = {}  # of the timed steps; a training is measured whole
        self._made_of = made_of or {}  # python and packages
        self._keeper: Optional[Keeper] = None
        self._told: List[Any] = []  # [kind, fields] of what was reported of epochs
        self._done = 0  # steps of the current epoch that an earlier run made
        self._skip = 0  # of these, batches that are still to be left out

    # -- data -----------------------------------------------------------------------------

    @property
    def data(self) -> Data:
        """The prepared data set.  Raises ValueError for a recipe with synthetic input."""
        if self._data is None:
            raise ValueError("recipe %s has no data set" % self._job.recipe)
        return self._data

    @property
    def classes(self) -> int:
        return self.data.classes

    @property
    def graph(self) -> Graph:
        """The graph whose nodes the splits list.  Raises ValueError for a data set that is none."""
        if self.data.graph is None:
            raise ValueError("data set %s is no graph" % self.data.name)
        return self.data.graph

    @property
    def epoch(self) -> int:
        """The current epoch from 0, or 0 when none is going."""
        return self._epoch or 0

    def arrays(self, split: str) -> Batch:
        """x [samples, *sample_shape] and y [samples] of a split, memory-mapped, in file order."""
        return self.data.arrays[split]

    def batches(
        self,
        split: str,
        batch_size: Optional[int] = None,
        *,
        rows: Optional[numpy.ndarray] = None,
        shuffle: Optional[bool] = None,
        drop_last: bool = False,
    ) -> Iterator[Batch]:
        """Batches (x [n, *sample_shape], y [n]) of numpy arrays.

        ``batch_size`` is ``hparams["batch_size"]`` unless given.  The training split is shuffled
        anew each epoch by ``data.order`` (seed, epoch), any other comes in file order.  ``rows``:
        only these of the split, where a part of it is held out.
        """
        x, y = self.arrays(split)
        for chosen in self.indices(split, batch_size, rows=rows, shuffle=shuffle, drop_last=drop_last):
            batch = x[chosen], y[chosen]
            if split == "train":
                self.saw_batch(*batch)
            yield batch

    def indices(
        self,
        split: str,
        batch_size: Optional[int] = None,
        *,
        rows: Optional[numpy.ndarray] = None,
        shuffle: Optional[bool] = None,
        drop_last: bool = False,
    ) -> Iterator[numpy.ndarray]:
        """Row numbers of each batch, int64 [n]: for a model that reads its input itself.

        With several devices, those of this one: ``batch_size`` and the order are of all together, and
        rank r of ``world`` takes every ``world``-th row from the r-th on.  In an epoch that a resumed run goes on
        with, the batches of the training split that were seen are left out.
        """
        size = batch_size or int(self.hparams["batch_size"])
        if rows is None:
            labels = self.data.folders[split].labels if split in self.data.folders else self.data.arrays[split][1]
            rows = numpy.arange(len(labels))
        samples = len(rows)
        shuffled = split == "train" if shuffle is None else shuffle
        if shuffled:
            rows = rows[order(self.seed, self.epoch, samples)]
        stop = samples - samples % size if drop_last else samples
        if split == "train":
            self._batches_total = math.ceil(stop / size)
        skipped = 0
        if split == "train":
            skipped, self._skip = self._skip, 0
        for start in range(skipped * size, stop, size):
            whole = rows[start : min(start + size, stop)]
            if split == "train" and self._world > 1:
                self._whole.append(len(whole))
            yield whole[self._rank :: self._world]

    def saw_batch(self, *arrays: numpy.ndarray) -> None:
        """Note what a training step is about to see; digests the first batches of a run (of rank 0's part)."""
        self._batch_samples = self._whole.popleft() if self._whole else len(arrays[0])
        if len(self._first_batches) < FIRST_BATCHES:
            self._first_batches.append(digest_of(*arrays))
            if len(self._first_batches) == FIRST_BATCHES:
                self._emit("first_batches", sha256=self._first_batches)

    # -- training -------------------------------------------------------------------------

    def epochs(self) -> Iterator[int]:
        """Count ``hparams["epochs"]`` epochs from 0 and report each; a model may leave them early by ``break``."""
        first = self._resumed.epoch if self._resumed else 0
        self._epoch = first - 1 if first else None  # where no epoch is left, what comes is still of the last one
        for epoch in range(first, int(self.hparams["epochs"])):
            self._start_epoch(epoch)
            yield epoch
            if self._losses:  # a model that never entered steps() has nothing to report here
                self._stop_epoch()
            if self._keeper and self._keeper.wants(epoch + 1, 0):
                self._keeper.write(self._position(epoch + 1))

    def steps(self, batches: Iterable[Item]) -> Iterator[Item]:
        """Pass batches on, one a training step; ends the epoch's clock after the last.

        How long each was waited for is noted: of an accelerator too it says what bounds the speed, because
        batches are made ahead and are there at once where the accelerator is the slower one.
        """
        self._check_devices()
        keeper = self._keeper
        coming = iter(batches)
        if keeper and self._done:  # an iterator may draw when it is made, and did so before the run was stopped
            keeper.set_generators()
        while True:
            asked = time.perf_counter()
            batch = next(coming, END)
            self._waited += time.perf_counter() - asked
            if batch is END:
                break
            yield batch
            self._steps += 1
            self._samples += self._batch_samples
            if time.perf_counter() >= self._next_stats:
                self._report_progress()
            if keeper and keeper.wants(self.epoch, self._steps):
                keeper.write(self._position(self.epoch))
        self._skip = 0
        self._framework.synchronize()
        self._epoch_seconds = time.perf_counter() - self._epoch_started
        self._epoch_rates.append(self._samples / max(self._epoch_seconds, 1e-9))
        self._wait_shares.append(self._waited / max(self._epoch_seconds, 1e-9))

    @property
    def steps_done(self) -> int:
        """Steps of the current epoch that were made before the run was interrupted; 0 in any other.

        For a model that counts steps, or draws its batches itself: ``Run.indices`` and ``Run.batches`` leave
        out what was seen by themselves.
        """
        return self._done

    def keep(self, **parts: Any) -> None:
        """Say what the training's state is made of; everything that decides how it goes on, when all of it exists.

        A part is a model, an optimizer, a scheduler, a GradScaler, a generator of random numbers, a variable or a
        list of them, an object with plain attributes, or a dict or list of these and of plain values, which is
        changed in place.  From now on the state is written to ``checkpoints/`` when an epoch ends and the last one
        is ``hparams["checkpoint_minutes"]`` old (10 unless given; 0: at every end), within an epoch when it is as
        old as that (10 for 0), and at the step's end after SIGTERM.  In a resumed run the parts are put back here,
        and ``epochs`` and ``steps`` go on where the state was written.

        Python's, numpy's and the framework's global generators are kept anyhow.  What an epoch adds up in a local
        variable is not: keep it in a dict.  Raises TypeError or ValueError for a part that cannot be kept, or whose
        saved state does not fit.
        """
        self._keeper = Keeper(self._job, self._framework, self._emit, self._made_of, parts)
        resumed = self._resumed
        if resumed:
            self._told = list(resumed.told)
            self._epoch_rates = list(resumed.rates)
            self._first_batches = list(resumed.first_batches)
            if len(self._first_batches) == FIRST_BATCHES:
                self._emit("first_batches", sha256=self._first_batches)

    def loss(self, value: Any) -> None:
        """The mean loss of this step's batch: a number or a detached 0-d tensor.

        It is read when progress is due and at the end of the epoch, so that an accelerator need
        not stop at each step.
        """
        self._losses.append((value, self._batch_samples))

    @property
    def metrics(self) -> Dict[str, str]:
        """The metrics that the recipe declares, name -> unit."""
        return self._job.metrics

    def metric(self, name: str, value: float, *, epoch: Optional[int] = None) -> None:
        """Report a metric of ``epoch``, else of the current epoch, or of the run when no epoch is going.

        The last value a metric had is the run's result.  Raises Diverged when it is no number,
        ValueError when the recipe declares no such metric.
        """
        if name not in self._job.metrics:
            raise ValueError("recipe %s declares no metric %s in model.toml" % (self._job.recipe, name))
        number = float(value)
        self._tell("eval_accuracy", metric=name, value=number, epoch=self._epoch if epoch is None else epoch)
        if not math.isfinite(number):
            raise Diverged("%s is %r after epoch %s" % (name, number, self._epoch))

    def together(self) -> Tuple[int, int]:
        """(rank, world): which of how many processes this is, each with a device.

        For a model that adds up its gradients over all of them: one that never asks is refused more
        than one device, because it would train several models, each on a part of the data.
        """
        self._together = True
        return self._rank, self._world

    def total(self, values: List[float]) -> List[float]:
        """Each number, added up over all devices: for counts of what every device saw a part of."""
        return self._framework.total(values) if self._world > 1 else values

    def weights(self, moment: str, model: Any) -> None:
        """Report the digest of all weights, ``moment`` "initial" or "final".

        The initial ones are replaced here where the run starts from another one's; the final ones are stored where
        they are to be kept.
        """
        job = self._job
        if moment == "initial" and job.initial:
            read = weights.read(job.initial["weights"])
            arrays = {name: numpy.frombuffer(each.data, each.dtype).reshape(each.shape) for name, each in read.items()}
            self._framework.set_arrays(model, arrays)
        arrays, parameters = self._framework.named_arrays(model)
        digest = digest_of(*(array for _, array in sorted(arrays.items())))
        self._emit("weights", moment=moment, sha256=digest, parameters=parameters)
        if moment == "final" and job.keep_weights:
            about = {"model": job.model, "recipe": job.recipe, "framework": job.framework}
            weights.write(weights.FILE, {name: raw(array) for name, array in arrays.items()}, about)

    def files(self, code: Dict[str, str], data: Dict[str, Any], edited: List[str], **interpreter: Any) -> None:
        """Report what a wrapped program used: sha256 of each file, what changed meanwhile, and its interpreter."""
        self._emit("files", code=code, data=data, edited=edited, **interpreter)

    # -- speed ----------------------------------------------------------------------------

    def fastest(self, choices: Sequence[Dict[str, Any]], make: Callable[[], Callable[[], Any]]) -> None:
        """Put those of ``choices`` into ``hparams`` whose steps are the shortest here, and report them.

        A choice is of hyper-parameters that decide how fast a step is and, but for rounding, not what it
        computes.  ``make`` returns a step made by ``hparams``.  Each choice takes turns with the fastest
        before it, since a machine may slow down meanwhile: the first step of each counts for nothing, as
        it compiles, and then the median of CHOICE_STEPS.  A choice that fails on this machine is none.
        """
        best: Optional[Dict[str, Any]] = None
        fastest: Optional[Callable[[], Any]] = None
        tried: List[Dict[str, Any]] = []
        for choice in choices:
            self.hparams.update(choice)
            seconds = against = math.inf
            step = None  # the one that lost is let go before the next is made
            try:
                step = make()
                seconds, *before = self._step_seconds([step, *([fastest] if fastest else [])])
                against = before[0] if before else math.inf
            except Exception as error:  # noqa: BLE001 - in whatever way it fails: it is not to be had here
                sys.stderr.write("harness: %s: %s: %s\n" % (choice, type(error).__name__, error))
            seconds, against = self.total([seconds, against])  # so that all devices choose alike
            tried.append(dict(choice, seconds=seconds, **({"against": against} if math.isfinite(against) else {})))
            if seconds < against:
                best, fastest = choice, step
        if best is None:
            raise ValueError("none of %s works here; worker.log says why" % (list(choices),))
        self.hparams.update(best)
        self._emit("settings", **best, fastest_of=tried)

    def _step_seconds(self, steps: Sequence[Callable[[], Any]]) -> List[float]:
        """The median of each, one step after the other in turn."""
        seconds: List[List[float]] = [[] for _ in steps]
        for _ in range(1 + CHOICE_STEPS):
            for step, its in zip(steps, seconds):
                self._framework.synchronize()
                start = time.perf_counter()
                step()
                self._framework.synchronize()
                its.append(time.perf_counter() - start)
        return [statistics.median(its[1:]) for its in seconds]

    def timed_steps(self, samples: int) -> Iterator[int]:
        """Count ``hparams["warmup_steps"] + hparams["steps"]`` steps and time each.

        ``samples`` is how many one step trains on.  The accelerator is synchronised at both ends
        of a window of ``hparams["window"]`` steps (1 unless given), and a step's time is its
        share of the window.  Reports ``samples_per_second`` from the median step after warm-up.
        """
        self._check_devices()
        warmup, steps = int(self.hparams["warmup_steps"]), int(self.hparams["steps"])
        window = int(self.hparams.get("window", 1))
        self._batch_samples, self._batches_total, self._epoch = samples, warmup + steps, 0
        seconds: List[float] = []
        while len(seconds) < warmup + steps:
            done = len(seconds)
            if done == warmup:  # no window reaches across the end of the warm-up
                self._first = measure.sample()
            size = min(window, (warmup if done < warmup else warmup + steps) - done)
            self._framework.synchronize()
            start = time.perf_counter()
            yield from range(done, done + size)
            self._framework.synchronize()
            now = time.perf_counter()
            seconds.extend([(now - start) / size] * size)
            self._steps = len(seconds)
            if now >= self._next_stats:
                self._report_stats(None, samples / seconds[-1])
        self._shares = measure.shares(self._first, measure.sample(), self.threads)
        self._epoch = None
        self._emit("step_times", seconds=seconds, warmup=warmup, samples=samples)
        rate = samples / statistics.median(seconds[warmup:])
        self.metric(SPEED, rate)
        self._epoch_rates = [rate]

    # -- the worker's side ----------------------------------------------------------------

    def finish(self) -> None:
        """Report what was measured on the way.  Called once, by the worker."""
        if self._losses and self._epoch is not None:  # the model left its last epoch by break
            self._stop_epoch()
        shares = self._shares or measure.shares(self._first, measure.sample(), self.threads)
        fields = dict(shares, peak_memory_bytes=float(self._framework.peak_memory_bytes()))
        if self._epoch_rates:
            # The first epoch holds tracing, allocation and cold caches.
            steady = self._epoch_rates[1:] or self._epoch_rates
            fields[SPEED] = statistics.median(steady)
        if self._wait_shares:
            fields["input_wait_share"] = statistics.median(self._wait_shares[1:] or self._wait_shares)
        if self._job.flops_per_sample and self._epoch_rates:
            before = measure.sample()
            peak = self._framework.matmul_flops_per_second(self.hparams.get("precision", "fp32"))
            beside = measure.shares(before, measure.sample(), self.threads)
            rate = self._job.flops_per_sample * fields[SPEED]
            fields.update(matmul_flops_per_second=peak, model_flops_per_second=rate)
            if max(beside["foreign_share"], beside["steal_share"], beside["wait_share"]) <= QUIET_SHARE:
                fields["flops_share"] = rate / peak
        self._emit("measurement", **fields)

    def _check_devices(self) -> None:
        if self._world > 1 and not self._together:
            raise ValueError("%s trains on one device, and %d were asked for" % (self._job.model, self._world))

    @property
    def _resumed(self) -> Optional[Position]:
        return self._keeper.resumed if self._keeper else None

    def _start_epoch(self, epoch: int) -> None:
        self._epoch, self._steps, self._samples, self._losses = epoch, 0, 0, []
        self._done = self._skip = 0
        self._waited = 0.0
        seconds = 0.0
        resumed = self._resumed
        if resumed and resumed.epoch == epoch:
            self._steps = self._done = self._skip = resumed.step
            self._samples, seconds = resumed.samples, resumed.seconds
            self._losses = [(float(loss), samples) for loss, samples in resumed.losses]
        self._emit("epoch_start", epoch=epoch)
        self._epoch_started = time.perf_counter() - seconds
        if self._keeper and resumed and resumed.epoch == epoch:
            self._keeper.set_generators()

    def _position(self, epoch: int) -> Position:
        """``epoch`` is the current one, or the next where that has ended."""
        self._losses = [(float(value), samples) for value, samples in self._losses]
        within = epoch == self._epoch
        return Position(
            epoch=epoch,
            step=self._steps if within else 0,
            samples=self._samples if within else 0,
            seconds=time.perf_counter() - self._epoch_started if within else 0.0,
            losses=self._losses,
            first_batches=self._first_batches,
            rates=self._epoch_rates,
            told=self._told,
        )

    def _tell(self, kind: str, **fields: Any) -> None:
        """Report what a resumed run has to report again, so that its record is whole."""
        self._emit(kind, **fields)
        self._told.append([kind, fields])

    def _stop_epoch(self) -> None:
        losses, self._losses = self._losses, []
        total = sum(samples for _, samples in losses)
        loss = sum(float(value) * samples for value, samples in losses) / max(total, 1)
        self._tell(
            "epoch_stop",
            epoch=self._epoch,
            loss=loss,
            samples=self._samples,
            seconds=self._epoch_seconds,
            steps=self._steps,
        )
        if not math.isfinite(loss):
            raise Diverged("the training loss is %r in epoch %s" % (loss, self._epoch))

    def _report_progress(self) -> None:
        loss = float(self._losses[-1][0]) if self._losses else None
        seconds = time.perf_counter() - self._epoch_started
        self._report_stats(loss, self._samples / max(seconds, 1e-9))
        if loss is not None and not math.isfinite(loss):
            raise Diverged("the loss is %r in epoch %s, step %s" % (loss, self._epoch, self._steps))

    def _report_stats(self, loss: Optional[float], rate: float) -> None:
        self._next_stats = time.perf_counter() + SECONDS_BETWEEN_STATS
        self._emit(
            "tracked_stats",
            epoch=self._epoch,
            step=self._steps,
            steps=self._batches_total,
            loss=loss,
            samples_per_second=rate,
        )
