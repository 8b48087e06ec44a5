"""Tell failures of a scheduled run from takeovers, and name the process that does its work."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    """Add both columns and the index of what runs now."""
    op.add_column("run", sa.Column("failures", sa.Integer(), nullable=False, server_default="0"))
    op.add_column("run", sa.Column("worker", sa.Text(), nullable=True))
    running = sa.text("state = 'running'")
    op.create_index("ix_run_running", "run", ["job"], sqlite_where=running, postgresql_where=running)


def downgrade() -> None:
    """Drop them."""
    op.drop_index("ix_run_running", table_name="run")
    op.drop_column("run", "worker")
    op.drop_column("run", "failures")
