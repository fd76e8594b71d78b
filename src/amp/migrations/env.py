"""Alembic's entry: runs inside the connection and the transaction that `runner.py` gives it."""

from alembic import context

from amp.kit.database import Row

context.configure(connection=context.config.attributes["connection"], target_metadata=Row.metadata)
with context.begin_transaction():
    context.run_migrations()
