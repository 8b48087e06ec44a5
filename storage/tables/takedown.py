"""Tables of the takedown loop: batches, submissions, replies, observations, outcomes."""

from __future__ import annotations

import sqlalchemy as sa

from storage.tables.base import BigId, Json, Text, Utc, key, metadata, ref

batch = sa.Table(
    "batch",
    metadata,
    key(),
    sa.Column("code", Text, nullable=False, unique=True),  # the public id, as 2026-W47-partner_desk
    sa.Column("channel", Text, nullable=False),
    sa.Column("channel_version", Text, nullable=False),
    sa.Column("week", Text, nullable=False),
    sa.Column("number", sa.Integer, nullable=False),
    sa.Column("state", Text, nullable=False),
    sa.Column("version", sa.Integer, nullable=False, default=1),
    sa.Column("drafted_by", Text, nullable=False),
    sa.Column("drafted_at", Utc, nullable=False),
    sa.Column("proposed_by", Text),
    sa.Column("proposed_at", Utc),
    sa.Column("approved_by", Text),
    sa.Column("approved_at", Utc),
    sa.Column("exported_at", Utc),
    sa.Column("sent_at", Utc),
    sa.Column("receipt", Text),
    sa.Column("note", Text),
    sa.Column("package_sha256", sa.String(64)),
    sa.Column("package_size", BigId),
    sa.Column("frozen", Json),  # what the package is built from
    sa.Column("simulated", sa.Boolean, nullable=False, default=False),
    sa.UniqueConstraint("channel", "week", "number"),
)

submission = sa.Table(
    "submission",
    metadata,
    key(),
    ref("clue_id", "clue", nullable=False),
    sa.Column("channel", Text, nullable=False),
    sa.Column("attempt", sa.Integer, nullable=False),
    ref("batch_id", "batch", nullable=False, index=True),
    ref("previous_id", "submission"),
    sa.Column("state", Text, nullable=False),
    sa.Column("version", sa.Integer, nullable=False, default=1),
    sa.Column("platform", Text, nullable=False),
    sa.Column("target_kind", Text, nullable=False),
    sa.Column("target_native_id", Text, nullable=False),
    sa.Column("url", Text),
    sa.Column("decided_by", Text, nullable=False),
    sa.Column("proposed_by", Text),
    sa.Column("approved_by", Text),
    sa.Column("sent_at", Utc),
    sa.Column("struck_why", Text),
    sa.Column("frozen", Json),
    sa.Column("simulated", sa.Boolean, nullable=False, default=False),
    sa.UniqueConstraint("clue_id", "channel", "attempt"),
    sa.Index("ix_submission_target", "platform", "target_native_id", "channel"),
)

submission_event = sa.Table(
    "submission_event",
    metadata,
    key(),
    ref("submission_id", "submission", nullable=False, index=True),
    sa.Column("at", Utc, nullable=False),
    sa.Column("event", Text, nullable=False),
    sa.Column("state_from", Text),
    sa.Column("state_to", Text, nullable=False),
    sa.Column("actor", Text, nullable=False),
    sa.Column("note", Text),
    sa.Column("simulated", sa.Boolean, nullable=False, default=False),
)

reply = sa.Table(
    "reply",
    metadata,
    key(),
    ref("submission_id", "submission", nullable=False, index=True),
    sa.Column("file_sha256", sa.String(64), sa.ForeignKey("evidence.sha256"), nullable=False),
    sa.Column("row", sa.Integer, nullable=False),
    sa.Column("words", Text, nullable=False),
    sa.Column("kind", Text, nullable=False),
    sa.Column("note", Text),
    sa.Column("actor", Text, nullable=False),
    sa.Column("at", Utc, nullable=False),
    sa.UniqueConstraint("submission_id", "file_sha256", "row"),
)

observation = sa.Table(
    "observation",
    metadata,
    key(),
    ref("clue_id", "clue", nullable=False),
    sa.Column("key", Text, nullable=False),  # idempotency: which visit, reply row or note it is
    sa.Column("at", Utc, nullable=False),
    sa.Column("recorded_at", Utc, nullable=False),  # figures of a past day leave out what came to be known later
    sa.Column("kind", Text, nullable=False),
    sa.Column("method", Text, nullable=False),
    sa.Column("marker", Text),
    sa.Column("control_ok", sa.Boolean),
    ref("capture_id", "capture"),
    ref("reply_id", "reply"),
    sa.Column("actor", Text, nullable=False),
    sa.Column("note", Text),
    sa.Column("simulated", sa.Boolean, nullable=False, default=False),
    sa.UniqueConstraint("clue_id", "key"),
)

outcome = sa.Table(
    "outcome",
    metadata,
    sa.Column("clue_id", BigId, sa.ForeignKey("clue.id"), primary_key=True),
    ref("submission_id", "submission"),
    sa.Column("kind", Text, nullable=False),
    sa.Column("state", Text, nullable=False),
    sa.Column("cause", Text, nullable=False),
    sa.Column("at", Utc, nullable=False),
    sa.Column("first_gone_at", Utc),
    sa.Column("confirmed_at", Utc),
    sa.Column("reappeared", sa.Integer, nullable=False, default=0),
    sa.Column("version", sa.Integer, nullable=False, default=1),
)
