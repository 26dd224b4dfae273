"""A process that trains a round when it is told to; the other side of turns.py."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import NamedTuple


class Seconds(NamedTuple):
    """Of a round."""

    clock: float
    processor: float  # the same on a machine without other work: one thread does everything


class Failed(Exception):
    """A contender ended before it was told to; the message is the last line of its log."""


class Contender:
    """Starts ``command`` in ``folder`` and waits until it is ready for its first round.  Raises Failed."""

    def __init__(self, command: Sequence[str], folder: Path, variables: Mapping[str, str], log: Path) -> None:
        self._log = log
        with log.open("wb") as file:
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=file,
                text=True,
                bufsize=1,
                cwd=folder,
                env=dict(variables),
            )
        self.name = self._answer()

    def round(self) -> Seconds:
        """Train the next round.  Raises Failed."""
        assert self._process.stdin
        self._process.stdin.write("go\n")
        return Seconds(*map(float, self._answer().split()))

    def _answer(self) -> str:
        assert self._process.stdout
        line = self._process.stdout.readline()
        if not line:
            raise Failed((self._log.read_text().strip().splitlines() or ["ended without a word"])[-1])
        return line.strip()

    def __enter__(self) -> Contender:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._process.kill()
        self._process.communicate()
