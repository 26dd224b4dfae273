"""A worker as a local process: its events out, its process group gone afterwards."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import threading
import time
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

import psutil

from harness import wire
from harness.wire.events import Event, decode

GRACE_SECONDS = 3.0  # between SIGTERM and SIGKILL at a deadline, and for the pipe to close after
KEEPING_SECONDS = 60.0  # the same for a worker that ends its step and writes its state first
MARK = "HARNESS_RUN_ID"  # in the environment of everything a run starts


def follow(
    command: Sequence[str],
    *,
    run_id: str,
    folder: Path,
    variables: Mapping[str, str],
    deadline_seconds: float,
    stop: threading.Event | None = None,
) -> Generator[Event, None, None]:
    """Start ``command`` in ``folder`` and yield its events until it is gone.

    ``stop`` ends it when it is set: at once, or, where its events said that it keeps its state, by SIGTERM and
    ``KEEPING_SECONDS`` to write it.

    stdout and stderr go to ``folder/worker.log``.  A line that is no event is yielded as
    ``garbled``; ``reaped`` tells that the deadline ended the run; ``worker_exit`` is always the
    last.  However the caller leaves the loop, no process of the run is left behind.
    """
    events, events_write = os.pipe()
    lifeline_read, lifeline = os.pipe()
    try:
        with (folder / "worker.log").open("ab") as log:
            process = subprocess.Popen(
                command,
                cwd=folder,
                env={
                    **variables,
                    wire.EVENTS_FD: str(events_write),
                    wire.LIFELINE_FD: str(lifeline_read),
                    MARK: run_id,
                },
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                pass_fds=(events_write, lifeline_read),
                start_new_session=True,  # its own process group, and out of the terminal's Ctrl-C
            )
    except BaseException:
        os.close(events)
        os.close(lifeline)
        raise
    finally:
        os.close(events_write)
        os.close(lifeline_read)
    reaper = _Reaper(process, deadline_seconds)
    reaper.start()
    try:
        for line in _lines(events, reaper, stop):
            event = _event(line)
            reaper.keeping = reaper.keeping or event.kind == "keeps"
            yield event
    finally:
        reaper.stop()
        _kill_marked(run_id)
        os.close(lifeline)
        os.close(events)
    if reaper.deadline_passed:
        yield Event("reaped", time.time(), {"reason": "deadline", "seconds": deadline_seconds})
    yield Event("worker_exit", time.time(), {"returncode": process.returncode})


class _Reaper(threading.Thread):
    """Ends the whole process group when the worker exits, at the deadline, or when told to."""

    def __init__(self, process: subprocess.Popen[bytes], deadline_seconds: float) -> None:
        super().__init__(daemon=True, name=f"reaper of {process.pid}")
        self._process = process
        self._deadline_seconds = deadline_seconds
        self.deadline_passed = False
        self.keeping = False  # whether the worker writes its state after SIGTERM
        self._told = False
        self.gone_at: float | None = None  # monotonic seconds

    def run(self) -> None:
        try:
            self._process.wait(self._deadline_seconds)
        except subprocess.TimeoutExpired:
            self.deadline_passed = True
            self._terminate()
        # What the worker started (data loaders) lives on in its group and would hold the pipe.
        self._signal_group(signal.SIGKILL)
        self._process.wait()
        self.gone_at = time.monotonic()

    def ask(self) -> None:
        """Let the worker end by itself, in a thread of its own; a second call changes nothing."""
        if not self._told:
            self._told = True
            threading.Thread(target=self._end, daemon=True, name=f"end of {self._process.pid}").start()

    def _end(self) -> None:
        if self.keeping:
            self._terminate()
        self._signal_group(signal.SIGKILL)

    def _terminate(self) -> None:
        """SIGTERM, and the time to heed it.  One that writes its state still needs what it started."""
        if self.keeping:
            self._process.send_signal(signal.SIGTERM)
        else:
            self._signal_group(signal.SIGTERM)
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(KEEPING_SECONDS if self.keeping else GRACE_SECONDS)

    def stop(self) -> None:
        """End the group now; returns when the worker is gone."""
        if self.gone_at is None and self.is_alive() and self._process.poll() is None:
            self._signal_group(signal.SIGKILL)
        self.join()

    def _signal_group(self, number: signal.Signals) -> None:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, number)


def _lines(descriptor: int, reaper: _Reaper, stop: threading.Event | None) -> Iterator[bytes]:
    """Whole lines until every writer has closed, or the worker is gone and the pipe stays silent."""
    rest = b""
    while True:
        if stop and stop.is_set():
            reaper.ask()
        ready, _, _ = select.select([descriptor], [], [], 0.5)
        if not ready:
            if reaper.gone_at is not None and time.monotonic() - reaper.gone_at > GRACE_SECONDS:
                break  # something that left the group still holds the pipe
            continue
        chunk = os.read(descriptor, 1 << 16)
        if not chunk:
            break
        *lines, rest = (rest + chunk).split(b"\n")
        yield from lines
    if rest:
        yield rest


def _event(line: bytes) -> Event:
    try:
        return decode(line.decode("utf-8"))
    except (ValueError, RecursionError):
        return Event("garbled", time.time(), {"line": line[:200].decode("utf-8", "replace"), "bytes": len(line)})


def kill_workers() -> None:
    """Kill every worker that this process follows; what they started goes with them, as after any end."""
    for process in psutil.Process().children():
        with suppress(psutil.Error, OSError):
            if MARK in process.environ():
                process.kill()


def _kill_marked(run_id: str) -> None:
    """Kill what left the process group but still carries the run's mark in its environment."""
    killed = []
    for process in psutil.process_iter():
        with suppress(psutil.Error, OSError):
            if process.pid != os.getpid() and process.environ().get(MARK) == run_id:
                process.kill()
                killed.append(process)
    psutil.wait_procs(killed, timeout=GRACE_SECONDS)
