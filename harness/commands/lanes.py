"""Runs beside each other, as far as this machine's cores hold their threads."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from math import ceil
from types import TracebackType

from harness.commands.carry_out import asking
from harness.commands.cell import Cell
from harness.commands.machine import this_machine
from harness.core.values import Job, Machine, Mode, Record
from harness.execution import kill_workers
from reports.progress import Progress


def look_at(
    cells: Sequence[Cell], allows: Callable[[Cell, float], bool], progress: Progress, *, most: int | None = None
) -> None:
    """Make the looks of ``cells``, the most urgent first, until none of them asks for a run.

    The runs of one look start before any of the next, which begins only where ``allows`` says so: it is told the
    cell and the seconds that its look will take, and a cell that it refuses asks for nothing more.  ``most``
    bounds the runs beside each other; None: as many as the cores hold.  What one of them raises ends all.
    """
    begun: dict[int, dict[Job, Record]] = {}  # the looks that go on, by the cell's place
    coming: deque[tuple[int, Job]] = deque()
    stop = threading.Event()
    with asking(stop), Lanes(progress, most, stop) as lanes:
        while True:
            waiting = [place for place, cell in enumerate(cells) if cell.jobs and place not in begun and not coming]
            place = min(waiting, key=lambda place: cells[place].urgency(), default=None)
            # Chosen when it can begin, and not before: a look that ends by then may ask for a more urgent one.
            if place is not None and lanes.hold(cells[place].jobs[0]):
                if not allows(cells[place], lanes.seconds(cells[place])):
                    cells[place].jobs = ()
                    continue
                begun[place] = {}
                coming.extend((place, job) for job in cells[place].jobs)
            if coming and lanes.hold(coming[0][1]):
                place, job = coming.popleft()
                lanes.start(cells[place], place, job)
            elif lanes.busy:
                for place, job, record in lanes.ended():
                    begun[place][job] = record
                    if len(begun[place]) == len(cells[place].jobs):
                        cells[place].take(begun.pop(place), progress)
            else:
                return


class Lanes:
    """A run in each.  ``stop`` asks all of them to end; a KeyboardInterrupt, which the second Ctrl-C is, ends them."""

    def __init__(self, progress: Progress, most: int | None, stop: threading.Event) -> None:
        self._machine = this_machine()
        self._most = most or self._machine.cores
        self._progress = progress
        self._running: dict[Future[Record], tuple[int, Job]] = {}
        self._stop = stop
        self._threads = ThreadPoolExecutor(self._most, thread_name_prefix="lane")

    def __enter__(self) -> Lanes:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error:
            self._stop.set()
        if isinstance(error, KeyboardInterrupt):
            kill_workers()
        self._threads.shutdown()  # each marks its run
        if self._stop.is_set() and not error:
            raise KeyboardInterrupt

    @property
    def busy(self) -> bool:
        return bool(self._running)

    def hold(self, job: Job) -> bool:
        """Whether ``job`` may start now.  A speed, and whatever may use a GPU, has the machine for itself."""
        beside = [other for _, other in self._running.values()]
        if not beside:
            return True
        if len(beside) >= self._most or any(_alone(self._machine, each.mode, each.device) for each in (job, *beside)):
            return False
        return job.threads + sum(other.threads for other in beside) <= self._machine.cores

    def seconds(self, cell: Cell) -> float:
        """What the next look of ``cell`` will take, where nothing else goes on."""
        job, runs = cell.jobs[0], len(cell.jobs)
        most = min(self._most, abreast(self._machine, job.mode, job.device, job.threads))
        return cell.seconds() * ceil(runs / most) / runs

    def start(self, cell: Cell, place: int, job: Job) -> None:
        future = self._threads.submit(cell.make, job, self._progress.lane(), self._stop)
        self._running[future] = place, job

    def ended(self) -> list[tuple[int, Job, Record]]:
        """Those that have ended, at least one.  Raises what a run raised; after ``stop``, once all have ended."""
        done, _ = wait(self._running, return_when=FIRST_COMPLETED)
        if self._stop.is_set():
            wait(self._running)
            raise KeyboardInterrupt
        return [(*self._running.pop(future), future.result()) for future in done]


def abreast(machine: Machine, mode: Mode, device: str, threads: int) -> int:
    """How many such runs go on at once on ``machine``."""
    return 1 if _alone(machine, mode, device) else max(1, machine.cores // threads)


def _alone(machine: Machine, mode: Mode, device: str) -> bool:
    return mode == "speed" or (bool(machine.gpus) and device != "cpu")
