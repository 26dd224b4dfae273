"""A run on several devices: one process for each, all started by the first, all in its process group.

The first (rank 0) alone speaks to the orchestrator; the others write their events nowhere.  When one
of them ends before its time, the run ends at once: the rest would wait for it for ever.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
from typing import Any, Callable, List

from harness.wire import EVENTS_FD, LIFELINE_FD
from harness.worker import measure

RANK = "HARNESS_RANK"
ADDRESSES = "HARNESS_ADDRESSES"  # "host:port,host:port": where each rank listens, by rank


def rank() -> int:
    return int(os.environ.get(RANK, "0"))


def addresses() -> List[str]:
    return os.environ[ADDRESSES].split(",")


class Others:
    """Ranks 1 to ``world`` - 1.  ``lost(reason)`` is called, from a thread, when one of them fails."""

    def __init__(self, world: int, lost: Callable[[str], None]) -> None:
        os.environ[ADDRESSES] = ",".join("127.0.0.1:%d" % port for port in _free_ports(world))
        self._processes = [self._start(number) for number in range(1, world)]
        measure.PEERS[:] = [process.pid for process in self._processes]
        for number, process in enumerate(self._processes, 1):
            threading.Thread(target=_watch, args=(number, process, lost), daemon=True).start()

    def wait(self) -> None:
        """Until all of them have ended."""
        for process in self._processes:
            process.wait()

    def _start(self, number: int) -> subprocess.Popen[bytes]:
        variables = {**os.environ, RANK: str(number)}
        variables.pop(EVENTS_FD, None)
        # Each follows the lifeline itself.  Were it closed in the others, they would read whatever has its number next.
        lifeline = int(os.environ[LIFELINE_FD])
        return subprocess.Popen([sys.executable, "-s", *sys.argv], env=variables, pass_fds=[lifeline])


def for_tensorflow() -> None:
    """Tell TensorFlow, which reads it when it makes its strategy, who takes part."""
    task = {"type": "worker", "index": rank()}
    os.environ["TF_CONFIG"] = json.dumps({"cluster": {"worker": addresses()}, "task": task})


def _watch(number: int, process: subprocess.Popen[bytes], lost: Callable[[str], None]) -> None:
    status = process.wait()
    if status:
        how = "was killed by %s" % signal.Signals(-status).name if status < 0 else "ended with status %d" % status
        lost("rank %d %s, and the others cannot go on without it; worker.log says more" % (number, how))


def _free_ports(count: int) -> List[int]:
    """Ports that nobody listens on now; all are held until all are found, so that no two are the same."""
    sockets: List[Any] = []
    try:
        for _ in range(count):
            sockets.append(socket.socket())
            sockets[-1].bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]
    finally:
        for each in sockets:
            each.close()
