"""How long a command may still go on asking for runs."""

from __future__ import annotations

import time


class Budget:
    """``minutes`` from now on; None is no limit.  A run that was begun is never cut off by it."""

    def __init__(self, minutes: float | None) -> None:
        self.minutes = minutes
        self._ends = None if minutes is None else time.monotonic() + 60 * minutes

    def allows(self, seconds: float) -> bool:
        """Whether work of about ``seconds`` ends in time."""
        return self._ends is None or time.monotonic() + seconds <= self._ends
