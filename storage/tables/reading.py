"""Tables of what was read: runs, the frontier, evidence, posts and accounts."""

from __future__ import annotations

import sqlalchemy as sa

from storage.tables.base import BigId, Json, Text, Utc, key, metadata, ref

crawl_run = sa.Table(
    "crawl_run",
    metadata,
    key(),
    sa.Column("source", Text, nullable=False),
    sa.Column("platform", Text, nullable=False),
    sa.Column("access", Text, nullable=False),
    sa.Column("state", Text, nullable=False),
    sa.Column("started_at", Utc, nullable=False),
    sa.Column("ended_at", Utc),
    sa.Column("software", Text, nullable=False),
    sa.Column("reason", Text),
    sa.Column("robots", Json),
    sa.Column("pages", Json, nullable=False),
    sa.Column("posts", Json, nullable=False),
    sa.Column("problems", Json, nullable=False),
    sa.Index("ix_crawl_run_source_started", "source", "started_at"),
)

frontier = sa.Table(
    "frontier",
    metadata,
    key(),
    sa.Column("source", Text, nullable=False),
    sa.Column("request_key", Text, nullable=False),
    sa.Column("url", Text, nullable=False),
    sa.Column("kind", Text, nullable=False),
    sa.Column("state", Text, nullable=False),
    sa.Column("priority", sa.Integer, nullable=False, default=0),
    sa.Column("depth", sa.Integer, nullable=False, default=0),
    sa.Column("attempts", sa.Integer, nullable=False, default=0),
    sa.Column("not_before", Utc),
    sa.Column("lease_owner", Text),
    sa.Column("lease_until", Utc),
    ref("run_id", "crawl_run"),
    sa.Column("outcome", Text),
    sa.Column("read_at", Utc),
    sa.Column("cursor", Json),
    sa.Column("meta", Json, nullable=False),
    sa.Column("created_at", Utc, nullable=False),
    sa.UniqueConstraint("source", "request_key"),
    sa.Index("ix_frontier_open", "source", "state", "priority", "id"),
)

evidence = sa.Table(
    "evidence",
    metadata,
    sa.Column("sha256", sa.String(64), primary_key=True),
    sa.Column("size", BigId, nullable=False),
    sa.Column("media_type", Text),
    sa.Column("stored_at", Utc, nullable=False),
)

capture = sa.Table(
    "capture",
    metadata,
    key(),
    ref("run_id", "crawl_run", index=True),
    sa.Column("kind", Text, nullable=False),
    sa.Column("url", Text, nullable=False),
    sa.Column("at", Utc, nullable=False),
    sa.Column("method", Text, nullable=False),
    sa.Column("status", sa.Integer),
    sa.Column("headers", Json, nullable=False),
    sa.Column("sha256", sa.String(64), sa.ForeignKey("evidence.sha256"), index=True),
    sa.Column("size", BigId, nullable=False, default=0),
    sa.Column("software", Text, nullable=False),
    sa.Column("why_none", Text),
)

account = sa.Table(
    "account",
    metadata,
    key(),
    sa.Column("platform", Text, nullable=False),
    sa.Column("native_id", Text, nullable=False),
    sa.Column("handle", Text),
    sa.Column("name", Text, nullable=False, default=""),
    sa.Column("bio", Text, nullable=False, default=""),
    sa.Column("verified", sa.Boolean),
    sa.Column("verified_as", Text),
    sa.Column("url", Text),
    sa.Column("first_seen", Utc, nullable=False),
    sa.Column("last_seen", Utc, nullable=False),
    sa.Column("strikes", sa.Integer, nullable=False, default=0),
    sa.UniqueConstraint("platform", "native_id"),
)

account_observation = sa.Table(
    "account_observation",
    metadata,
    key(),
    ref("account_id", "account", nullable=False),
    sa.Column("content_hash", sa.String(64), nullable=False),
    sa.Column("seen_at", Utc, nullable=False),
    sa.Column("facts", Json, nullable=False),
    ref("capture_id", "capture"),
    sa.UniqueConstraint("account_id", "content_hash"),
)

post = sa.Table(
    "post",
    metadata,
    key(),
    sa.Column("platform", Text, nullable=False),
    sa.Column("native_id", Text, nullable=False),
    sa.Column("kind", Text, nullable=False),
    sa.Column("source", Text, nullable=False),
    sa.Column("url", Text),
    ref("account_id", "account", index=True),
    ref("parent_post_id", "post", index=True),
    sa.Column("reply_to", Text),  # native id of the comment it answers
    sa.Column("first_seen", Utc, nullable=False),
    sa.Column("last_seen", Utc, nullable=False),
    sa.Column("published_at", Utc),
    sa.Column("ip_region", Text),
    sa.Column("metrics", Json, nullable=False),
    sa.Column("current_revision_id", BigId),
    sa.UniqueConstraint("platform", "native_id"),
    sa.Index("ix_post_source", "source"),
)

post_revision = sa.Table(
    "post_revision",
    metadata,
    key(),
    ref("post_id", "post", nullable=False),
    sa.Column("content_hash", sa.String(64), nullable=False),
    sa.Column("title", Text, nullable=False),
    sa.Column("text", Text, nullable=False),
    sa.Column("author_name", Text, nullable=False),
    sa.Column("author_bio", Text, nullable=False),
    sa.Column("verified", sa.Boolean),
    sa.Column("verified_as", Text),
    sa.Column("parent", Text),
    sa.Column("own_comments", Json, nullable=False),
    sa.Column("images", Json, nullable=False),
    sa.Column("is_full", sa.Boolean, nullable=False),
    sa.Column("seen_at", Utc, nullable=False),
    ref("capture_id", "capture"),
    ref("run_id", "crawl_run"),
    sa.UniqueConstraint("post_id", "content_hash"),
)
