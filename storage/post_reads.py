"""Reading posts back: lists, details, the comments below a post."""

from __future__ import annotations

from typing import TYPE_CHECKING

import sqlalchemy as sa

from storage.tables import account, post, post_revision

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime

    from sqlalchemy.engine import Connection, RowMapping

    from storage.records import Json

_TOP = sa.or_(post.c.kind != "comment", post.c.parent_post_id.is_(None))
"""Posts in lists and counts: all but the comments stored below a post."""

_PAGE = 500


def get_post(conn: Connection, key: str) -> Json | None:
    """Return the list line of one post (or comment) by ``platform:native_id``, or None."""
    row = _row(conn, key)
    return None if row is None else _line(row)


def current_words(conn: Connection, platform: str, native_id: str) -> tuple[str, str] | None:
    """Return title and text of a post (or comment) as they were last read, None where it is not stored."""
    query = (
        sa.select(post_revision.c.title, post_revision.c.text)
        .join_from(post, post_revision, post_revision.c.id == post.c.current_revision_id)
        .where(post.c.platform == platform, post.c.native_id == native_id)
    )
    row = conn.execute(query).first()
    return None if row is None else (row.title, row.text)


def list_posts(
    conn: Connection,
    *,
    limit: int = 50,
    after: int | None = None,
    platform: str | None = None,
    source: str | None = None,
) -> Iterator[Json]:
    """Yield the lines of posts, the newest row first; ``limit`` 0 = all, ``after`` a row id to go on below."""
    left = limit or None
    while left is None or left > 0:
        size = _PAGE if left is None else min(left, _PAGE)
        rows = conn.execute(_page(after, platform, source).limit(size)).mappings().all()
        yield from (_line(row) for row in rows)
        if len(rows) < size:
            return
        after = rows[-1]["row_id"]
        left = None if left is None else left - size


def count_posts(conn: Connection, *, source: str | None = None) -> Json:
    """Return ``{posts, revisions, by_platform}``, comments below posts left out."""
    where = _TOP if source is None else sa.and_(_TOP, post.c.source == source)
    by_platform = conn.execute(
        sa.select(post.c.platform, sa.func.count()).where(where).group_by(post.c.platform).order_by(post.c.platform)
    ).all()
    revisions = conn.execute(
        sa.select(sa.func.count())
        .select_from(post_revision.join(post, post.c.id == post_revision.c.post_id))
        .where(where)
    ).scalar_one()
    counted = {platform: count for platform, count in by_platform}  # noqa: C416 - rows, not pairs
    return {"posts": sum(counted.values()), "revisions": revisions, "by_platform": counted}


def post_details(conn: Connection, key: str) -> Json | None:
    """Return a post's line with comments, metrics, images, parent and the times of its revisions, or None."""
    row = _row(conn, key)
    if row is None:
        return None
    revisions = conn.execute(
        sa.select(post_revision.c.content_hash, post_revision.c.seen_at, post_revision.c.is_full)
        .where(post_revision.c.post_id == row["row_id"])
        .order_by(post_revision.c.seen_at, post_revision.c.id)
    ).all()
    return {
        **_line(row),
        "parent": row["parent"],
        "ip_region": row["ip_region"],
        "comments": [_comment(comment) for comment in comments_of(conn, [row["row_id"]])[row["row_id"]]],
        "metrics": row["metrics"],
        "images": row["images"],
        "captions": [],
        "history": [{"sha256": r.content_hash, "seen_at": iso(r.seen_at), "full": r.is_full} for r in revisions],
    }


def comments_of(conn: Connection, post_ids: Sequence[int]) -> dict[int, list[Json]]:
    """Return the comments below each post in the order in which they were first stored.

    Each is ``{row_id, revision_id, native_id, reply_to, text, author: {id, handle, name, bio}, published_at,
    last_seen}``; an author's name and bio are those of the comment's own revision.
    """
    found: dict[int, list[Json]] = {post_id: [] for post_id in post_ids}
    rows = conn.execute(
        _columns().where(post.c.parent_post_id.in_(post_ids), post.c.kind == "comment").order_by(post.c.id)
    ).mappings()
    for row in rows:
        found[row["parent_post_id"]].append(
            {
                "row_id": row["row_id"],
                "revision_id": row["revision_id"],
                "native_id": row["native_id"],
                "reply_to": row["reply_to"],
                "text": row["text"],
                "author": _author(row),
                "published_at": row["published_at"],
                "last_seen": row["last_seen"],
            }
        )
    return found


def iso(moment: datetime | None) -> str | None:
    """Return a time as ISO 8601 in UTC, None for None."""
    return None if moment is None else moment.isoformat()


def _row(conn: Connection, key: str) -> RowMapping | None:
    platform, _, native_id = key.partition(":")
    return (
        conn.execute(_columns().where(post.c.platform == platform, post.c.native_id == native_id))
        .mappings()
        .first()
    )


def _page(after: int | None, platform: str | None, source: str | None) -> sa.Select[tuple[object, ...]]:
    query = _columns().where(_TOP).order_by(post.c.id.desc())
    if after is not None:
        query = query.where(post.c.id < after)
    if platform is not None:
        query = query.where(post.c.platform == platform)
    return query if source is None else query.where(post.c.source == source)


def _columns() -> sa.Select[tuple[object, ...]]:
    counted = post_revision.alias("counted")
    revisions = (
        sa.select(sa.func.count())
        .select_from(counted)
        .where(counted.c.post_id == post.c.id, counted.c.is_full.is_(True))
        .scalar_subquery()
    )
    revision = [column for column in post_revision.c if column.name not in {"id", "post_id"}]
    return sa.select(
        *(column for column in post.c if column.name != "id"),
        post.c.id.label("row_id"),
        *revision,
        post_revision.c.id.label("revision_id"),
        account.c.native_id.label("account_native_id"),
        account.c.handle.label("account_handle"),
        revisions.label("revisions"),
    ).select_from(
        post.outerjoin(post_revision, post_revision.c.id == post.c.current_revision_id).outerjoin(
            account, account.c.id == post.c.account_id
        )
    )


def _author(row: RowMapping) -> Json:
    return {
        "id": row["account_native_id"],
        "handle": row["account_handle"],
        "name": row["author_name"],
        "bio": row["author_bio"],
    }


def _line(row: RowMapping) -> Json:
    return {
        "post": f"{row['platform']}:{row['native_id']}",
        "platform": row["platform"],
        "native_id": row["native_id"],
        "url": row["url"],
        "source": row["source"],
        "kind": row["kind"],
        "title": row["title"],
        "text": row["text"],
        "author": _author(row),
        "published_at": iso(row["published_at"]),
        "first_seen": iso(row["first_seen"]),
        "last_seen": iso(row["last_seen"]),
        "revisions": max(row["revisions"], 1),  # a fuller reading of a list entry is no edit
    }


def _comment(comment: Json) -> Json:
    return {
        "id": comment["native_id"],
        "author": {name: comment["author"][name] for name in ("id", "name", "bio")},
        "text": comment["text"],
        "parent": comment["reply_to"],
        "published_at": iso(comment["published_at"]),
    }
