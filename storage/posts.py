"""Posts, their comments and their immutable revisions.

A post is a row with a current revision; an edit adds a revision. Comments are rows of their own below a post. The
author's own comments count as part of the post's content, those of other people do not.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import sqlalchemy as sa

from storage.accounts import see_account
from storage.post_reads import comments_of, count_posts, get_post, list_posts, post_details
from storage.records import PostFacts
from storage.tables import post, post_revision
from storage.text import clean_json, clean_text
from storage.upsert import insert_new

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from sqlalchemy.engine import Connection, Row

    from storage.engine import Unit
    from storage.records import AccountFacts, CommentFacts, Json

    _Known = Row[tuple[object, ...]] | None

__all__ = [
    "comments_of",
    "content_hash",
    "count_posts",
    "get_post",
    "hash_of",
    "last_reading",
    "list_posts",
    "own_comments",
    "post_details",
    "store_comment_of",
    "store_comments",
    "store_post",
]

NEW, CHANGED, SEEN = "new", "changed", "seen"

# The statements of every stored post, made once: building them takes longer than running them.
_FIND = (
    sa.select(post, post_revision.c.content_hash, post_revision.c.is_full)
    .join_from(post, post_revision, post_revision.c.id == post.c.current_revision_id, isouter=True)
    .where(post.c.platform == sa.bindparam("platform_"), post.c.native_id == sa.bindparam("native_id_"))
)
_SET_CURRENT = (
    sa.update(post)
    .where(post.c.id == sa.bindparam("post_id_"))
    .values(current_revision_id=sa.bindparam("revision_id_"))
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sighting:
    """Where and when a post was seen."""

    source: str
    seen_at: datetime
    capture_id: int | None = None
    run_id: int | None = None
    parent_post_id: int | None = None
    reply_to: str | None = None


def store_post(
    unit: Unit,
    facts: PostFacts,
    *,
    source: str,
    capture_id: int | None = None,
    run_id: int | None = None,
    seen_at: datetime | None = None,
    with_comments: bool = True,
) -> str:
    """Store one reading of a post with its comments and accounts; return ``new``, ``changed`` or ``seen``.

    ``seen_at`` defaults to the unit's time. A poorer reading (``full=False``) never replaces a fuller one, a fuller
    one replaces a poorer without counting as an edit, and a reading older than the last one never becomes current.
    Storing the same reading twice changes nothing. Without ``with_comments`` the caller stores those in chunks.
    """
    above = _find(unit, facts.platform, clean_text(facts.parent_native_id)) if facts.parent_native_id else None
    sighting = Sighting(
        source=source,
        seen_at=seen_at or unit.now,
        capture_id=capture_id,
        run_id=run_id,
        parent_post_id=int(above.id) if above is not None else None,
    )
    known = _find(unit, facts.platform, clean_text(facts.native_id))
    post_id, result = _store(unit, facts, sighting, known)
    if with_comments:
        _store_comments(unit, facts, facts.comments, post_id, sighting)
    return result


def store_comments(
    unit: Unit,
    facts: PostFacts,
    comments: Sequence[CommentFacts],
    *,
    source: str,
    capture_id: int | None = None,
    run_id: int | None = None,
    seen_at: datetime | None = None,
) -> None:
    """Store some of the comments of a post that :func:`store_post` has stored."""
    found = _find(unit, facts.platform, clean_text(facts.native_id))
    assert found is not None  # noqa: S101 - the caller stored it
    sighting = Sighting(source=source, seen_at=seen_at or unit.now, capture_id=capture_id, run_id=run_id)
    _store_comments(unit, facts, comments, int(found.id), sighting)


def store_comment_of(
    unit: Unit, platform: str, post_native_id: str, comment: CommentFacts, *, source: str
) -> str | None:
    """Store a comment that came alone; return ``new``, ``changed`` or ``seen``, None where its post is missing."""
    found = _find(unit, platform, clean_text(post_native_id))
    if found is None:
        return None
    above = _find(unit, platform, clean_text(comment.parent)) if comment.parent else found
    shown = unit.conn.execute(
        sa.select(post_revision.c.title, post_revision.c.text).where(
            post_revision.c.id == (above or found).current_revision_id
        )
    ).first()
    context = "\n".join(part for part in shown if part) if shown else ""
    holder = PostFacts(
        platform=platform, native_id=found.native_id, kind="comment", url=found.url, author=comment.author
    )
    sighting = Sighting(source=source, seen_at=unit.now, parent_post_id=int(found.id), reply_to=comment.parent)
    row, known = _own_row(unit, holder, comment, int(found.id), context)
    return _store(unit, row, sighting, known)[1]


def _store_comments(
    unit: Unit, facts: PostFacts, comments: Sequence[CommentFacts], post_id: int, sighting: Sighting
) -> None:
    answered = {comment.native_id: comment.text for comment in facts.comments}
    context = "\n".join(part for part in (facts.title, facts.text) if part)
    for comment in comments:
        parent = answered.get(comment.parent or "", context)
        below = replace(sighting, parent_post_id=post_id, reply_to=comment.parent)
        row, known = _own_row(unit, facts, comment, post_id, parent)
        _store(unit, row, below, known)


def last_reading(conn: Connection, platform: str, native_id: str) -> Json | None:
    """Return ``{first_seen, own_comments, is_full}`` of a post's current revision, None where there is no post."""
    row = conn.execute(
        sa.select(post.c.first_seen, post_revision.c.own_comments, post_revision.c.is_full)
        .join_from(post, post_revision, post_revision.c.id == post.c.current_revision_id)
        .where(post.c.platform == platform, post.c.native_id == native_id)
    ).first()
    return None if row is None else {name: getattr(row, name) for name in row._fields}


