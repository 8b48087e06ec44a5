"""Tables of running the product: people, sign-ins, the audit chain, the run ledger."""

from __future__ import annotations

import sqlalchemy as sa

from storage.tables.base import BigId, Json, Text, Utc, key, metadata, ref

user = sa.Table(
    "user_account",
    metadata,
    key(),
    sa.Column("name", Text, nullable=False, unique=True),
    sa.Column("role", Text, nullable=False),
    sa.Column("password_hash", Text, nullable=False),
    sa.Column("disabled", sa.Boolean, nullable=False, default=False),
    sa.Column("created_at", Utc, nullable=False),
)

web_session = sa.Table(
    "web_session",
    metadata,
    key(),
    sa.Column("token_hash", sa.String(64), nullable=False, unique=True),
    ref("user_id", "user_account", nullable=False),
    sa.Column("csrf", Text, nullable=False),
    sa.Column("created_at", Utc, nullable=False),
    sa.Column("seen_at", Utc, nullable=False),
    sa.Column("ended_at", Utc),
)

sign_in_attempt = sa.Table(
    "sign_in_attempt",
    metadata,
    key(),
    sa.Column("at", Utc, nullable=False),
    sa.Column("account", sa.String(64), nullable=False),  # hash of the name typed, which may be anything
    sa.Column("address", Text, nullable=False),
    sa.Column("ok", sa.Boolean, nullable=False, default=False),
    sa.Index("ix_sign_in_account", "account", "at"),
    sa.Index("ix_sign_in_address", "address", "at"),
)

audit_entry = sa.Table(
    "audit_entry",
    metadata,
    sa.Column("sequence", BigId, primary_key=True, autoincrement=False),
    sa.Column("at", Utc, nullable=False),
    sa.Column("actor", Text, nullable=False),
    sa.Column("via", Text, nullable=False),
    sa.Column("action", Text, nullable=False),
    sa.Column("object_type", Text, nullable=False),
    sa.Column("object_id", Text, nullable=False),
    sa.Column("details", Json, nullable=False),
    sa.Column("previous", sa.String(64), nullable=False),
    sa.Column("hash", sa.String(64), nullable=False, unique=True),
    sa.Index("ix_audit_object", "object_type", "object_id"),
)

_RUNNING = sa.text("state = 'running'")

run = sa.Table(
    "run",
    metadata,
    key(),
    sa.Column("job", Text, nullable=False),
    sa.Column("period", Text, nullable=False),
    sa.Column("state", Text, nullable=False),  # running, done, failed
    sa.Column("attempts", sa.Integer, nullable=False, default=0),
    sa.Column("failures", sa.Integer, nullable=False, server_default="0"),
    sa.Column("lease_owner", Text),
    sa.Column("lease_until", Utc),
    sa.Column("worker", Text),
    sa.Column("started_at", Utc),
    sa.Column("ended_at", Utc),
    sa.Column("result", Json),
    sa.UniqueConstraint("job", "period"),
    sa.Index("ix_run_running", "job", sqlite_where=_RUNNING, postgresql_where=_RUNNING),
)

tombstone = sa.Table(
    "tombstone",
    metadata,
    key(),
    sa.Column("object_type", Text, nullable=False),
    sa.Column("object_id", Text, nullable=False),
    sa.Column("sha256", sa.String(64)),
    sa.Column("reason", Text, nullable=False),
    sa.Column("at", Utc, nullable=False),
)

workspace_meta = sa.Table(
    "workspace_meta",
    metadata,
    sa.Column("key", Text, primary_key=True),
    sa.Column("value", Json),
)
