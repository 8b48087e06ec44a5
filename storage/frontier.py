"""The durable frontier: every request of every source as a row that is leased, done or waiting.

A row is done only in the transaction that stores what its page held. A process that dies leaves leases behind:
those of dead owners of this host are taken back at once, others expire. Functions run inside the caller's unit.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import sqlalchemy as sa

from storage.errors import LeaseLostError
from storage.leases import LEASE, is_dead
from storage.records import FrontierState, Json, ReadOutcome
from storage.tables import frontier
from storage.upsert import insert_missing

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from datetime import datetime

    from sqlalchemy.engine import Connection, Row

    from storage.engine import Unit

RECHECK = "recheck"
"""Kind of the rows that ask for a look at a clue's target; a crawl never takes them."""

_MOST_KEYS = 1000
_OPEN = (FrontierState.PENDING, FrontierState.LEASED)


@dataclass(frozen=True, slots=True, kw_only=True)
class NewRequest:
    """A request to be made; ``key`` tells it apart within its source. Lower ``priority`` goes first.

    ``lastmod`` is what the listing says of the page's last change. ``again`` asks for a new reading in every run.
    """

    key: str
    url: str
    kind: str
    priority: int = 0
    depth: int = 0
    lastmod: str | None = None
    again: bool = False
    meta: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class FrontierRow:
    """One leased request."""

    id: int
    source: str
    url: str
    kind: str
    depth: int
    attempts: int
    run_id: int | None
    read_at: datetime | None
    cursor: Json | None
    meta: Json


@dataclass(frozen=True, slots=True, kw_only=True)
class FrontierCounts:
    """What is still open of a source: rows to take now, rows that wait, rows leased by others."""

    ready: int
    waiting: int
    leased: int
    next_at: datetime | None

    @property
    def open(self) -> int:
        """All rows that a run still has to see."""
        return self.ready + self.waiting + self.leased


def add_requests(
    unit: Unit, source: str, requests: Sequence[NewRequest], *, run_id: int, stale_before: datetime
) -> int:
    """Add requests and re-open known ones that are due again; return how many rows that made pending.

    A known row is re-opened, once per run: always where ``again`` is set or it was never read to its end; when its
    ``lastmod`` changed; without ``lastmod`` when it was last read before ``stale_before``. Callers pass at most
    ``CHUNK_ROWS`` requests.
    """
    wanted = {request.key: request for request in requests}
    fresh = [_new_row(unit, source, request, run_id) for request in wanted.values()]
    added = insert_missing(unit.conn, frontier, fresh)
    if added == len(fresh):
        return added
    known = unit.conn.execute(
        sa.select(frontier).where(frontier.c.source == source, frontier.c.request_key.in_(list(wanted)))
    ).all()
    for row in known:
        request = wanted[row.request_key]
        if row.run_id != run_id and row.state not in _OPEN and _is_due(row, request, stale_before):
            _reopen(unit, row, request, run_id)
            added += 1
    return added


def _new_row(unit: Unit, source: str, request: NewRequest, run_id: int) -> Json:
    return {
        "source": source,
        "request_key": request.key,
        "url": request.url,
        "kind": request.kind,
        "state": FrontierState.PENDING,
        "priority": request.priority,
        "depth": request.depth,
        "attempts": 0,
        "run_id": run_id,
        "meta": _meta_of(request, {}),
        "created_at": unit.now,
    }


def _meta_of(request: NewRequest, before: Mapping[str, object]) -> Json:
    meta = {**before, **request.meta}
    return meta | {"lastmod": request.lastmod} if request.lastmod else meta


def _is_due(row: Row[tuple[object, ...]], request: NewRequest, stale_before: datetime) -> bool:
    if request.again or row.state == FrontierState.FAILED or row.read_at is None:
        return True
    if request.lastmod:
        return bool(request.lastmod != row.meta.get("lastmod"))
    return bool(row.read_at < stale_before)


def _reopen(unit: Unit, row: Row[tuple[object, ...]], request: NewRequest, run_id: int) -> None:
    values = {
        "state": FrontierState.PENDING,
        "url": request.url,  # the token in it may be another one
        "run_id": run_id,
        "attempts": 0,
        "not_before": None,
        "priority": request.priority,
        "depth": request.depth,
        "meta": _meta_of(request, row.meta),
    }
    unit.conn.execute(sa.update(frontier).where(frontier.c.id == row.id).values(values))


