"""Add when an observation was recorded, and when a clue's post had first been seen, so that past figures stay."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    """Add both columns; of old rows nothing better is known than the time of the observation and the post's."""
    op.add_column("observation", sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=True))
    op.execute("UPDATE observation SET recorded_at = at")
    with op.batch_alter_table("observation") as table:
        table.alter_column("recorded_at", existing_type=sa.DateTime(timezone=True), nullable=False)
    op.add_column("clue", sa.Column("seen_at", sa.DateTime(timezone=True), nullable=True))
    op.execute("UPDATE clue SET seen_at = (SELECT first_seen FROM post WHERE post.id = clue.post_id)")


def downgrade() -> None:
    """Drop them."""
    op.drop_column("clue", "seen_at")
    op.drop_column("observation", "recorded_at")
