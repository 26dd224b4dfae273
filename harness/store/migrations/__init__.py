"""The tables of the index, step by step; Alembic runs them when the index is opened."""
