"""What clue updates read: clues with everything their next step depends on, and the live verdicts on their targets.

A verdict is live when it is of the ruleset in force and on the current revision of its post; about a comment below
that post it speaks only while it has judged the comment's current revision.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from storage.records import Band, Json, TargetKind
from storage.tables import clue, decision, post, post_revision, submission, verdict
from storage.transitions.submission import BEYOND_DRAFT

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from sqlalchemy.engine import Connection, Row

Key = tuple[str, str, str]
"""Platform, target kind, native id: a clue's key."""

RANK = {Band.CLEAR: 0, Band.UNSURE: 1, Band.FLAGGED: 2}
"""Order of the bands, the weightiest last."""


def known_clues(conn: Connection, ruleset: str, wanted: sa.ColumnElement[bool]) -> Sequence[Row[Any]]:
    """Return clues, locked, with all their next step depends on.

    That is: the present verdict on the target's own row (of an account: on the post where it was found), that row
    itself, and what the last row of the ledger was about.
    """
    shown, present, seen = verdict.alias("shown"), verdict.alias("present"), verdict.alias("seen")
    found_on, target = post.alias("found_on"), post.alias("target")
    last, judged = decision.alias("last"), post_revision.alias("judged")
    present_revision = sa.func.coalesce(target.c.current_revision_id, found_on.c.current_revision_id)
    newest = sa.select(sa.func.max(decision.c.id)).where(decision.c.clue_id == clue.c.id).correlate(clue)
    query = (
        sa.select(
            clue,
            shown.c.revision_id.label("shown_revision_id"),
            present.c.id.label("present_id"),
            present.c.score.label("present_score"),
            present.c.band.label("present_band"),
            sa.func.coalesce(target.c.id, found_on.c.id).label("present_post_id"),
            target.c.id.label("target_post_id"),
            target.c.parent_post_id.label("target_parent_id"),
            target.c.current_revision_id.label("target_revision_id"),
            last.c.reason.label("last_reason"),
            seen.c.comments.label("judged_comments"),
            judged.c.id.label("judged_id"),
            judged.c.post_id.label("judged_post_id"),
            judged.c.is_full.label("judged_is_full"),
            judged.c.author_name.label("judged_name"),
            judged.c.author_bio.label("judged_bio"),
            judged.c.seen_at.label("judged_at"),
        )
        .select_from(clue)
        .join(shown, shown.c.id == clue.c.verdict_id)
        .join(found_on, found_on.c.id == clue.c.post_id)
        .outerjoin(
            target,
            sa.and_(
                target.c.platform == clue.c.platform,
                target.c.native_id == clue.c.target_native_id,
                clue.c.target_kind != TargetKind.ACCOUNT.value,
            ),
        )
        .outerjoin(
            present,
            sa.and_(present.c.revision_id == present_revision, present.c.ruleset == ruleset),
        )
        .outerjoin(last, last.c.id == newest.scalar_subquery())
        .outerjoin(seen, seen.c.id == last.c.verdict_id)
        .outerjoin(judged, judged.c.id == seen.c.revision_id)
        .where(wanted)
        .order_by(clue.c.id)
        .with_for_update(of=clue)
    )
    return conn.execute(query).all()


def live_hits(conn: Connection, ruleset: str, rows: Sequence[Row[Any]]) -> dict[Key, Row[Any]]:
    """Return the best live verdict on each clue's target, of those that name it."""
    known = {(row.platform, row.target_kind, row.target_native_id): row for row in rows}
    best: dict[Key, Row[Any]] = {}
    for hit in sorted(_verdicts_around(conn, ruleset, rows), key=_order):
        key = target_key(hit.platform, hit.kind, hit.target or {})
        if key in known and _speaks(hit, known[key]):
            best.setdefault(key, hit)
    return best


def hit_order(band: Band, score: float, *, own: bool, post_id: int) -> tuple[float, ...]:
    """Return the sort key that puts the best of several hits first: band, score, then the target's own row."""
    return -RANK[band], -score, not own, post_id