def lease(unit: Unit, source: str, *, owner: str, limit: int, rechecks: bool = False) -> list[FrontierRow]:
    """Lease up to ``limit`` ready rows of a source to ``owner`` for 60 seconds, lowest priority number first."""
    ready = (
        sa.select(frontier)
        .where(
            frontier.c.source == source,
            frontier.c.state == FrontierState.PENDING,
            _kinds(rechecks=rechecks),
            sa.or_(frontier.c.not_before.is_(None), frontier.c.not_before <= unit.now),
        )
        .order_by(frontier.c.priority, frontier.c.id)
        .limit(limit)
        .with_for_update(skip_locked=True)  # SQLite ignores it: its writers take turns anyway
    )
    rows = unit.conn.execute(ready).all()
    if rows:
        unit.conn.execute(
            sa.update(frontier)
            .where(frontier.c.id.in_([row.id for row in rows]))
            .values(state=FrontierState.LEASED, lease_owner=owner, lease_until=unit.now + LEASE)
        )
    return [_record(row) for row in rows]


def take_back(unit: Unit) -> int:
    """Make the rows pending again whose lease ran out or whose owner on this host is dead; return how many."""
    held = unit.conn.execute(
        sa.select(frontier.c.lease_owner, sa.func.min(frontier.c.lease_until).label("until"))
        .where(frontier.c.state == FrontierState.LEASED)
        .group_by(frontier.c.lease_owner)
    ).all()
    dead = [row.lease_owner for row in held if row.lease_owner is None or is_dead(row.lease_owner)]
    gone = sa.or_(frontier.c.lease_owner.in_(dead), frontier.c.lease_until < unit.now)
    done = unit.conn.execute(
        sa.update(frontier)
        .where(frontier.c.state == FrontierState.LEASED, gone)
        .values(state=FrontierState.PENDING, lease_owner=None, lease_until=None)
    )
    return int(done.rowcount)


def renew(unit: Unit, owner: str) -> int:
    """Renew all leases of an owner: its heartbeat; return how many it still holds."""
    done = unit.conn.execute(
        sa.update(frontier)
        .where(frontier.c.state == FrontierState.LEASED, frontier.c.lease_owner == owner)
        .values(lease_until=unit.now + LEASE)
    )
    return int(done.rowcount)


def release(unit: Unit, owner: str) -> int:
    """Give back all leases of an owner unread: its clean stop; return how many there were."""
    done = unit.conn.execute(
        sa.update(frontier)
        .where(frontier.c.state == FrontierState.LEASED, frontier.c.lease_owner == owner)
        .values(state=FrontierState.PENDING, lease_owner=None, lease_until=None)
    )
    return int(done.rowcount)


def complete(
    unit: Unit,
    row: FrontierRow,
    *,
    owner: str,
    outcome: ReadOutcome,
    kind: str | None = None,
    cursor: Json | None = None,
    meta: Mapping[str, object] | None = None,
) -> None:
    """Mark a leased row as read; ``kind`` says what its page turned out to be.

    Raises:
        LeaseLostError: another process took the row over; the caller's unit must not commit.
    """
    values: Json = {"state": FrontierState.DONE, "outcome": outcome, "read_at": unit.now}
    values |= {"kind": kind} if kind else {}
    values |= {"cursor": cursor} if cursor is not None else {}
    _settle(unit, row, owner, values | {"meta": {**row.meta, **(meta or {})}})


def fail(
    unit: Unit, row: FrontierRow, *, owner: str, outcome: ReadOutcome, meta: Mapping[str, object] | None = None
) -> None:
    """Give a leased row up for this run; the next run that finds its address again tries anew."""
    values = {"state": FrontierState.FAILED, "outcome": outcome, "meta": {**row.meta, **(meta or {})}}
    _settle(unit, row, owner, values)


def postpone(unit: Unit, row: FrontierRow, *, owner: str, until: datetime, counts: bool = True) -> None:
    """Put a leased row back, not to be taken before ``until``; ``counts`` says whether this was an attempt."""
    values: Json = {"state": FrontierState.PENDING, "not_before": until}
    values |= {"attempts": row.attempts + 1} if counts else {}
    _settle(unit, row, owner, values)


def _settle(unit: Unit, row: FrontierRow, owner: str, values: Json) -> None:
    done = unit.conn.execute(
        sa.update(frontier)
        .where(frontier.c.id == row.id, frontier.c.state == FrontierState.LEASED, frontier.c.lease_owner == owner)
        .values({**values, "lease_owner": None, "lease_until": None})
    )
    if done.rowcount != 1:
        raise LeaseLostError("request", str(row.id), owner)


