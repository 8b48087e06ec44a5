"""Replies: what a platform answered, its own words beside the kind they map to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from storage.records import SubmissionState
from storage.tables import reply, submission
from storage.upsert import insert_new

if TYPE_CHECKING:
    from collections.abc import Collection

    from sqlalchemy.engine import Connection

    from storage.engine import Unit
    from storage.records import Actor, OutcomeKind


def add_reply(
    unit: Unit,
    submission_id: int,
    *,
    file_sha256: str,
    row: int,
    words: str,
    kind: OutcomeKind,
    note: str | None,
    actor: Actor,
) -> int | None:
    """Add one row of a reply file and return its id; None when this row of this file is there already."""
    values = {
        "submission_id": submission_id,
        "file_sha256": file_sha256,
        "row": row,
        "words": words,
        "kind": kind.value,
        "note": note,
        "actor": actor.name,
        "at": unit.now,
    }
    return insert_new(unit.conn, reply, values)


def replies_of(conn: Connection, submission_ids: Collection[int]) -> dict[int, list[dict[str, Any]]]:
    """Return the replies to some submissions by submission id, oldest first."""
    found: dict[int, list[dict[str, Any]]] = {}
    query = sa.select(reply).where(reply.c.submission_id.in_(submission_ids)).order_by(reply.c.id)
    for row in conn.execute(query):
        found.setdefault(row.submission_id, []).append(dict(row._mapping))  # noqa: SLF001 - public row mapping
    return found


def sent_items_by_url(conn: Connection, channel: str, urls: Collection[str]) -> dict[str, list[int]]:
    """Return the ids of items sent through a channel by the URL they named, the newest first."""
    found: dict[str, list[int]] = {}
    query = (
        sa.select(submission.c.id, submission.c.url)
        .where(
            submission.c.channel == channel,
            submission.c.sent_at.is_not(None),
            submission.c.state != SubmissionState.WITHDRAWN.value,
            submission.c.url.in_(urls),
        )
        .order_by(submission.c.id.desc())
    )
    for row in conn.execute(query):
        found.setdefault(row.url, []).append(row.id)
    return found
