"""What a profile says, carried to the notes of its account: a revision holds the writer's bio (contracts §5)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import sqlalchemy as sa

from storage.posts import hash_of
from storage.tables import account, post, post_revision
from storage.upsert import insert_new

if TYPE_CHECKING:
    from sqlalchemy.engine import Connection, Row

    from storage.engine import Unit
    from storage.records import Json

MAX_POSTS = 90
"""Posts of one account that get its bio in one unit: two rows each."""

_COPIED = (
    "title",
    "text",
    "author_name",
    "verified",
    "verified_as",
    "parent",
    "own_comments",
    "images",
    "is_full",
    "capture_id",
)


def known_bio(conn: Connection, platform: str, native_id: str) -> str:
    """Return the bio that an account was last seen with, "" where none is known."""
    found = conn.execute(
        sa.select(account.c.bio).where(account.c.platform == platform, account.c.native_id == native_id)
    ).scalar()
    return found or ""


def carry_bio(unit: Unit, *, platform: str, native_id: str, run_id: int | None) -> tuple[int, int]:
    """Give the current revisions of an account's posts the bio it now has; return (completed, changed).

    A revision that had no bio is completed, which is no edit; one that had another bio has changed. Comments keep
    theirs. Doing it twice changes nothing.
    """
    rows = unit.conn.execute(
        sa.select(post.c.id.label("post_row"), account.c.bio.label("new_bio"), post_revision)
        .join_from(post, account, account.c.id == post.c.account_id)
        .join(post_revision, post_revision.c.id == post.c.current_revision_id)
        .where(
            account.c.platform == platform,
            account.c.native_id == native_id,
            account.c.bio != "",
            post.c.parent_post_id.is_(None),
            post_revision.c.author_bio != account.c.bio,
        )
        .order_by(post.c.id.desc())
        .limit(MAX_POSTS)
    ).all()
    for row in rows:
        unit.conn.execute(
            sa.update(post).where(post.c.id == row.post_row).values(current_revision_id=_copy(unit, row, run_id))
        )
    changed = sum(bool(row.author_bio) for row in rows)
    return len(rows) - changed, changed


def _copy(unit: Unit, row: Row[tuple[object, ...]], run_id: int | None) -> int:
    own = [comment["text"] for comment in row.own_comments]
    digest = hash_of(row.title, row.text, row.author_name, bio=row.new_bio, own=own, images=row.images)
    values: Json = {name: getattr(row, name) for name in _COPIED}
    values |= {"post_id": row.post_row, "content_hash": digest, "author_bio": row.new_bio}
    values |= {"seen_at": unit.now, "run_id": run_id}
    made = insert_new(unit.conn, post_revision, values)
    if made is not None:
        return made
    same = (post_revision.c.post_id == row.post_row) & (post_revision.c.content_hash == digest)
    return int(unit.conn.execute(sa.select(post_revision.c.id).where(same)).scalar_one())
