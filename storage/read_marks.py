"""When single pieces of a platform were last read: done rows of the frontier that nobody asks for by themselves.

A piece such as a note opened from a search page has no request of its own. Its row remembers in which run it was
read, when, how its list entry looked then, and the address with the token that opens it (design §9 Tokens).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import sqlalchemy as sa

from storage.errors import LeaseLostError
from storage.records import FrontierState, Json, ReadOutcome
from storage.tables import frontier
from storage.upsert import insert_missing

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import datetime

    from sqlalchemy.engine import Connection, Row

    from storage.engine import Unit
    from storage.frontier import FrontierRow


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadMark:
    """One piece that was seen: ``url`` opens it, ``read_at`` is None while it was only listed."""

    key: str
    url: str
    run_id: int | None
    outcome: ReadOutcome | None
    read_at: datetime | None
    meta: Json = field(default_factory=dict)


def marks_of(conn: Connection, source: str, keys: Collection[str]) -> dict[str, ReadMark]:
    """Return the marks of some pieces of a source, by key; at most 500 keys."""
    rows = conn.execute(
        sa.select(frontier).where(frontier.c.source == source, frontier.c.request_key.in_(list(keys)))
    )
    return {row.request_key: _record(row) for row in rows}


def last_good_marks(conn: Connection, source: str, kind: str, *, limit: int = 5) -> list[ReadMark]:
    """Return the pieces of a kind that were read last and were there, newest first."""
    rows = conn.execute(
        sa.select(frontier)
        .where(frontier.c.source == source, frontier.c.kind == kind, frontier.c.outcome == ReadOutcome.OK)
        .order_by(frontier.c.read_at.desc(), frontier.c.id.desc())
        .limit(limit)
    )
    return [_record(row) for row in rows]


def set_mark(unit: Unit, source: str, mark: ReadMark, *, kind: str) -> None:
    """Remember that a piece was seen; what the mark leaves open (None) keeps its earlier value."""
    row = {
        "source": source,
        "request_key": mark.key,
        "url": mark.url,
        "kind": kind,
        "state": FrontierState.DONE,
        "priority": 0,
        "depth": 0,
        "attempts": 0,
        "run_id": mark.run_id,
        "outcome": mark.outcome,
        "read_at": mark.read_at,
        "meta": mark.meta,
        "created_at": unit.now,
    }
    if insert_missing(unit.conn, frontier, [row]):
        return
    same = (frontier.c.source == source) & (frontier.c.request_key == mark.key)
    before = unit.conn.execute(sa.select(frontier.c.meta).where(same)).scalar_one()
    values: Json = {"url": mark.url, "meta": {**before, **mark.meta}}
    shown = {"run_id": mark.run_id, "outcome": mark.outcome, "read_at": mark.read_at}
    values |= {name: value for name, value in shown.items() if value is not None}
    unit.conn.execute(sa.update(frontier).where(same).values(**values))


def advance(unit: Unit, row: FrontierRow, *, owner: str, cursor: Json) -> None:
    """Move the cursor of a leased row; the row stays leased.

    Raises:
        LeaseLostError: another process took the row over; the caller's unit must not commit.
    """
    done = unit.conn.execute(
        sa.update(frontier)
        .where(frontier.c.id == row.id, frontier.c.state == FrontierState.LEASED, frontier.c.lease_owner == owner)
        .values(cursor=cursor)
    )
    if done.rowcount != 1:
        raise LeaseLostError("request", str(row.id), owner)


def _record(row: Row[tuple[object, ...]]) -> ReadMark:
    return ReadMark(
        key=row.request_key,
        url=row.url,
        run_id=row.run_id,
        outcome=ReadOutcome(row.outcome) if row.outcome else None,
        read_at=row.read_at,
        meta=row.meta,
    )
