"""Everything about one clue on one page, in a constant number of statements.

What is shown is what the machine judged: the revision and the comments of the verdict, so that spans of findings
and contacts point into exactly these texts.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from storage.clues import clue_line, get_clue
from storage.contacts import contacts_of_verdict, open_contacts
from storage.decisions import clue_history, decision_line
from storage.post_reads import iso
from storage.records import public_id
from storage.tables import account, capture, clue, cluster_member, post, post_revision
from storage.verdicts import get_verdict

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from sqlalchemy.engine import Connection, Row

    from storage.clues import ClueRow
    from storage.records import Json
    from storage.sealing import Sealer

MAX_CAPTURES = 20


def clue_details(
    conn: Connection, clue_id: int, *, sealer: Sealer | None = None, now: datetime | None = None
) -> Json:
    """Return the clue's line with its details; times are ISO 8601.

    ``content`` is the judged row (``stale``: edited since), ``above`` the post over a judged comment,
    ``comments`` those judged below a post, by the index that field names use (``own``: by the post's author;
    ``target``: what the clue points to), ``verdict`` with findings, ``contacts`` masked, with their values only
    when a ``sealer`` is given, ``cluster_members`` the ids of all clues in its cluster, ``decisions`` the ledger,
    ``captures`` the newest :data:`MAX_CAPTURES`.

    Raises:
        NotFoundError: there is no such clue.
    """
    row = get_clue(conn, clue_id)
    verdict = get_verdict(conn, row.verdict_id)
    judged = _judged(conn, verdict["revision_id"])
    return {
        **clue_line(row, now=now),
        "category": row.category,
        "decided_by": row.decided_by,
        "decided_at": iso(row.decided_at),
        "created_at": iso(row.created_at),
        "updated_at": iso(row.updated_at),
        "screenshot": row.screenshot_sha256,
        "content": _content(judged),
        "above": _above(judged),
        "comments": _comments(conn, row, judged, verdict["comments"]),
        "verdict": _verdict(verdict),
        "contacts": _contacts(conn, row.verdict_id, sealer),
        "cluster_members": _members(conn, row.cluster_id),
        "decisions": [decision_line(entry) for entry in clue_history(conn, row.id)],
        "captures": _captures(conn, row, [judged.post_id, judged.parent_post_id]),
    }


def _judged(conn: Connection, revision_id: int) -> Row[Any]:
    above, text_above = post.alias("above"), post_revision.alias("text_above")
    return conn.execute(
        sa.select(
            post_revision,
            *(post.c[name] for name in ("platform", "native_id", "kind", "url", "account_id", "parent_post_id")),
            *(post.c[name] for name in ("published_at", "first_seen", "last_seen", "ip_region", "metrics")),
            post.c.current_revision_id,
            account.c.native_id.label("account_native_id"),
            account.c.handle,
            account.c.url.label("account_url"),
            above.c.native_id.label("above_native_id"),
            above.c.url.label("above_url"),
            text_above.c.title.label("above_title"),
            text_above.c.text.label("above_text"),
            text_above.c.author_name.label("above_author"),
        )
        .join_from(post_revision, post, post.c.id == post_revision.c.post_id)
        .outerjoin(account, account.c.id == post.c.account_id)
        .outerjoin(above, above.c.id == post.c.parent_post_id)
        .outerjoin(text_above, text_above.c.id == above.c.current_revision_id)
        .where(post_revision.c.id == revision_id)
    ).one()


def _content(row: Row[Any]) -> Json:
    return {
        "post": f"{row.platform}:{row.native_id}",
        "kind": row.kind,
        "url": row.url,
        "title": row.title,
        "text": row.text,
        "parent": row.parent,
        "author": {
            "id": row.account_native_id,
            "handle": row.handle,
            "name": row.author_name,
            "bio": row.author_bio,
            "verified": row.verified,
            "verified_as": row.verified_as,
            "url": row.account_url,
        },
        "images": row.images,
        "metrics": row.metrics,
        "ip_region": row.ip_region,
        "published_at": iso(row.published_at),
        "first_seen": iso(row.first_seen),
        "last_seen": iso(row.last_seen),
        "sha256": row.content_hash,
        "seen_at": iso(row.seen_at),
        "stale": row.current_revision_id != row.id,
    }


def _above(row: Row[Any]) -> Json | None:
    if row.above_native_id is None:
        return None
    return {
        "post": f"{row.platform}:{row.above_native_id}",
        "url": row.above_url,
        "title": row.above_title or "",
        "text": row.above_text or "",
        "author": row.above_author or "",
    }


def _comments(conn: Connection, row: ClueRow, judged: Row[Any], revision_ids: Sequence[int]) -> list[Json]:
    """Return the judged comments; one whose text was erased since keeps its index."""
    found = conn.execute(
        sa.select(
            post_revision.c.id,
            post_revision.c.text,
            post_revision.c.author_name,
            post_revision.c.author_bio,
            *(post.c[name] for name in ("native_id", "reply_to", "url", "published_at", "account_id")),
        )
        .join_from(post_revision, post, post.c.id == post_revision.c.post_id)
        .where(post_revision.c.id.in_(revision_ids))
    )
    known = {one.id: one for one in found}
    return [
        {
            "index": index,
            "native_id": one.native_id,
            "reply_to": one.reply_to,
            "url": one.url,
            "text": one.text,
            "author": {"name": one.author_name, "bio": one.author_bio},
            "published_at": iso(one.published_at),
            "own": one.account_id is not None and one.account_id == judged.account_id,
            "target": row.target_kind == "comment" and one.native_id == row.target_native_id,
        }
        for index, number in enumerate(revision_ids)
        if (one := known.get(number)) is not None
    ]


def _verdict(values: Json) -> Json:
    names = ("ruleset", "band", "label", "score", "bias", "categories", "target", "findings")
    return {name: values[name] for name in names} | {"created_at": iso(values["created_at"])}


def _contacts(conn: Connection, verdict_id: int, sealer: Sealer | None) -> list[Json]:
    uses = contacts_of_verdict(conn, verdict_id)
    values = open_contacts(conn, {use.contact_id for use in uses}, sealer) if sealer and uses else {}
    return [
        {
            "contact": use.contact_id,
            "kind": use.kind,
            "masked": use.masked,
            "field": use.field,
            "start": use.start,
            "end": use.end,
            **({"value": values[use.contact_id]} if use.contact_id in values else {}),
        }
        for use in uses
    ]


def _members(conn: Connection, cluster_id: int | None) -> list[str]:
    if cluster_id is None:
        return []
    query = sa.select(cluster_member.c.clue_id).where(cluster_member.c.cluster_id == cluster_id)
    return [public_id("clue", number) for number in sorted(conn.execute(query).scalars())]


def _captures(conn: Connection, row: ClueRow, post_ids: Sequence[int | None]) -> list[Json]:
    read = sa.select(post_revision.c.capture_id).where(post_revision.c.post_id.in_(post_ids))
    shot = sa.select(clue.c.screenshot_capture_id).where(clue.c.id == row.id)
    found = conn.execute(
        sa.select(capture)
        .where(sa.or_(capture.c.id.in_(read), capture.c.id.in_(shot)))
        .order_by(capture.c.at.desc(), capture.c.id.desc())
        .limit(MAX_CAPTURES)
    )
    return [
        {
            "capture": public_id("capture", one.id),
            "kind": one.kind,
            "url": one.url,
            "at": iso(one.at),
            "method": one.method,
            "status": one.status,
            "sha256": one.sha256,
            "size": one.size,
            "why_none": one.why_none,
        }
        for one in found
    ]
