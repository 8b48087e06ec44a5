"""The table of notices to people: what was told, through what, how often, and what became of it."""

from __future__ import annotations

import sqlalchemy as sa

from storage.tables.base import Text, Utc, key, metadata

notice = sa.Table(
    "notice",
    metadata,
    key(),
    sa.Column("cause", Text, nullable=False),  # what stands, such as batch:2026-W47-partner_desk:approval:3
    sa.Column("kind", Text, nullable=False),
    sa.Column("transport", Text, nullable=False),  # mail, webhook
    sa.Column("number", sa.Integer, nullable=False),  # 1, then a reminder each
    sa.Column("state", Text, nullable=False),  # sending, sent, retry, refused, unknown
    sa.Column("attempts", sa.Integer, nullable=False, default=1),
    sa.Column("message_id", Text, nullable=False),
    sa.Column("lease_owner", Text),
    sa.Column("created_at", Utc, nullable=False),
    sa.Column("attempted_at", Utc, nullable=False),
    sa.Column("sent_at", Utc),
    sa.Column("error", Text),
    sa.Column("simulated", sa.Boolean, nullable=False, default=False),
    sa.UniqueConstraint("cause", "transport", "number"),
    sa.Index("ix_notice_state", "state"),
)
