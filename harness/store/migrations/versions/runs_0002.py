"""How long a speed was throttled, and an index that answers a history by itself."""

from __future__ import annotations

import sqlalchemy as sql
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.add_column("runs", sql.Column("throttled_share", sql.Double))
    op.drop_index("runs_of_a_job", "runs")
    op.create_index(
        "runs_of_a_job",
        "runs",
        ["model", "recipe", "id", "environment", "framework", "machine_class", "started", "status"],
    )