def content_hash(facts: PostFacts) -> str:
    """Return the SHA-256 over what a revision is: title, text, nickname, bio, own comments, images."""
    own = [comment["text"] for comment in own_comments(facts)]
    return hash_of(facts.title, facts.text, facts.author.name, bio=facts.author.bio, own=own, images=facts.images)


def hash_of(title: str, text: str, name: str, *, bio: str, own: Sequence[str], images: Sequence[str]) -> str:
    """Return the hash of a revision's content; ``own`` are the texts of the author's own comments by id."""
    content = [title, text, name, bio, list(own), list(images)]
    return hashlib.sha256(json.dumps(clean_json(content), ensure_ascii=False).encode()).hexdigest()


def own_comments(facts: PostFacts) -> list[Json]:
    """Return the author's own comments as ``{native_id, text}`` by id: pages show them in changing order."""
    own = [comment for comment in facts.comments if _same_account(comment.author, facts.author)]
    return [
        {"native_id": comment.native_id, "text": comment.text}
        for comment in sorted(own, key=lambda comment: comment.native_id)
    ]


def _same_account(one: AccountFacts, other: AccountFacts) -> bool:
    if one.native_id or other.native_id:
        return one.native_id == other.native_id
    return bool(one.name) and one.name == other.name


def _own_row(
    unit: Unit, facts: PostFacts, comment: CommentFacts, post_id: int, parent: str
) -> tuple[PostFacts, _Known]:
    """Return a comment as the facts of its row, and the row of that id where there is one.

    Some exports number the comments of each post from 1: an id that is taken gets the post's before it.
    """
    native_id = clean_text(comment.native_id)
    found = _find(unit, facts.platform, native_id)
    if found is not None and found.parent_post_id != post_id:
        native_id = f"{clean_text(facts.native_id)}#{native_id}"
        found = _find(unit, facts.platform, native_id)
    row = replace(
        facts,
        native_id=native_id,
        kind="comment",
        author=comment.author,
        title="",
        text=comment.text,
        parent=parent,
        comments=(),
        images=(),
        metrics={},
        ip_region=None,
        published_at=comment.published_at,
    )
    return row, found


def _store(unit: Unit, facts: PostFacts, sighting: Sighting, known: _Known) -> tuple[int, str]:
    account_id = see_account(
        unit, facts.platform, facts.author, seen_at=sighting.seen_at, capture_id=sighting.capture_id
    )
    if known is None:
        post_id = _add(unit, facts, sighting, account_id)
        if post_id is not None:
            return post_id, NEW
        known = _find(unit, facts.platform, clean_text(facts.native_id))  # another process was first
        assert known is not None  # noqa: S101 - its key is why nothing was inserted
    return int(known.id), _update(unit, known, facts, sighting, account_id)


