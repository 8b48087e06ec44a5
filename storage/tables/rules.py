"""Tables of the rules: kept files and rulesets, and the changes that people propose and activate."""

from __future__ import annotations

import sqlalchemy as sa

from storage.tables.base import Json, Text, Utc, key, metadata, ref

rule_file = sa.Table(
    "rule_file",
    metadata,
    sa.Column("sha256", sa.String(64), primary_key=True),
    sa.Column("content", sa.LargeBinary, nullable=False),
    sa.Column("kept_at", Utc, nullable=False),
)

ruleset = sa.Table(
    "ruleset",
    metadata,
    key(),
    sa.Column("version", Text, nullable=False),
    sa.Column("files", Json, nullable=False),  # name below the overlay folder to sha256
    sa.Column("software", Text, nullable=False),
    sa.Column("kept_at", Utc, nullable=False),
    sa.UniqueConstraint("version"),
)

rule_change = sa.Table(
    "rule_change",
    metadata,
    key(),
    sa.Column("state", Text, nullable=False),
    sa.Column("kind", Text, nullable=False),  # file, counter_example, exception, suppression
    sa.Column("file", Text, nullable=False),
    sa.Column("sha256", sa.String(64), sa.ForeignKey("rule_file.sha256"), nullable=False),
    sa.Column("base_sha256", sa.String(64)),  # of the file that it replaces; none = a new one
    sa.Column("base_ruleset", Text, nullable=False),
    ref("clue_id", "clue", index=True),
    sa.Column("note", Text),
    sa.Column("author", Text, nullable=False),
    sa.Column("via", Text, nullable=False),
    sa.Column("created_at", Utc, nullable=False),
    sa.Column("tried_by", Text),
    sa.Column("tried_at", Utc),
    sa.Column("trial", Json),
    sa.Column("decided_by", Text),
    sa.Column("decided_at", Utc),
    sa.Column("reason", Text),
    sa.Column("ruleset_before", Text),
    sa.Column("ruleset_after", Text),
    sa.Column("ended_at", Utc),  # when the file stood in its place, or the change came to nothing
    sa.Column("simulated", sa.Boolean, nullable=False, default=False),
    sa.Index("ix_rule_change_state_file", "state", "file"),
)
