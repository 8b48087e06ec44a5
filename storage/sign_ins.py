"""Limits on guessing passwords: by account and by address, whatever was guessed and whoever exists.

An attempt is written down before the password is looked at, so that a thousand attempts at once are counted
too. Who has signed in from an address within thirty days keeps a limit of their own there: strangers who guess
at an account cannot lock its owner out.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

import sqlalchemy as sa

from storage.tables import sign_in_attempt

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy.engine import Connection

    from storage.engine import Unit

WINDOW = timedelta(minutes=15)
"""How long a failed attempt counts."""

LIMIT = 10
"""Failed attempts within the window after which passwords are no longer looked at."""

KNOWN_PLACE = timedelta(days=30)
"""How long an address counts as known to an account after a sign-in; attempts are kept as long."""

_A = sign_in_attempt.c
_COUNT_LOCK = 0x51_59_53_49  # "QYSI": counting and writing down is one step (measured: 14 of 10 without it)


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """Who is said to sign in, from which address."""

    name: str
    address: str

    @property
    def account(self) -> str:
        """The hash by which a typed name is counted; people also type passwords there, so it is not kept."""
        return hashlib.sha256(self.name.strip().casefold().encode("utf-8", "replace")).hexdigest()


def is_refused(conn: Connection, attempt: Attempt, *, now: datetime) -> bool:
    """Return whether the password must not be looked at now."""
    if _failures(conn, now, _A.address == attempt.address) >= LIMIT:
        return True
    if _is_known_place(conn, attempt, now):
        return _failures(conn, now, _A.account == attempt.account, _A.address == attempt.address) >= LIMIT
    return _failures(conn, now, _A.account == attempt.account) >= LIMIT


def reserve(unit: Unit, attempt: Attempt) -> int | None:
    """Write an attempt down as failed and return its id, or return None when it is refused."""
    if unit.conn.dialect.name == "postgresql":  # on SQLite the writing unit itself is the lock
        unit.conn.execute(sa.select(sa.func.pg_advisory_xact_lock(_COUNT_LOCK)))
    if is_refused(unit.conn, attempt, now=unit.now):
        return None
    unit.conn.execute(sa.delete(sign_in_attempt).where(_A.at < unit.now - KNOWN_PLACE))
    values = {"at": unit.now, "account": attempt.account, "address": attempt.address, "ok": False}
    return int(unit.conn.execute(sa.insert(sign_in_attempt).values(values).returning(_A.id)).scalar_one())


def succeed(unit: Unit, attempt_id: int) -> None:
    """Mark an attempt as a sign-in: it no longer counts as failed, and its address becomes a known place."""
    unit.conn.execute(sa.update(sign_in_attempt).where(_A.id == attempt_id).values(ok=True))


def _failures(conn: Connection, now: datetime, *which: sa.ColumnElement[bool]) -> int:
    recent = (_A.at > now - WINDOW, _A.ok.is_(False))
    query = sa.select(sa.func.count()).select_from(sign_in_attempt).where(*which, *recent)
    return conn.execute(query).scalar_one()


def _is_known_place(conn: Connection, attempt: Attempt, now: datetime) -> bool:
    known = (
        _A.account == attempt.account,
        _A.address == attempt.address,
        _A.ok.is_(True),
        _A.at > now - KNOWN_PLACE,
    )
    return conn.execute(sa.select(_A.id).where(*known).limit(1)).first() is not None
