"""Sources that a platform stopped: a challenge or a sign-in that ran out. They wait for a person (design §4.6)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

import sqlalchemy as sa

from storage.meta import get_meta, put_meta
from storage.tables import workspace_meta

if TYPE_CHECKING:
    from sqlalchemy.engine import Connection

    from storage.engine import Unit

_PREFIX = "stopped:"


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldSource:
    """A source that is not read until a person has looked: why, and since when.

    ``marker`` is the name of the sign that was seen; ``is_login`` tells a sign-in that is missing from a challenge.
    """

    source: str
    reason: str
    marker: str
    is_login: bool
    since: datetime


def hold_source(unit: Unit, source: str, *, reason: str, marker: str, is_login: bool) -> None:
    """Stop a source until :func:`lift_hold`; the first reason and time stay."""
    if get_hold(unit.conn, source) is None:
        value = {"reason": reason, "marker": marker, "is_login": is_login, "since": unit.now.isoformat()}
        put_meta(unit.conn, _PREFIX + source, value)


def lift_hold(unit: Unit, source: str) -> bool:
    """Let a source be read again; return False when it was not held."""
    done = unit.conn.execute(sa.delete(workspace_meta).where(workspace_meta.c.key == _PREFIX + source))
    return bool(done.rowcount)


def get_hold(conn: Connection, source: str) -> HeldSource | None:
    """Return why a source is held, None where it is not."""
    value = get_meta(conn, _PREFIX + source)
    return _record(source, value) if value else None


def held_sources(conn: Connection) -> list[HeldSource]:
    """Return all held sources, by name: what a person has to look at."""
    rows = conn.execute(
        sa.select(workspace_meta.c.key, workspace_meta.c.value)
        .where(workspace_meta.c.key.startswith(_PREFIX, autoescape=True))
        .order_by(workspace_meta.c.key)
    )
    return [_record(row.key.removeprefix(_PREFIX), row.value) for row in rows]


def _record(source: str, value: dict[str, object]) -> HeldSource:
    return HeldSource(
        source=source,
        reason=str(value["reason"]),
        marker=str(value["marker"]),
        is_login=bool(value["is_login"]),
        since=datetime.fromisoformat(str(value["since"])),
    )