def _order(hit: Row[Any]) -> tuple[float, ...]:
    own = (hit.target or {}).get("native_id") == hit.native_id
    return hit_order(Band(hit.band), hit.score, own=own, post_id=hit.post_id)


def _speaks(hit: Row[Any], row: Row[Any]) -> bool:
    """Return whether a verdict about a comment has judged the comment as it stands now."""
    if row.target_kind != TargetKind.COMMENT or hit.post_id == row.target_post_id:
        return True
    return row.target_revision_id in hit.comments


def _verdicts_around(conn: Connection, ruleset: str, rows: Sequence[Row[Any]]) -> Sequence[Row[Any]]:
    """Return the verdicts, clear ones apart, on the clues' targets, the posts above them and their accounts."""
    places = {number for row in rows for number in (row.target_post_id, row.target_parent_id) if number}
    accounts = {row.account_id for row in rows if row.target_kind == TargetKind.ACCOUNT}
    if not rows:
        return []
    query = (
        sa.select(
            verdict.c.id,
            verdict.c.score,
            verdict.c.band,
            verdict.c.categories,
            verdict.c.target,
            verdict.c.comments,
            verdict.c.revision_id,
            post.c.id.label("post_id"),
            post.c.platform,
            post.c.native_id,
            post.c.kind,
            post_revision.c.author_name,
            post_revision.c.author_bio,
            post_revision.c.seen_at,
        )
        .join_from(post, verdict, verdict.c.revision_id == post.c.current_revision_id)
        .join(post_revision, post_revision.c.id == verdict.c.revision_id)
        .where(verdict.c.ruleset == ruleset, verdict.c.band != Band.CLEAR.value)
        .where(sa.or_(post.c.id.in_(places), post.c.account_id.in_(accounts)))
    )
    return list(conn.execute(query))


def target_key(platform: str, kind: str, target: Json) -> Key:
    """Return the key of the clue that a stored verdict's target makes; ``kind`` is that of the row it judged.

    The target ``post`` of a comment's own row is that comment, the same that a verdict on the post above it names.
    """
    own = target.get("kind") == TargetKind.POST and kind == "comment"
    return platform, TargetKind.COMMENT.value if own else str(target.get("kind")), str(target.get("native_id"))


def stale_clues(conn: Connection, ruleset: str, *, after: int, limit: int) -> list[int]:
    """Return the next clues, by id, whose shown verdict is no longer live."""
    target, text = post.alias("target"), post_revision.alias("text")
    edited = (
        sa.select(sa.literal(1))
        .select_from(target.join(text, text.c.id == target.c.current_revision_id))
        .where(
            target.c.platform == clue.c.platform,
            target.c.native_id == clue.c.target_native_id,
            target.c.id != clue.c.post_id,
            text.c.seen_at > verdict.c.created_at,
        )
        .correlate(clue, verdict)
    )
    query = (
        sa.select(clue.c.id)
        .join(verdict, verdict.c.id == clue.c.verdict_id)
        .join(post, post.c.id == clue.c.post_id)
        .where(clue.c.id > after)
        .where(
            sa.or_(
                verdict.c.ruleset != ruleset,
                verdict.c.revision_id != post.c.current_revision_id,
                sa.and_(clue.c.target_kind == TargetKind.COMMENT.value, sa.exists(edited)),
            )
        )
        .order_by(clue.c.id)
        .limit(limit)
    )
    return list(conn.execute(query).scalars())


def frozen_clues(conn: Connection, clue_ids: Collection[int]) -> set[int]:
    """Return the clues whose submission is on its way; a closed one no longer holds its clue."""
    states = [state.value for state in BEYOND_DRAFT]
    query = sa.select(submission.c.clue_id).where(
        submission.c.clue_id.in_(clue_ids), submission.c.state.in_(states)
    )
    return set(conn.execute(query).scalars())