def _find(unit: Unit, platform: str, native_id: str) -> _Known:
    return unit.conn.execute(_FIND, {"platform_": platform, "native_id_": native_id}).first()


def _add(unit: Unit, facts: PostFacts, sighting: Sighting, account_id: int | None) -> int | None:
    values = {
        "platform": facts.platform,
        "native_id": facts.native_id,
        "kind": facts.kind,
        "source": sighting.source,
        "url": facts.url,
        "account_id": account_id,
        "parent_post_id": sighting.parent_post_id,
        "reply_to": sighting.reply_to,
        "first_seen": sighting.seen_at,
        "last_seen": sighting.seen_at,
        "published_at": facts.published_at,
        "ip_region": facts.ip_region,
        "metrics": dict(facts.metrics),
    }
    post_id = insert_new(unit.conn, post, values)
    if post_id is not None:
        _set_current(unit, post_id, _add_revision(unit, post_id, facts, sighting))
    return post_id


def _update(
    unit: Unit,
    known: Row[tuple[object, ...]],
    facts: PostFacts,
    sighting: Sighting,
    account_id: int | None,
) -> str:
    seen: Json = {"first_seen": min(known.first_seen, sighting.seen_at)}
    newer = sighting.seen_at >= known.last_seen
    if newer:
        seen |= {"last_seen": sighting.seen_at, "metrics": {**known.metrics, **facts.metrics}}
        shown: Json = {"url": facts.url, "account_id": account_id, "ip_region": facts.ip_region}
        shown |= {"published_at": facts.published_at, "parent_post_id": sighting.parent_post_id}
        seen |= {name: value for name, value in shown.items() if value is not None}
    changed = {name: value for name, value in seen.items() if value != getattr(known, name)}
    if changed:
        unit.conn.execute(sa.update(post).where(post.c.id == known.id).values(**changed))
    digest = content_hash(facts)
    if known.content_hash == digest and known.is_full >= facts.full:
        return SEEN
    return _revise(unit, known, facts, replace(sighting), newer=newer)


def _revise(
    unit: Unit, known: Row[tuple[object, ...]], facts: PostFacts, sighting: Sighting, *, newer: bool
) -> str:
    """Add a revision where the reading is worth one; only a newer reading becomes the current one."""
    if known.is_full and not facts.full:
        return SEEN
    revision_id = _add_revision(unit, known.id, facts, sighting)
    fuller = facts.full and not known.is_full
    if not newer and not fuller:
        return SEEN
    _set_current(unit, known.id, revision_id)
    return SEEN if fuller else CHANGED


def _set_current(unit: Unit, post_id: int, revision_id: int) -> None:
    unit.conn.execute(_SET_CURRENT, {"post_id_": post_id, "revision_id_": revision_id})


def _add_revision(unit: Unit, post_id: int, facts: PostFacts, sighting: Sighting) -> int:
    digest = content_hash(facts)
    values = {
        "post_id": post_id,
        "content_hash": digest,
        "title": facts.title,
        "text": facts.text,
        "author_name": facts.author.name,
        "author_bio": facts.author.bio,
        "verified": facts.author.verified,
        "verified_as": facts.author.verified_as,
        "parent": facts.parent,
        "own_comments": own_comments(facts),
        "images": list(facts.images),
        "is_full": facts.full,
        "seen_at": sighting.seen_at,
        "capture_id": sighting.capture_id,
        "run_id": sighting.run_id,
    }
    made = insert_new(unit.conn, post_revision, values)
    if made is not None:
        return made
    same = (post_revision.c.post_id == post_id) & (post_revision.c.content_hash == digest)
    row = unit.conn.execute(sa.select(post_revision.c.id, post_revision.c.is_full).where(same)).one()
    if facts.full and not row.is_full:  # the list showed all there is
        unit.conn.execute(sa.update(post_revision).where(same).values(is_full=True))
    return int(row.id)
