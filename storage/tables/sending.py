"""The outbox: one row per attempt to send a batch's package by an automatic transport."""

from __future__ import annotations

import sqlalchemy as sa

from storage.tables.base import Text, Utc, key, metadata, ref

delivery = sa.Table(
    "delivery",
    metadata,
    key(),
    ref("batch_id", "batch", nullable=False),
    sa.Column("attempt", sa.Integer, nullable=False),
    sa.Column("key", Text, nullable=False, unique=True),  # the idempotency key that the receiver sees
    sa.Column("transport", Text, nullable=False),
    sa.Column("receiver", Text, nullable=False),
    sa.Column("state", Text, nullable=False),
    sa.Column("tries", sa.Integer, nullable=False, default=0),  # also the fence: a try ends only its own
    sa.Column("lease_owner", Text),
    sa.Column("lease_until", Utc),
    sa.Column("created_by", Text, nullable=False),
    sa.Column("created_at", Utc, nullable=False),
    sa.Column("began_at", Utc),
    sa.Column("ended_at", Utc),
    sa.Column("try_after", Utc),
    sa.Column("message_id", Text),
    sa.Column("receipt", Text),
    sa.Column("error", Text),
    sa.Column("note", Text),
    sa.Column("simulated", sa.Boolean, nullable=False, default=False),
    sa.UniqueConstraint("batch_id", "attempt"),
    sa.Index("ix_delivery_state", "state"),
)
