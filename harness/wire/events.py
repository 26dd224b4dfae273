"""Events as lines of JSON.  Pure: the caller opens and writes."""

from __future__ import annotations

import json
import math
from typing import Any, Dict, NamedTuple


class Event(NamedTuple):
    kind: str
    time: float  # Unix seconds
    fields: Dict[str, Any]


def encode(event: Event) -> str:
    """One line, newline included.  Equal events give equal bytes."""
    return dumps({"kind": event.kind, "time": event.time, "fields": event.fields}) + "\n"


def decode(line: str) -> Event:
    """Read one line back.  Raises ValueError for anything that is not an event."""
    raw = json.loads(line)  # JSONDecodeError is a ValueError
    if not isinstance(raw, dict) or set(raw) != {"kind", "time", "fields"}:
        raise ValueError("an event has exactly kind, time and fields")
    if not isinstance(raw["kind"], str) or not isinstance(raw["fields"], dict):
        raise ValueError("kind is a string and fields an object")
    if isinstance(raw["time"], bool) or not isinstance(raw["time"], (int, float)):
        raise ValueError("time is a number")
    return Event(raw["kind"], float(raw["time"]), raw["fields"])


def dumps(value: Any, indent: int | None = None) -> str:
    """Strict JSON with sorted keys; non-finite numbers become strings."""
    return json.dumps(_finite(value), sort_keys=True, allow_nan=False, indent=indent)


def number(value: Any) -> float:
    """A number as it travelled.  Raises ValueError where it is none."""
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        raise ValueError("not a number: %r" % (value,))
    return float(value)


def _finite(value: Any) -> Any:
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN" if math.isnan(value) else ("Infinity" if value > 0 else "-Infinity")
    if isinstance(value, dict):
        return {str(key): _finite(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_finite(item) for item in value]
    return value
