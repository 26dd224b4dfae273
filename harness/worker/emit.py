"""Write events to the descriptor that the orchestrator gave."""

from __future__ import annotations

import os
import time
from typing import Any

from harness.wire.events import Event, encode


class Emitter:
    """``emit(kind, **fields)``: one event, one line, written whole."""

    def __init__(self, descriptor: int) -> None:
        os.set_inheritable(descriptor, False)  # no program that a model starts gets it
        self._descriptor = descriptor

    def __call__(self, kind: str, **fields: Any) -> None:
        rest = memoryview(encode(Event(kind, time.time(), fields)).encode())
        while rest:
            rest = rest[os.write(self._descriptor, rest) :]
