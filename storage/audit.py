"""The audit chain: append-only entries, each holding the hash of the one before it.

Without one lock concurrent appends fork the chain (measured: 56 forks in 200). On SQLite the writing transaction
is that lock; PostgreSQL takes an advisory lock that lives until the commit.
"""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from storage.tables import audit_entry
from storage.text import clean_json, clean_text

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime

    from sqlalchemy.engine import Connection

    from storage.records import AuditFacts

GENESIS = "0" * 64
"""The previous hash of the first entry."""

_CHAIN_LOCK = 0x51_59_41_55  # "QYAU", the advisory lock of the chain on PostgreSQL
_PAGE = 1000


def append(conn: Connection, entries: Sequence[AuditFacts], *, now: datetime, simulated: bool = False) -> None:
    """Append entries at the end of the chain, inside the caller's transaction and under one lock."""
    if conn.dialect.name == "postgresql":
        conn.execute(sa.select(sa.func.pg_advisory_xact_lock(_CHAIN_LOCK)))
    last = conn.execute(
        sa.select(audit_entry.c.sequence, audit_entry.c.hash).order_by(audit_entry.c.sequence.desc()).limit(1)
    ).first()
    sequence, previous = (last.sequence, last.hash) if last else (0, GENESIS)
    rows = []
    for entry in entries:
        sequence += 1
        row = _row(entry, now=now, sequence=sequence, simulated=simulated)
        row["previous"] = previous
        row["hash"] = previous = entry_hash(row)
        rows.append(row)
    conn.execute(sa.insert(audit_entry), rows)


def entry_hash(row: dict[str, Any]) -> str:
    """Return the SHA-256 over the canonical JSON of an entry without its own hash."""
    content = {name: value for name, value in row.items() if name != "hash"}
    content["at"] = row["at"].isoformat(timespec="microseconds")
    text = json.dumps(content, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def verify(conn: Connection) -> dict[str, Any]:
    """Walk the whole chain; return ``{entries, valid, first_bad}`` with the first sequence that does not hold.

    A chain alone cannot show that its newest entries were cut off; a checkpoint kept elsewhere can.
    """
    previous, expected = GENESIS, 1
    for row in _walk(conn):
        if row["sequence"] != expected or row["previous"] != previous or row["hash"] != entry_hash(row):
            return {"entries": expected - 1, "valid": False, "first_bad": expected}
        previous, expected = row["hash"], expected + 1
    return {"entries": expected - 1, "valid": True, "first_bad": None}


def history(conn: Connection, object_type: str, object_id: str) -> list[dict[str, Any]]:
    """Return the entries about one object, oldest first."""
    found = conn.execute(
        sa.select(audit_entry)
        .where(audit_entry.c.object_type == object_type, audit_entry.c.object_id == object_id)
        .order_by(audit_entry.c.sequence)
    )
    return [dict(row._mapping) for row in found]  # noqa: SLF001 - SQLAlchemy's public row mapping


def _walk(conn: Connection) -> Iterator[dict[str, Any]]:
    after = 0
    while True:
        rows = conn.execute(
            sa.select(audit_entry)
            .where(audit_entry.c.sequence > after)
            .order_by(audit_entry.c.sequence)
            .limit(_PAGE)
        ).all()
        if not rows:
            return
        for row in rows:
            yield dict(row._mapping)  # noqa: SLF001 - SQLAlchemy's public row mapping
        after = rows[-1].sequence


def _row(entry: AuditFacts, *, now: datetime, sequence: int, simulated: bool) -> dict[str, Any]:
    details = dict(entry.details)
    if simulated:
        details["simulated"] = True
    return {
        "sequence": sequence,
        "at": now,
        "actor": clean_text(entry.actor.name),
        "via": entry.actor.via,
        "action": entry.action,
        "object_type": entry.object_type,
        "object_id": clean_text(entry.object_id),
        "details": clean_json(details),
    }
