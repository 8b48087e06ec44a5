"""Create the tables of verdicts, contacts, clues, clusters and decisions."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

BIG_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
OPEN_CLUES = sa.text("state IN ('new', 'queued')")


def upgrade() -> None:
    """Create them."""
    _create_cluster()
    _create_contact()
    _create_verdict()
    _create_clue()
    _create_contact_use()
    _create_cluster_member()
    _create_decision()
    _create_judgement()
    _create_suggestion()
    _create_text_band()


def downgrade() -> None:
    """Drop them."""
    op.drop_table("text_band")
    op.drop_table("suggestion")
    op.drop_table("judgement")
    op.drop_table("decision")
    op.drop_table("cluster_member")
    op.drop_table("contact_use")
    op.drop_table("clue")
    op.drop_table("verdict")
    op.drop_table("contact")
    op.drop_table("cluster")


def _create_cluster() -> None:
    op.create_table(
        "cluster",
        sa.Column("id", BIG_ID, autoincrement=True, nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("basis", sa.JSON(), nullable=False),
        sa.Column("confirmed", sa.Boolean(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_cluster")),
    )


def _create_contact() -> None:
    op.create_table(
        "contact",
        sa.Column("id", BIG_ID, autoincrement=True, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("key", sa.String(length=64), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("masked", sa.Text(), nullable=False),
        sa.Column("first_seen", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_contact")),
        sa.UniqueConstraint("kind", "key", name=op.f("uq_contact_kind_key")),
    )


def _create_verdict() -> None:
    op.create_table(
        "verdict",
        sa.Column("id", BIG_ID, autoincrement=True, nullable=False),
        sa.Column("revision_id", BIG_ID, nullable=False),
        sa.Column("ruleset", sa.Text(), nullable=False),
        sa.Column("band", sa.Text(), nullable=False),
        sa.Column("label", sa.Text(), nullable=False),
        sa.Column("score", sa.Float(), nullable=False),
        sa.Column("bias", sa.Float(), nullable=False),
        sa.Column("categories", sa.JSON(), nullable=False),
        sa.Column("target", sa.JSON(), nullable=True),
        sa.Column("findings", sa.JSON(), nullable=False),
        sa.Column("comments", sa.JSON(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["revision_id"], ["post_revision.id"], name=op.f("fk_verdict_revision_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_verdict")),
        sa.UniqueConstraint("revision_id", "ruleset", name=op.f("uq_verdict_revision_id_ruleset")),
    )


def _create_clue() -> None:
    op.create_table(
        "clue",
        sa.Column("id", BIG_ID, autoincrement=True, nullable=False),
        sa.Column("platform", sa.Text(), nullable=False),
        sa.Column("target_kind", sa.Text(), nullable=False),
        sa.Column("target_native_id", sa.Text(), nullable=False),
        sa.Column("url", sa.Text(), nullable=True),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("score", sa.Float(), nullable=False),
        sa.Column("band", sa.Text(), nullable=False),
        sa.Column("severity", sa.Integer(), nullable=False),
        sa.Column("categories", sa.JSON(), nullable=False),
        sa.Column("post_id", BIG_ID, nullable=False),
        sa.Column("verdict_id", BIG_ID, nullable=False),
        sa.Column("account_id", BIG_ID, nullable=True),
        sa.Column("category", sa.Text(), nullable=True),
        sa.Column("claimed_by", sa.Text(), nullable=True),
        sa.Column("claim_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("screenshot_sha256", sa.String(length=64), nullable=True),
        sa.Column("screenshot_capture_id", BIG_ID, nullable=True),
        sa.Column("screenshot_tried_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("decided_by", sa.Text(), nullable=True),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("simulated", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name=op.f("fk_clue_account_id")),
        sa.ForeignKeyConstraint(["post_id"], ["post.id"], name=op.f("fk_clue_post_id")),
        sa.ForeignKeyConstraint(["verdict_id"], ["verdict.id"], name=op.f("fk_clue_verdict_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_clue")),
        sa.UniqueConstraint(
            "platform",
            "target_kind",
            "target_native_id",
            name=op.f("uq_clue_platform_target_kind_target_native_id"),
        ),
    )
    op.create_index(op.f("ix_clue_account_id"), "clue", ["account_id"], unique=False)
    op.create_index(op.f("ix_clue_post_id"), "clue", ["post_id"], unique=False)
    op.create_index("ix_clue_state_score", "clue", ["state", "score", "id"], unique=False)
    _index_open_clues()


def _index_open_clues() -> None:
    for name, columns in (
        ("ix_clue_open", ["band", "score", "id"]),
        ("ix_clue_open_newest", ["id"]),
        ("ix_clue_open_score", ["score", "id"]),
    ):
        op.create_index(name, "clue", columns, unique=False, sqlite_where=OPEN_CLUES, postgresql_where=OPEN_CLUES)


def _create_contact_use() -> None:
    op.create_table(
        "contact_use",
        sa.Column("id", BIG_ID, autoincrement=True, nullable=False),
        sa.Column("contact_id", BIG_ID, nullable=False),
        sa.Column("revision_id", BIG_ID, nullable=False),
        sa.Column("verdict_id", BIG_ID, nullable=False),
        sa.Column("field", sa.Text(), nullable=False),
        sa.Column("start", sa.Integer(), nullable=False),
        sa.Column("end", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["contact_id"], ["contact.id"], name=op.f("fk_contact_use_contact_id")),
        sa.ForeignKeyConstraint(["revision_id"], ["post_revision.id"], name=op.f("fk_contact_use_revision_id")),
        sa.ForeignKeyConstraint(["verdict_id"], ["verdict.id"], name=op.f("fk_contact_use_verdict_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_contact_use")),
        sa.UniqueConstraint(
            "contact_id",
            "verdict_id",
            "field",
            "start",
            name=op.f("uq_contact_use_contact_id_verdict_id_field_start"),
        ),
    )
    op.create_index(op.f("ix_contact_use_revision_id"), "contact_use", ["revision_id"], unique=False)
    op.create_index(op.f("ix_contact_use_verdict_id"), "contact_use", ["verdict_id"], unique=False)


def _create_cluster_member() -> None:
    op.create_table(
        "cluster_member",
        sa.Column("id", BIG_ID, autoincrement=True, nullable=False),
        sa.Column("cluster_id", BIG_ID, nullable=False),
        sa.Column("clue_id", BIG_ID, nullable=False),
        sa.ForeignKeyConstraint(["clue_id"], ["clue.id"], name=op.f("fk_cluster_member_clue_id")),
        sa.ForeignKeyConstraint(["cluster_id"], ["cluster.id"], name=op.f("fk_cluster_member_cluster_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_cluster_member")),
        sa.UniqueConstraint("clue_id", name=op.f("uq_cluster_member_clue_id")),
    )
    op.create_index(op.f("ix_cluster_member_cluster_id"), "cluster_member", ["cluster_id"], unique=False)


def _create_decision() -> None:
    op.create_table(
        "decision",
        sa.Column("id", BIG_ID, autoincrement=True, nullable=False),
        sa.Column("clue_id", BIG_ID, nullable=False),
        sa.Column("clue_version", sa.Integer(), nullable=False),
        sa.Column("event", sa.Text(), nullable=False),
        sa.Column("state_from", sa.Text(), nullable=False),
        sa.Column("state_to", sa.Text(), nullable=False),
        sa.Column("category", sa.Text(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("of_clue_id", BIG_ID, nullable=True),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("via", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("verdict_id", BIG_ID, nullable=True),
        sa.Column("reverts_id", BIG_ID, nullable=True),
        sa.Column("simulated", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["clue_id"], ["clue.id"], name=op.f("fk_decision_clue_id")),
        sa.ForeignKeyConstraint(["of_clue_id"], ["clue.id"], name=op.f("fk_decision_of_clue_id")),
        sa.ForeignKeyConstraint(["reverts_id"], ["decision.id"], name=op.f("fk_decision_reverts_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_decision")),
    )
    op.create_index(op.f("ix_decision_clue_id"), "decision", ["clue_id"], unique=False)


def _create_judgement() -> None:
    op.create_table(
        "judgement",
        sa.Column("id", BIG_ID, autoincrement=True, nullable=False),
        sa.Column("clue_a", BIG_ID, nullable=False),
        sa.Column("clue_b", BIG_ID, nullable=False),
        sa.Column("judgement", sa.Text(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("superseded_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["clue_a"], ["clue.id"], name=op.f("fk_judgement_clue_a")),
        sa.ForeignKeyConstraint(["clue_b"], ["clue.id"], name=op.f("fk_judgement_clue_b")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_judgement")),
    )
    op.create_index(op.f("ix_judgement_clue_b"), "judgement", ["clue_b"], unique=False)
    op.create_index("ix_judgement_pair", "judgement", ["clue_a", "clue_b"], unique=False)


def _create_suggestion() -> None:
    op.create_table(
        "suggestion",
        sa.Column("id", BIG_ID, autoincrement=True, nullable=False),
        sa.Column("clue_a", BIG_ID, nullable=False),
        sa.Column("clue_b", BIG_ID, nullable=False),
        sa.Column("basis", sa.Text(), nullable=False),
        sa.Column("score", sa.Float(), nullable=False),
        sa.Column("evidence", sa.JSON(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["clue_a"], ["clue.id"], name=op.f("fk_suggestion_clue_a")),
        sa.ForeignKeyConstraint(["clue_b"], ["clue.id"], name=op.f("fk_suggestion_clue_b")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_suggestion")),
        sa.UniqueConstraint("clue_a", "clue_b", "basis", name=op.f("uq_suggestion_clue_a_clue_b_basis")),
    )
    op.create_index(op.f("ix_suggestion_clue_b"), "suggestion", ["clue_b"], unique=False)


def _create_text_band() -> None:
    op.create_table(
        "text_band",
        sa.Column("key", BIG_ID, nullable=False),
        sa.Column("band", sa.SmallInteger(), nullable=False),
        sa.Column("clue_id", BIG_ID, nullable=False),
        sa.ForeignKeyConstraint(["clue_id"], ["clue.id"], name=op.f("fk_text_band_clue_id")),
        sa.PrimaryKeyConstraint("key", "band", "clue_id", name=op.f("pk_text_band")),
    )
    op.create_index(op.f("ix_text_band_clue_id"), "text_band", ["clue_id"], unique=False)
