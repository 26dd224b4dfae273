"""Read by Alembic.  The connection, and the transaction that everything happens in, are the caller's."""

from __future__ import annotations

from alembic import context

context.configure(connection=context.config.attributes["connection"])
with context.begin_transaction():
    context.run_migrations()
