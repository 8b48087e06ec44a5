"""Notices to people: the intent is a row before anything goes out, so that a killed sender never tells twice.

A row that its sender left behind is ``unknown``: it may have been accepted. It is never repeated by itself; the
next number of the same cause may be sent when its time has come.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from storage.leases import is_dead, lease_owner
from storage.tables import notice
from storage.upsert import insert_new

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import datetime

    from sqlalchemy.engine import Connection, Row

    from storage.engine import Unit

HELD_FOR = timedelta(minutes=5)
"""A sender on another host that said nothing for this long is taken for dead; no transport waits as long."""


class NoticeState(StrEnum):
    """How far one notice came."""

    SENDING = "sending"
    SENT = "sent"
    RETRY = "retry"
    REFUSED = "refused"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """One notice through one transport; ``number`` counts from 1 for each cause, reminders going on from there."""

    id: int
    cause: str
    kind: str
    transport: str
    number: int
    state: NoticeState
    attempts: int
    message_id: str
    lease_owner: str | None
    attempted_at: datetime
    error: str | None


def last_notices(conn: Connection, transport: str, causes: Collection[str]) -> dict[str, Notice]:
    """Return the last notice of each cause through a transport, as far as there is one."""
    newest = (
        sa.select(sa.func.max(notice.c.id))
        .where(notice.c.transport == transport, notice.c.cause.in_(causes))
        .group_by(notice.c.cause)
    )
    rows = conn.execute(sa.select(notice).where(notice.c.id.in_(newest)))
    return {row.cause: _record(row) for row in rows}


def begin_notice(
    unit: Unit, *, cause: str, kind: str, transport: str, number: int, message_id: str
) -> Notice | None:
    """Write the intent to send a new number; None when somebody else has just done so."""
    owner = lease_owner()
    made = insert_new(
        unit.conn,
        notice,
        {
            "cause": cause,
            "kind": kind,
            "transport": transport,
            "number": number,
            "state": NoticeState.SENDING.value,
            "attempts": 1,
            "message_id": message_id,
            "lease_owner": owner,
            "created_at": unit.now,
            "attempted_at": unit.now,
            "simulated": unit.simulated,
        },
    )
    return None if made is None else _get(unit.conn, made)


def retry_notice(unit: Unit, one: Notice) -> Notice | None:
    """Write the intent to send a number again that was surely not accepted; None when somebody else does."""
    owner = lease_owner()
    done = unit.conn.execute(
        sa.update(notice)
        .where(notice.c.id == one.id, notice.c.state == NoticeState.RETRY.value, notice.c.attempts == one.attempts)
        .values(
            state=NoticeState.SENDING.value, attempts=one.attempts + 1, lease_owner=owner, attempted_at=unit.now
        )
    )
    if not done.rowcount:
        return None
    return replace(
        one, state=NoticeState.SENDING, attempts=one.attempts + 1, lease_owner=owner, attempted_at=unit.now
    )


def settle_notice(unit: Unit, one: Notice, state: NoticeState, *, error: str | None = None) -> Notice:
    """Write what became of a notice and return it so; ``unknown`` when it was taken for abandoned meanwhile."""
    done = unit.conn.execute(
        sa.update(notice)
        .where(
            notice.c.id == one.id,
            notice.c.state == NoticeState.SENDING.value,
            notice.c.attempts == one.attempts,
            notice.c.lease_owner == one.lease_owner,
        )
        .values(
            state=state.value,
            lease_owner=None,
            sent_at=unit.now if state is NoticeState.SENT else None,
            error=error,
        )
    )
    if not done.rowcount:
        return replace(one, state=NoticeState.UNKNOWN, error="the sender was taken for dead", lease_owner=None)
    return replace(one, state=state, error=error, lease_owner=None)


def give_up_abandoned(unit: Unit) -> int:
    """Set what dead senders left in ``sending`` to ``unknown``; return how many there were."""
    rows = unit.conn.execute(sa.select(notice).where(notice.c.state == NoticeState.SENDING.value)).all()
    left = [row.id for row in rows if row.attempted_at + HELD_FOR <= unit.now or is_dead(row.lease_owner or "")]
    if left:
        lost = {"state": NoticeState.UNKNOWN.value, "lease_owner": None, "error": "the sender was interrupted"}
        unit.conn.execute(sa.update(notice).where(notice.c.id.in_(left)).values(lost))
    return len(left)


def count_notices(conn: Connection) -> dict[tuple[str, str], int]:
    """Return how many notices there are by transport and state."""
    counted = sa.select(notice.c.transport, notice.c.state, sa.func.count().label("many"))
    rows = conn.execute(counted.group_by(notice.c.transport, notice.c.state))
    return {(row.transport, row.state): row.many for row in rows}


def _get(conn: Connection, number: int) -> Notice:
    return _record(conn.execute(sa.select(notice).where(notice.c.id == number)).one())


def _record(row: Row[Any]) -> Notice:
    return Notice(
        id=row.id,
        cause=row.cause,
        kind=row.kind,
        transport=row.transport,
        number=row.number,
        state=NoticeState(row.state),
        attempts=row.attempts,
        message_id=row.message_id,
        lease_owner=row.lease_owner,
        attempted_at=row.attempted_at,
        error=row.error,
    )
