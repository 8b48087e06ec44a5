"""Tables of judging and review: verdicts, contacts, clues, clusters, decisions."""

from __future__ import annotations

import sqlalchemy as sa

from storage.tables.base import BigId, Json, Text, Utc, key, metadata, ref

verdict = sa.Table(
    "verdict",
    metadata,
    key(),
    ref("revision_id", "post_revision", nullable=False),
    sa.Column("ruleset", Text, nullable=False),
    sa.Column("band", Text, nullable=False),
    sa.Column("label", Text, nullable=False),
    sa.Column("score", sa.Float, nullable=False),
    sa.Column("bias", sa.Float, nullable=False),
    sa.Column("categories", Json, nullable=False),
    sa.Column("target", Json),
    sa.Column("findings", Json, nullable=False),
    sa.Column("comments", Json, nullable=False),  # revision ids of the comments judged with it, by their index
    sa.Column("created_at", Utc, nullable=False),
    sa.UniqueConstraint("revision_id", "ruleset"),
)

contact = sa.Table(
    "contact",
    metadata,
    key(),
    sa.Column("kind", Text, nullable=False),
    sa.Column("key", sa.String(64), nullable=False),  # keyed hash of the value, for linking
    sa.Column("sealed", sa.LargeBinary, nullable=False),  # the value, encrypted
    sa.Column("masked", Text, nullable=False),
    sa.Column("first_seen", Utc, nullable=False),
    sa.UniqueConstraint("kind", "key"),
)

contact_use = sa.Table(
    "contact_use",
    metadata,
    key(),
    ref("contact_id", "contact", nullable=False),
    ref("revision_id", "post_revision", nullable=False, index=True),
    ref("verdict_id", "verdict", nullable=False, index=True),
    sa.Column("field", Text, nullable=False),
    sa.Column("start", sa.Integer, nullable=False),
    sa.Column("end", sa.Integer, nullable=False),
    sa.UniqueConstraint("contact_id", "verdict_id", "field", "start"),
)

clue = sa.Table(
    "clue",
    metadata,
    key(),
    sa.Column("platform", Text, nullable=False),
    sa.Column("target_kind", Text, nullable=False),
    sa.Column("target_native_id", Text, nullable=False),
    sa.Column("url", Text),
    sa.Column("state", Text, nullable=False),
    sa.Column("version", sa.Integer, nullable=False, default=1),
    sa.Column("score", sa.Float, nullable=False),
    sa.Column("band", Text, nullable=False),
    sa.Column("severity", sa.Integer, nullable=False, default=0),
    sa.Column("categories", Json, nullable=False),
    ref("post_id", "post", nullable=False, index=True),  # the post on which it was found
    ref("verdict_id", "verdict", nullable=False),
    ref("account_id", "account", index=True),
    sa.Column("category", Text),  # what the person chose
    sa.Column("claimed_by", Text),
    sa.Column("claim_until", Utc),
    sa.Column("screenshot_sha256", sa.String(64)),
    sa.Column("screenshot_capture_id", BigId),
    sa.Column("screenshot_tried_at", Utc),
    sa.Column("decided_by", Text),
    sa.Column("decided_at", Utc),
    sa.Column("created_at", Utc, nullable=False),
    sa.Column("updated_at", Utc, nullable=False),
    sa.Column("seen_at", Utc),  # first sight of its post, as known when the clue was made: figures rest on it
    sa.Column("simulated", sa.Boolean, nullable=False, default=False),
    sa.UniqueConstraint("platform", "target_kind", "target_native_id"),
    sa.Index("ix_clue_state_score", "state", "score", "id"),
)
_OPEN = sa.text("state IN ('new', 'queued')")
sa.Index("ix_clue_open_newest", clue.c.id, sqlite_where=_OPEN, postgresql_where=_OPEN)
sa.Index("ix_clue_open_score", clue.c.score, clue.c.id, sqlite_where=_OPEN, postgresql_where=_OPEN)
sa.Index("ix_clue_open", clue.c.band, clue.c.score, clue.c.id, sqlite_where=_OPEN, postgresql_where=_OPEN)

decision = sa.Table(
    "decision",
    metadata,
    key(),
    ref("clue_id", "clue", nullable=False, index=True),
    sa.Column("clue_version", sa.Integer, nullable=False),
    sa.Column("event", Text, nullable=False),
    sa.Column("state_from", Text, nullable=False),
    sa.Column("state_to", Text, nullable=False),
    sa.Column("category", Text),
    sa.Column("reason", Text),
    ref("of_clue_id", "clue"),
    sa.Column("actor", Text, nullable=False),
    sa.Column("via", Text, nullable=False),
    sa.Column("at", Utc, nullable=False),
    sa.Column("verdict_id", BigId),
    ref("reverts_id", "decision"),
    sa.Column("simulated", sa.Boolean, nullable=False, default=False),
)

cluster = sa.Table(
    "cluster",
    metadata,
    key(),
    sa.Column("state", Text, nullable=False),  # open, merged (kept as history)
    sa.Column("basis", Json, nullable=False),
    sa.Column("confirmed", sa.Boolean, nullable=False, default=False),
    sa.Column("version", sa.Integer, nullable=False, default=1),
    sa.Column("created_at", Utc, nullable=False),
    sa.Column("updated_at", Utc, nullable=False),
)

cluster_member = sa.Table(
    "cluster_member",
    metadata,
    key(),
    ref("cluster_id", "cluster", nullable=False, index=True),
    ref("clue_id", "clue", nullable=False),
    sa.UniqueConstraint("clue_id"),
)

suggestion = sa.Table(
    "suggestion",
    metadata,
    key(),
    ref("clue_a", "clue", nullable=False),
    ref("clue_b", "clue", nullable=False, index=True),
    sa.Column("basis", Text, nullable=False),  # contact, text, image
    sa.Column("score", sa.Float, nullable=False),
    sa.Column("evidence", Json, nullable=False),
    sa.Column("at", Utc, nullable=False),
    sa.UniqueConstraint("clue_a", "clue_b", "basis"),
)

judgement = sa.Table(
    "judgement",
    metadata,
    key(),
    ref("clue_a", "clue", nullable=False),
    ref("clue_b", "clue", nullable=False, index=True),
    sa.Column("judgement", Text, nullable=False),  # same, different, unsure
    sa.Column("actor", Text, nullable=False),
    sa.Column("at", Utc, nullable=False),
    sa.Column("superseded_at", Utc),
    sa.Index("ix_judgement_pair", "clue_a", "clue_b"),
)

text_band = sa.Table(
    "text_band",
    metadata,
    sa.Column("key", BigId, primary_key=True),  # first: keys are looked up by thousands, whatever their band
    sa.Column("band", sa.SmallInteger, primary_key=True),
    sa.Column("clue_id", BigId, sa.ForeignKey("clue.id"), primary_key=True, index=True),
)
