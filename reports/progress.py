"""What is going on, on stderr: a live line on a terminal, plain lines elsewhere."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from copy import copy
from types import TracebackType
from typing import Any

from harness.core.values import Job, Record, RunStatus, Verdict
from harness.wire.events import Event, number

SECONDS_BETWEEN_LINES = 10.0  # at least, where there is no terminal; a tenth of the time the run has taken so far


class Progress:
    """A context manager that ``commands`` tells what happens; prints to stderr, never to stdout."""

    def __init__(self) -> None:
        from rich.console import Console

        self._console = Console(stderr=True, highlight=False, markup=False)
        self._live: Any = None
        self._lines: dict[str, str] = {}  # of the live display, by run
        self._title = ""
        self._epochs: int | None = None
        self._started = 0.0
        self._expected: float | None = None
        self._next_line = 0.0

    def __enter__(self) -> Progress:
        if sys.stderr.isatty():
            self._live = self._console.status("starting")
            self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._live is not None:
            self._live.stop()

    def lane(self) -> Progress:
        """For one of several runs that go on at once: the same terminal, and times and lines of its own."""
        return copy(self)

    def say(self, text: str) -> None:
        self._console.print(text, soft_wrap=True)  # a log is searched by line

    def start_run(self, job: Job, *, index: int, of: int, epochs: int | None, expected_seconds: float | None) -> None:
        self._title = f"[{index + 1}/{of}] {job.model}/{job.recipe} in {job.environment}, seed {job.seed}"
        self._epochs, self._expected, self._started = epochs, expected_seconds, time.monotonic()
        self._next_line = self._started + SECONDS_BETWEEN_LINES
        about = f", about {_minutes(expected_seconds)}" if expected_seconds else ""
        self.say(f"{self._title}: started, {job.threads} threads{about}")

    def event(self, event: Event) -> None:
        fields = event.fields
        if event.kind == "tracked_stats":
            loss = "" if fields.get("loss") is None else f"loss {number(fields['loss']):.4f}, "
            of = "" if self._epochs is None else f"/{self._epochs}"
            of_steps = f"/{fields['steps']}" if fields["steps"] else ""  # 0: the model does not say
            text = (
                f"epoch {fields['epoch'] + 1}{of}, step {fields['step']}{of_steps}, {loss}"
                f"{number(fields['samples_per_second']):.4g} samples/s{self._left()}"
            )
            self._show(text)
        elif event.kind == "eval_accuracy":
            self._show(f"{fields['metric']} {number(fields['value']):.4f}{self._left()}")

    def stop_run(self, record: Record) -> None:
        values = ", ".join(f"{name} {value:.4f}" for name, value in sorted(record.metrics.items()))
        end = values if record.status is RunStatus.FINISHED else f"{record.status.value}: {record.reason}"
        self._lines.pop(self._title, None)
        self.say(f"{self._title}: {end or 'finished'} ({_minutes(record.seconds)})")

    def look(self, runs: int, verdicts: Sequence[Verdict], *, asked: int) -> None:
        """What a look decided; said only where another one follows."""
        if asked:
            for verdict in verdicts:
                self.say(f"after {runs} run(s): {verdict.status.value}: {verdict.sentence}")
            self.say(f"{asked} more run(s) are made")

    def _show(self, text: str) -> None:
        if self._live is not None:
            self._lines[self._title] = text
            self._live.update("\n".join(f"{title}: {line}" for title, line in [*self._lines.items()]))
        elif (now := time.monotonic()) >= self._next_line:
            self._next_line = now + max(SECONDS_BETWEEN_LINES, (now - self._started) / 10)
            self.say(f"{self._title}: {text}")

    def _left(self) -> str:
        if self._expected is None:
            return ""
        left = self._expected - (time.monotonic() - self._started)
        return f", about {_minutes(left)} left" if left > 0 else ", longer than expected"


def _minutes(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 90 else f"{seconds / 60:.1f} min"
