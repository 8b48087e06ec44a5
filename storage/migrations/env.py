"""Alembic's entry: runs the revisions on the connection that :mod:`storage.migrate` hands over."""

from __future__ import annotations

from alembic import context

from storage.tables import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    render_as_batch=True,
    transactional_ddl=True,  # our SQLite connections say BEGIN themselves, so DDL rolls back there too
)
with context.begin_transaction():
    context.run_migrations()
