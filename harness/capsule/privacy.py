"""What of a run may leave the machine: no path of this machine, no process, nothing that names a person or a host."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from harness.wire.events import Event

HIDDEN = ("executable", "pid")  # fields of events that say where the worker ran, and nothing of what it did
PATH = re.compile(r"(^|[\s=:,;])(/|~|[A-Za-z]:\\)")


def public_record(record: Mapping[str, Any]) -> dict[str, Any]:
    """``record.json`` without the folder that it lay in."""
    return {**record, "path": "", "variables": public_variables(record.get("variables", {}))}


def public_job(job: Mapping[str, Any]) -> dict[str, Any]:
    """``job.json`` without the folder that its data lay in."""
    return {**job, "data": {**job["data"], "path": ""} if job.get("data") else None}


def public_event(event: Event) -> Event:
    kept = {name: value for name, value in event.fields.items() if name not in HIDDEN}
    if "variables" in kept:
        kept["variables"] = public_variables(kept["variables"])
    return event._replace(fields=kept)


def named(text: str, names: Iterable[str]) -> str | None:
    """The first of these paths and hosts that stands in ``text``, as a word of its own."""
    return next((name for name in names if re.search(rf"(?<![\w./-]){re.escape(name)}(?![\w-])", text)), None)


def public_variables(variables: Mapping[str, str]) -> dict[str, str]:
    """Those whose values are no places."""
    return {name: value for name, value in variables.items() if not PATH.search(str(value))}
