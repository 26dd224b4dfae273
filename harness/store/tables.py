"""The tables of the index, and a record as their rows.  Pure."""

from __future__ import annotations

import hashlib
import math
from typing import Any

from sqlalchemy import BigInteger, Column, Double, ForeignKey, Index, Integer, MetaData, Table, Text

from harness.core.values import Record

WORD = Text().with_variant(Text(collation="C"), "postgresql")  # compared by bytes, as Python does
SHARES = ("cpu_share", "foreign_share", "steal_share", "wait_share", "throttled_share")  # what tells a disturbed speed

# All that a history asks of a run: without it every row is looked up, twice the time where the file is cold.
COVERED = (
    "model", "recipe", "id", "environment", "framework", "machine_class", "started", "status", "initial",
)  # fmt: skip

metadata = MetaData()

workspace = Table("workspace", metadata, Column("id", Text, primary_key=True))  # whose index it is: one row

runs = Table(
    "runs",
    metadata,
    Column("number", Integer, primary_key=True),  # short, for metrics; means nothing, and changes in a rebuild
    Column("id", WORD, nullable=False, unique=True),  # the folder's name
    Column("path", Text, nullable=False),  # below the state folder
    Column("model", WORD, nullable=False),
    Column("recipe", WORD, nullable=False),
    Column("framework", WORD, nullable=False),
    Column("environment", WORD, nullable=False),
    Column("seed", Text, nullable=False),  # as text: a seed may be larger than a database's integers
    Column("mode", Text, nullable=False),
    Column("threads", Integer, nullable=False),
    Column("device", Text),  # where it ran, not what was asked for
    Column("status", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("started", Double, nullable=False),  # Unix seconds
    Column("seconds", Double, nullable=False),
    Column("machine_class", Text),
    Column("night", WORD, nullable=False),
    *(Column(name, Double) for name in SHARES),
    Column("code", Text),  # these four are digests
    Column("data", Text),
    Column("environment_digest", Text),
    Column("weights_final", Text),
    Column("weights_initial", Text),
    Column("parent", WORD),
    Column("relation", Text),  # how it came from its parent
    Column("initial", WORD),  # whose weights it started from
    Index("runs_of_a_job", *COVERED),
    Index("runs_of_a_night", "night"),
)

metrics = Table(
    "metrics",
    metadata,
    Column("run", Integer, ForeignKey("runs.number", ondelete="CASCADE"), primary_key=True),
    Column("name", WORD, primary_key=True),
    Column("value", Double),  # NULL is NaN: SQLite stores no other
    Column("job", BigInteger, nullable=False),  # see job_number
    # A history's values lie side by side: looked up one by one, they take ten times as long.
    Index("metrics_of_a_job", "job", "name", "run", "value"),
    sqlite_with_rowid=False,
)


def run_row(run_id: str, record: Record) -> dict[str, Any]:
    """The row of the run in the folder called ``run_id``, without its number."""
    job, digests = record.job, record.digests
    row = {
        "id": run_id,
        "path": f"runs/{run_id}",
        "model": job.model,
        "recipe": job.recipe,
        "framework": job.framework,
        "environment": job.environment,
        "seed": str(job.seed),
        "mode": job.mode,
        "threads": job.threads,
        "device": record.settings.get("device"),
        "status": record.status.value,
        "reason": record.reason,
        "started": record.started,
        "seconds": record.seconds,
        "machine_class": record.machine.machine_class if record.machine else None,
        "night": record.night,
        **{name: _double(record.measurement.get(name, math.nan)) for name in SHARES},
        "code": digests.get("code"),
        "data": digests.get("data"),
        "environment_digest": digests.get("environment"),
        "weights_final": digests.get("weights_final"),
        "weights_initial": digests.get("weights_initial"),
        "parent": record.parent,
        "relation": record.came_by,
        "initial": record.initial,
    }
    return {name: _text(value) if isinstance(value, str) else value for name, value in row.items()}


def metric_rows(number: int, record: Record) -> list[dict[str, Any]]:
    values = {_text(name): _double(value) for name, value in sorted(record.metrics.items())}
    job = job_number(record.job.model, record.job.recipe)
    return [{"run": number, "name": name, "value": value, "job": job} for name, value in values.items()]


def job_number(model: str, recipe: str) -> int:
    """What the metrics of one model and recipe share: six bytes of a digest, so equal numbers prove nothing."""
    told = f"{model}\0{recipe}".encode("utf-8", "replace")
    return int.from_bytes(hashlib.sha256(told).digest()[:6], "big")


def _double(value: float) -> float | None:
    return None if math.isnan(value) else value


def _text(value: str) -> str:
    """What every database takes: PostgreSQL knows no NUL, and neither knows half a surrogate pair."""
    return value.encode("utf-8", "replace").decode().replace("\x00", "\N{REPLACEMENT CHARACTER}")