def counts(
    conn: Connection, source: str, *, now: datetime, owner: str = "", rechecks: bool = False
) -> FrontierCounts:
    """Return what is open of a source; rows leased by ``owner`` itself are left out."""
    mine = sa.and_(frontier.c.state == FrontierState.LEASED, frontier.c.lease_owner == owner)
    late = sa.and_(frontier.c.state == FrontierState.PENDING, frontier.c.not_before > now)
    rows = conn.execute(
        sa.select(
            frontier.c.state,
            late.label("late"),
            sa.func.count().label("rows"),
            sa.func.min(frontier.c.not_before).label("at"),
        )
        .where(frontier.c.source == source, frontier.c.state.in_(_OPEN), _kinds(rechecks=rechecks), sa.not_(mine))
        .group_by(frontier.c.state, sa.text("late"))
    ).all()
    found = {(row.state, bool(row.late)): row for row in rows}
    ready, waiting = found.get((FrontierState.PENDING, False)), found.get((FrontierState.PENDING, True))
    leased = sum(row.rows for (state, _), row in found.items() if state == FrontierState.LEASED)
    return FrontierCounts(
        ready=ready.rows if ready else 0,
        waiting=waiting.rows if waiting else 0,
        leased=leased,
        next_at=waiting.at if waiting else None,
    )


def leased_by_others(conn: Connection, source: str, *, owner: str) -> bool:
    """Tell whether another process reads pages of a source now, for a run or for rechecks."""
    held = sa.select(frontier.c.id).where(
        frontier.c.source == source,
        frontier.c.state == FrontierState.LEASED,
        frontier.c.lease_owner != owner,
    )
    return conn.execute(held.limit(1)).first() is not None


def request_recheck(
    unit: Unit, *, source: str, url: str, clue_id: int, key: str, not_before: datetime | None = None
) -> bool:
    """Ask for one look at a clue's target; return False when the same look (``key``) was asked for before."""
    row = {
        "source": source,
        "request_key": f"{RECHECK}:{key}",
        "url": url,
        "kind": RECHECK,
        "state": FrontierState.PENDING,
        "priority": 0,
        "depth": 0,
        "attempts": 0,
        "not_before": not_before,
        "meta": {"clue_id": clue_id, "key": key},
        "created_at": unit.now,
    }
    return insert_missing(unit.conn, frontier, [row]) == 1


def give_up_rechecks(unit: Unit, source: str) -> int:
    """Settle the due rechecks of a source that cannot be read; return how many there were."""
    due = sa.or_(frontier.c.not_before.is_(None), frontier.c.not_before <= unit.now)
    done = unit.conn.execute(
        sa.update(frontier)
        .where(
            frontier.c.source == source,
            frontier.c.kind == RECHECK,
            frontier.c.state == FrontierState.PENDING,
            due,
        )
        .values(state=FrontierState.FAILED, outcome=ReadOutcome.UNKNOWN)
    )
    return int(done.rowcount)


def sources_with_rechecks(conn: Connection, *, now: datetime) -> list[str]:
    """Return the names of the sources that have rechecks to make now."""
    rows = conn.execute(
        sa.select(frontier.c.source)
        .distinct()
        .where(
            frontier.c.kind == RECHECK,
            frontier.c.state.in_(_OPEN),
            sa.or_(frontier.c.not_before.is_(None), frontier.c.not_before <= now),
        )
        .order_by(frontier.c.source)
    )
    return [row.source for row in rows]


def _kinds(*, rechecks: bool) -> sa.ColumnElement[bool]:
    return frontier.c.kind == RECHECK if rechecks else frontier.c.kind != RECHECK


def _record(row: Row[tuple[object, ...]]) -> FrontierRow:
    return FrontierRow(
        id=row.id,
        source=row.source,
        url=row.url,
        kind=row.kind,
        depth=row.depth,
        attempts=row.attempts,
        run_id=row.run_id,
        read_at=row.read_at,
        cursor=row.cursor,
        meta=row.meta,
    )


def found_kind(conn: Connection, source: str, url: str) -> str | None:
    """Return what a page turned out to be when it was last read well, None where it never was."""
    meta = conn.scalar(sa.select(frontier.c.meta).where(frontier.c.source == source, frontier.c.request_key == url))
    found = (meta or {}).get("found")
    return str(found) if found else None


def knows_any(conn: Connection, source: str, keys: Collection[str]) -> bool:
    """Tell whether one of these requests has been made for a source; the first thousand are looked at."""
    asked = sorted(keys)[:_MOST_KEYS]
    query = sa.select(frontier.c.id).where(frontier.c.source == source, frontier.c.request_key.in_(asked))
    return conn.execute(query.limit(1)).first() is not None
