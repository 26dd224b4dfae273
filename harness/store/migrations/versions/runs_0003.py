"""Where a run came from, and its first weights.  Rows are made again from the folders, which hold all of it."""

from __future__ import annotations

import sqlalchemy as sql
from alembic import op

revision = "0003"
down_revision = "0002"

WORD = sql.Text().with_variant(sql.Text(collation="C"), "postgresql")


def upgrade() -> None:
    op.execute("DELETE FROM runs")  # catch_up adds them whole
    for name, kind in (("weights_initial", sql.Text()), ("parent", WORD), ("relation", sql.Text()), ("initial", WORD)):
        op.add_column("runs", sql.Column(name, kind))
    op.drop_index("runs_of_a_job", "runs")
    op.create_index(
        "runs_of_a_job",
        "runs",
        ["model", "recipe", "id", "environment", "framework", "machine_class", "started", "status", "initial"],
    )
