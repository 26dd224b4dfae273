"""Whose fault is waiting for a core?  Real threads and real processes on one core."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator

import pytest

from harness.worker import measure

SPIN = "while True: pass"
SECONDS = 1.5


@pytest.fixture(autouse=True)
def one_core() -> Iterator[int]:
    """This process keeps to one core; a child starts there too."""
    before = os.sched_getaffinity(0)
    core = max(before)
    os.sched_setaffinity(0, {core})
    yield core
    os.sched_setaffinity(0, before)


def shares_while_spinning() -> dict[str, float]:
    first = measure.sample()
    until = time.perf_counter() + SECONDS
    while time.perf_counter() < until:
        pass
    return measure.shares(first, measure.sample(), threads=1)


def test_a_neighbour_on_our_core_makes_us_wait() -> None:
    with subprocess.Popen([sys.executable, "-c", SPIN]) as neighbour:
        try:
            shares = shares_while_spinning()
        finally:
            neighbour.kill()
    assert shares["wait_share"] > 0.25  # half, where nobody else is there; the interpreters' starts take some


def test_our_own_threads_waiting_for_each_other_is_no_disturbance() -> None:
    """Two threads without a lock between them on one core: each waits half of its time, and nobody else is there."""
    release = threading.Event()

    def hash_without_the_lock() -> None:
        block = bytes(1 << 24)
        while not release.is_set():
            hashlib.sha256(block)

    threads = [threading.Thread(target=hash_without_the_lock) for _ in range(2)]
    first = measure.sample()
    for thread in threads:
        thread.start()
    time.sleep(SECONDS)
    last = measure.sample()  # while they live: a thread takes its waiting with it
    release.set()
    for thread in threads:
        thread.join()
    shares = measure.shares(first, last, threads=1)
    raw = (last.waited - first.waited) / shares["measured_seconds"]
    assert raw > 0.5
    others = max(0.0, (last.here - first.here) - (last.own - first.own)) / shares["measured_seconds"]
    assert shares["wait_share"] == pytest.approx(others)
    assert shares["wait_share"] < raw / 2


def test_a_neighbour_elsewhere_is_foreign_and_no_reason_to_wait() -> None:
    """Ten seconds on one core of many: another process was busy all the time, but not on our core."""
    first = measure.Sample(wall=0.0, own=0.0, busy=0.0, steal=0.0, waited=0.0, here=0.0)
    last = measure.Sample(wall=10.0, own=9.0, busy=19.0, steal=0.0, waited=4.0, here=9.0)
    shares = measure.shares(first, last, threads=1)
    assert shares["foreign_share"] == pytest.approx(1.0 / (os.cpu_count() or 1))
    assert shares["wait_share"] == 0.0
    on_ours = measure.shares(first, last._replace(here=12.0), threads=1)
    assert on_ours["wait_share"] == pytest.approx(0.3)
