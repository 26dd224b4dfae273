"""The side of one contender: it trains for a round when told to, and says how long that took.

Standard library only, as it is imported in every environment.
"""

from __future__ import annotations

import itertools
import os
import sys
import time
from collections.abc import Iterator


class Turns:
    """Told over stdin when to go on; answers on stdout, first with ``name``, then with each round's
    seconds on the clock and on the processor."""

    def __init__(self, epochs_a_round: int, name: str) -> None:
        self._epochs_a_round = epochs_a_round
        self._epoch = 0
        self._clock = self._processor = 0.0
        self._name = name
        self._answers = os.fdopen(os.dup(1), "w")
        os.dup2(2, 1)  # what a framework prints is no answer

    def epoch_starts(self) -> None:
        """Call at the start of every epoch: what comes between two calls is an epoch's work."""
        if self._epoch % self._epochs_a_round == 0:
            seconds = time.perf_counter() - self._clock, time.process_time() - self._processor
            self._answer(f"{seconds[0]!r} {seconds[1]!r}" if self._epoch else self._name)
            if not sys.stdin.readline():
                os._exit(0)  # measured enough; no framework need tidy up
            self._clock, self._processor = time.perf_counter(), time.process_time()
        self._epoch += 1

    def epochs(self) -> Iterator[int]:
        """Epochs from 0, without end."""
        for epoch in itertools.count():
            self.epoch_starts()
            yield epoch

    def _answer(self, line: str) -> None:
        print(line, file=self._answers, flush=True)
