"""The metrics of one model and recipe side by side.  Rows are made again from the folders, which hold all of it."""

from __future__ import annotations

import sqlalchemy as sql
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    op.execute("DELETE FROM metrics")
    op.execute("DELETE FROM runs")  # catch_up adds them whole
    with op.batch_alter_table("metrics", table_kwargs={"sqlite_with_rowid": False}) as table:
        table.add_column(sql.Column("job", sql.BigInteger, nullable=False))
        table.create_index("metrics_of_a_job", ["job", "name", "run", "value"])
