"""Signed-in browsers: the token itself is never stored, only its hash."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

import sqlalchemy as sa

from storage.records import Actor, Role
from storage.tables import user as user_table
from storage.tables import web_session

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy.engine import Connection

    from storage.engine import Unit

IDLE = timedelta(minutes=15)
"""Without a request for this long a session is over."""

LONGEST = timedelta(hours=8)
"""However active, a session is over after this long."""

_TOKEN_BYTES = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenedSession:
    """A new session: ``token`` goes into the cookie and nowhere else."""

    token: str
    csrf: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionRow:
    """A session that holds at the moment of reading, with its person."""

    id: int
    user_id: int
    user: str
    role: Role
    csrf: str
    created_at: datetime
    seen_at: datetime

    def actor(self) -> Actor:
        """Return the person as an actor at the desk."""
        return Actor(name=self.user, role=self.role, via="desk")


def open_session(unit: Unit, user_id: int, *, replaces: str | None = None) -> OpenedSession:
    """Open a session with a fresh token; the browser's earlier one (``replaces``, its token) ends."""
    if replaces:
        end_session(unit, replaces)
    opened = OpenedSession(token=secrets.token_urlsafe(_TOKEN_BYTES), csrf=secrets.token_urlsafe(_TOKEN_BYTES))
    unit.conn.execute(
        sa.insert(web_session).values(
            token_hash=_hash(opened.token),
            user_id=user_id,
            csrf=opened.csrf,
            created_at=unit.now,
            seen_at=unit.now,
        )
    )
    return opened


def find_session(
    conn: Connection, token: str, *, now: datetime, idle: timedelta = IDLE, longest: timedelta = LONGEST
) -> SessionRow | None:
    """Return the session of a token, or None: unknown, ended, idle too long, too old, or the person is disabled."""
    columns = (*web_session.c, user_table.c.name, user_table.c.role)
    query = (
        sa.select(*columns)
        .join(user_table, user_table.c.id == web_session.c.user_id)
        .where(web_session.c.token_hash == _hash(token), web_session.c.ended_at.is_(None))
        .where(user_table.c.disabled.is_(False))
    )
    row = conn.execute(query).mappings().first()
    if row is None or now - row["seen_at"] >= idle or now - row["created_at"] >= longest:
        return None
    return SessionRow(
        id=row["id"],
        user_id=row["user_id"],
        user=row["name"],
        role=Role(row["role"]),
        csrf=row["csrf"],
        created_at=row["created_at"],
        seen_at=row["seen_at"],
    )


def touch_session(unit: Unit, session_id: int) -> None:
    """Write down that the session was used now."""
    unit.conn.execute(sa.update(web_session).where(web_session.c.id == session_id).values(seen_at=unit.now))


def end_session(unit: Unit, token: str) -> None:
    """End the session of a token; an unknown or ended one stays as it is."""
    own = (web_session.c.token_hash == _hash(token), web_session.c.ended_at.is_(None))
    unit.conn.execute(sa.update(web_session).where(*own).values(ended_at=unit.now))


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "replace")).hexdigest()
