"""Publishing accounts: one row each, and every state in which they were seen."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING

import sqlalchemy as sa

from storage.tables import account, account_observation
from storage.text import clean_text
from storage.upsert import insert_missing, insert_new

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy.engine import Connection, Row

    from storage.engine import Unit
    from storage.records import AccountFacts, Json

_FIND = sa.select(account).where(
    account.c.platform == sa.bindparam("platform_"), account.c.native_id == sa.bindparam("native_id_")
)
_SHOWN = ("handle", "name", "bio", "verified", "verified_as", "url")


def named_id(name: str) -> str:
    """Return the native id of an imported account that came without one (contracts §5)."""
    return "n-" + hashlib.sha256(clean_text(name).encode()).hexdigest()[:16]


def see_account(
    unit: Unit, platform: str, facts: AccountFacts, *, seen_at: datetime, capture_id: int | None = None
) -> int | None:
    """Store what a page shows of an account; return its id, None for an account without native id.

    What the page did not show (None, or an empty text) keeps its earlier value; an older sighting than the last one
    is recorded as an observation and changes nothing else.
    """
    if not facts.native_id:
        return None
    native_id = clean_text(facts.native_id)
    row = unit.conn.execute(_FIND, {"platform_": platform, "native_id_": native_id}).first()
    shown = {name: _clean(getattr(facts, name)) for name in _SHOWN}
    if row is None:
        return _add(unit, platform, native_id, shown, seen_at=seen_at, capture_id=capture_id)
    if seen_at >= row.last_seen:
        _update(unit, row, shown, seen_at)
    elif seen_at < row.first_seen:
        unit.conn.execute(sa.update(account).where(account.c.id == row.id).values(first_seen=seen_at))
    if any(value not in (None, "") and value != getattr(row, name) for name, value in shown.items()):
        _observe(unit, row.id, _merged(row, shown), seen_at=seen_at, capture_id=capture_id)
    return int(row.id)


def get_account(conn: Connection, platform: str, native_id: str) -> Json | None:
    """Return one account's row, or None."""
    row = (
        conn.execute(sa.select(account).where(account.c.platform == platform, account.c.native_id == native_id))
        .mappings()
        .first()
    )
    return None if row is None else dict(row)


def account_history(conn: Connection, account_id: int) -> list[Json]:
    """Return the states in which an account was seen, oldest first: ``{seen_at, facts, capture_id}``."""
    rows = conn.execute(
        sa.select(account_observation)
        .where(account_observation.c.account_id == account_id)
        .order_by(account_observation.c.seen_at, account_observation.c.id)
    )
    return [{"seen_at": row.seen_at, "facts": row.facts, "capture_id": row.capture_id} for row in rows]


def _add(
    unit: Unit,
    platform: str,
    native_id: str,
    shown: Json,
    *,
    seen_at: datetime,
    capture_id: int | None,
) -> int:
    values = {**shown, "name": shown["name"] or "", "bio": shown["bio"] or ""}
    stamps = {"first_seen": seen_at, "last_seen": seen_at, "strikes": 0}
    found = insert_new(unit.conn, account, {"platform": platform, "native_id": native_id, **stamps, **values})
    if found is None:  # another process was first
        same = (account.c.platform == platform) & (account.c.native_id == native_id)
        found = int(unit.conn.execute(sa.select(account.c.id).where(same)).scalar_one())
    _observe(unit, found, values, seen_at=seen_at, capture_id=capture_id)
    return found


def _update(unit: Unit, row: Row[tuple[object, ...]], shown: Json, seen_at: datetime) -> None:
    changed = {
        name: value for name, value in shown.items() if value not in (None, "") and value != getattr(row, name)
    }
    if changed or seen_at > row.last_seen:
        unit.conn.execute(sa.update(account).where(account.c.id == row.id).values(last_seen=seen_at, **changed))


def _merged(row: Row[tuple[object, ...]], shown: Json) -> Json:
    return {name: getattr(row, name) if shown[name] in (None, "") else shown[name] for name in _SHOWN}


def _observe(unit: Unit, account_id: int, facts: Json, *, seen_at: datetime, capture_id: int | None) -> None:
    canonical = json.dumps([facts[name] for name in _SHOWN], ensure_ascii=False)
    row = {
        "account_id": account_id,
        "content_hash": hashlib.sha256(canonical.encode()).hexdigest(),
        "seen_at": seen_at,
        "facts": facts,
        "capture_id": capture_id,
    }
    insert_missing(unit.conn, account_observation, [row])


def _clean(value: object) -> object:
    return clean_text(value) if isinstance(value, str) else value
