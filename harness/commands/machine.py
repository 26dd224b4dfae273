"""``harness machine``."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from harness.core.values import Machine
from harness.wire.machine import find_machine


def this_machine() -> Machine:
    found = find_machine()
    return Machine(**{**found, "gpus": tuple(found["gpus"])})


def describe_machine() -> dict[str, Any]:
    machine = this_machine()
    return {**asdict(machine), "gpus": list(machine.gpus), "machine_class": machine.machine_class}


def machine_text(found: dict[str, Any]) -> str:
    shown = {
        **found,
        "memory_bytes": f"{found['memory_bytes'] / 2**30:.1f} GiB",
        "gpus": ", ".join(found["gpus"]) or "none",
    }
    width = max(map(len, shown))
    return "\n".join(f"{name.replace('_bytes', ''):<{width}}  {value or '–'}" for name, value in shown.items())
