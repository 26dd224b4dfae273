"""One process at a time builds a thing; the others wait for it, and say so."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def held(path: Path, what: str, say: Callable[[str], None]) -> Iterator[None]:
    """Hold the lock file ``path``.  A process that dies lets go of it."""
    from filelock import FileLock, Timeout  # 30 ms that a found environment does not pay

    path.parent.mkdir(parents=True, exist_ok=True)
    lock = FileLock(path)
    try:
        lock.acquire(blocking=False)
    except Timeout:
        say(f"waiting for another process that builds {what}")
        lock.acquire()
    try:
        yield
    finally:
        lock.release()
