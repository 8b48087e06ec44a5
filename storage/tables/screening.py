"""Tables of screening itself: what could not be judged."""

from __future__ import annotations

import sqlalchemy as sa

from storage.tables.base import Text, Utc, key, metadata, ref

quarantine = sa.Table(
    "quarantine",
    metadata,
    key(),
    ref("revision_id", "post_revision", nullable=False),
    sa.Column("ruleset", Text, nullable=False),
    sa.Column("tries", sa.Integer, nullable=False),
    sa.Column("why", Text),  # none: it is being tried
    sa.Column("at", Utc, nullable=False),
    sa.UniqueConstraint("revision_id", "ruleset"),
)
