"""Items under way at any moment, by the events that had been recorded, and what the summary begins with."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import sqlalchemy as sa

from storage.records import SubmissionState
from storage.tables import batch, clue, post, submission, submission_event
from storage.transitions.submission import OPEN_STATES

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy.engine import Connection

    from storage.records import Json

_COMMENT = "comment"


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenItem:
    """One item under way; ``since`` is its sending, before that the day it was drafted."""

    number: int
    clue_id: int
    batch: str
    channel: str
    platform: str
    state: SubmissionState
    since: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemPage:
    """Items under way by id; ``after`` is where the next page begins, None after the last."""

    rows: list[OpenItem]
    after: int | None


def open_items(conn: Connection, *, until: datetime, after: int = 0, limit: int = 500) -> ItemPage:
    """Return a page of the items that were under way at a moment, in two statements.

    ``limit`` counts the items looked at: a page may hold fewer, or none, and not be the last.
    """
    numbers = list(
        conn.execute(
            sa.select(submission.c.id).where(submission.c.id > after).order_by(submission.c.id).limit(limit)
        ).scalars()
    )
    event = submission_event
    last = (
        sa.select(sa.func.max(event.c.id).label("number"), sa.func.min(event.c.at).label("drafted_at"))
        .where(event.c.submission_id.in_(numbers), event.c.at <= until)
        .group_by(event.c.submission_id)
        .subquery()
    )
    query = (
        sa.select(submission.c.id, submission.c.clue_id, submission.c.channel, submission.c.platform)
        .add_columns(submission.c.sent_at, batch.c.code, event.c.state_to, last.c.drafted_at)
        .join_from(last, event, event.c.id == last.c.number)
        .join(submission, submission.c.id == event.c.submission_id)
        .join(batch, batch.c.id == submission.c.batch_id)
        .where(event.c.state_to.in_([state.value for state in OPEN_STATES]))
        .order_by(submission.c.id)
    )
    rows = [
        OpenItem(
            number=row.id,
            clue_id=row.clue_id,
            batch=row.code,
            channel=row.channel,
            platform=row.platform,
            state=SubmissionState(row.state_to),
            since=row.drafted_at if row.state_to in _BEFORE_SENDING or row.sent_at is None else row.sent_at,
        )
        for row in conn.execute(query)
    ]
    return ItemPage(rows=rows, after=numbers[-1] if len(numbers) == limit else None)


def is_sent(state: SubmissionState) -> bool:
    """Return whether an item in this state has surely left the house."""
    return state.value not in _BEFORE_SENDING


_SENT = (SubmissionState.SENT, SubmissionState.ACKNOWLEDGED, SubmissionState.ANSWERED, SubmissionState.NEED_MORE)
_BEFORE_SENDING = frozenset(state.value for state in OPEN_STATES if state not in _SENT)


def count_seen(conn: Connection, *, since: datetime, until: datetime) -> tuple[int, int]:
    """Return how many posts (comments left out) were first seen in a time, and in all until its end."""
    return _counted(conn, post.c.first_seen, post.c.kind != _COMMENT, since=since, until=until)


def count_flagged(conn: Connection, *, since: datetime, until: datetime) -> tuple[int, int]:
    """Return how many clues were made in a time, and in all until its end."""
    return _counted(conn, clue.c.created_at, sa.true(), since=since, until=until)


def seen_posts(
    conn: Connection, *, since: datetime | None, until: datetime, before: int | None, limit: int
) -> list[Json]:
    """Return ids and what a list shows of posts first seen in a time, the newest row first."""
    names = ("id", "platform", "kind", "source", "first_seen", "current_revision_id")
    query = sa.select(*(post.c[name] for name in names)).where(post.c.kind != _COMMENT, post.c.first_seen < until)
    if since is not None:
        query = query.where(post.c.first_seen >= since)
    if before is not None:
        query = query.where(post.c.id < before)
    found = conn.execute(query.order_by(post.c.id.desc()).limit(limit))
    return [dict(row._mapping) for row in found]  # noqa: SLF001 - SQLAlchemy's public row mapping


def flagged_clues(
    conn: Connection, *, since: datetime | None, until: datetime, before: int | None, limit: int
) -> list[int]:
    """Return the ids of clues made in a time, newest first."""
    query = sa.select(clue.c.id).where(clue.c.created_at < until)
    if since is not None:
        query = query.where(clue.c.created_at >= since)
    if before is not None:
        query = query.where(clue.c.id < before)
    return list(conn.execute(query.order_by(clue.c.id.desc()).limit(limit)).scalars())


def _counted(
    conn: Connection,
    moment: sa.ColumnElement[datetime],
    where: sa.ColumnElement[bool],
    *,
    since: datetime,
    until: datetime,
) -> tuple[int, int]:
    fresh = sa.func.count(sa.case((moment >= since, 1)))
    row = conn.execute(sa.select(fresh, sa.func.count()).where(where, moment < until)).one()
    return row[0], row[1]
