"""Runs and their metrics."""

from __future__ import annotations

import sqlalchemy as sql
from alembic import op

revision = "0001"
down_revision = None

WORD = sql.Text().with_variant(sql.Text(collation="C"), "postgresql")  # compared by bytes, as Python does


def upgrade() -> None:
    op.create_table("workspace", sql.Column("id", sql.Text, primary_key=True))
    op.create_table(
        "runs",
        sql.Column("number", sql.Integer, primary_key=True),
        sql.Column("id", WORD, nullable=False, unique=True),
        sql.Column("path", sql.Text, nullable=False),
        sql.Column("model", WORD, nullable=False),
        sql.Column("recipe", WORD, nullable=False),
        sql.Column("framework", WORD, nullable=False),
        sql.Column("environment", WORD, nullable=False),
        sql.Column("seed", sql.Text, nullable=False),
        sql.Column("mode", sql.Text, nullable=False),
        sql.Column("threads", sql.Integer, nullable=False),
        sql.Column("device", sql.Text),
        sql.Column("status", sql.Text, nullable=False),
        sql.Column("reason", sql.Text, nullable=False),
        sql.Column("started", sql.Double, nullable=False),
        sql.Column("seconds", sql.Double, nullable=False),
        sql.Column("machine_class", sql.Text),
        sql.Column("night", WORD, nullable=False),
        sql.Column("cpu_share", sql.Double),
        sql.Column("foreign_share", sql.Double),
        sql.Column("steal_share", sql.Double),
        sql.Column("wait_share", sql.Double),
        sql.Column("code", sql.Text),
        sql.Column("data", sql.Text),
        sql.Column("environment_digest", sql.Text),
        sql.Column("weights_final", sql.Text),
    )
    op.create_index("runs_of_a_job", "runs", ["model", "recipe", "environment", "id"])
    op.create_index("runs_of_a_night", "runs", ["night"])
    op.create_table(
        "metrics",
        sql.Column("run", sql.Integer, sql.ForeignKey("runs.number", ondelete="CASCADE"), primary_key=True),
        sql.Column("name", WORD, primary_key=True),
        sql.Column("value", sql.Double),
        sqlite_with_rowid=False,
    )
