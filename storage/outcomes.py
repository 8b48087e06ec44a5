"""Outcomes: the current value per clue, kept beside the observations that it is folded from."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from storage.records import AuditFacts, Cause, OutcomeKind, OutcomeState, public_id
from storage.tables import account, batch, clue, outcome, submission

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from datetime import datetime

    from sqlalchemy.engine import Connection, Row

    from storage.engine import Unit
    from storage.records import Actor, Json
    from storage.transitions.outcome import Outcome


def save_outcomes(
    unit: Unit, folded: Mapping[int, tuple[Outcome, int | None]], *, actor: Actor
) -> list[tuple[int, Outcome]]:
    """Write the folded outcome (with the item it belongs to) of each clue that has changed; return those.

    A target that came back adds a strike to its account, one that turns out not to have been away takes it back, so
    that the strikes follow from the observations alone. The changes of one call share an audit entry.
    """
    known = {row.clue_id: row for row in stored_outcomes(unit.conn, folded)}
    changed = []
    for clue_id, (value, submission_id) in sorted(folded.items()):
        row = _row(value, submission_id, unit.now)
        old = known.get(clue_id)
        if old is None:
            unit.conn.execute(sa.insert(outcome).values(clue_id=clue_id, version=1, **row))
        elif _differs(old, row):
            values = {**row, "version": old.version + 1}
            unit.conn.execute(sa.update(outcome).where(outcome.c.clue_id == clue_id).values(values))
        else:
            continue
        changed.append((clue_id, value))
        _strike(unit, clue_id, value.reappeared - (old.reappeared if old is not None else 0))
    if changed:
        unit.audit(_entry(changed, actor))
    return changed


def list_outcomes(conn: Connection, *, limit: int = 50) -> list[Json]:
    """Return the ``outcomes list`` lines, the newest value first; ``limit`` 0 means all."""
    query = (
        sa.select(outcome, submission.c.id.label("item_id"), batch.c.code)
        .join_from(outcome, submission, submission.c.id == outcome.c.submission_id, isouter=True)
        .outerjoin(batch, batch.c.id == submission.c.batch_id)
        .order_by(outcome.c.at.desc(), outcome.c.clue_id.desc())
    )
    return [_line(row) for row in conn.execute(query.limit(limit) if limit else query)]


def get_outcome(conn: Connection, clue_id: int) -> Json | None:
    """Return the outcome line of one clue, or None when nothing was observed yet."""
    query = (
        sa.select(outcome, submission.c.id.label("item_id"), batch.c.code)
        .join_from(outcome, submission, submission.c.id == outcome.c.submission_id, isouter=True)
        .outerjoin(batch, batch.c.id == submission.c.batch_id)
        .where(outcome.c.clue_id == clue_id)
    )
    row = conn.execute(query).first()
    return None if row is None else _line(row)


def count_outcomes(conn: Connection) -> dict[str, int]:
    """Return how many sent targets have each kind of outcome."""
    query = (
        sa.select(outcome.c.kind, sa.func.count())
        .where(outcome.c.submission_id.is_not(None))
        .group_by(outcome.c.kind)
        .order_by(outcome.c.kind)
    )
    return {row[0]: row[1] for row in conn.execute(query)}


def stored_outcomes(conn: Connection, clue_ids: Collection[int]) -> list[Row[Any]]:
    """Return the stored outcome rows of some clues."""
    return list(conn.execute(sa.select(outcome).where(outcome.c.clue_id.in_(clue_ids))))


def _row(value: Outcome, submission_id: int | None, now: datetime) -> Json:
    return {
        "submission_id": submission_id,
        "kind": value.kind.value,
        "state": value.state.value,
        "cause": value.cause.value,
        "at": value.at or now,
        "first_gone_at": value.first_gone_at,
        "confirmed_at": value.confirmed_at,
        "reappeared": value.reappeared,
    }


def _differs(old: Row[Any], row: Json) -> bool:
    """Tell whether the stored row is another one; the time of a value without observation does not count."""
    stored = old._mapping  # noqa: SLF001 - SQLAlchemy's public row mapping
    kept = {"at"} if row["kind"] == OutcomeKind.UNKNOWN and stored["kind"] == OutcomeKind.UNKNOWN else set()
    return any(stored[name] != value for name, value in row.items() if name not in kept)


def _strike(unit: Unit, clue_id: int, count: int) -> None:
    if count:
        owner = sa.select(clue.c.account_id).where(clue.c.id == clue_id).scalar_subquery()
        unit.conn.execute(sa.update(account).where(account.c.id == owner).values(strikes=account.c.strikes + count))


def _entry(changed: list[tuple[int, Outcome]], actor: Actor) -> AuditFacts:
    names = [public_id("clue", clue_id) for clue_id, _ in changed]
    values = {
        public_id("clue", clue_id): f"{value.kind.value}/{value.state.value}/{value.cause.value}"
        for clue_id, value in changed
    }
    span = names[0] if len(names) == 1 else f"{names[0]}-{names[-1]}"
    return AuditFacts(
        actor=actor, action="outcomes.fold", object_type="outcomes", object_id=span, details={"values": values}
    )


def _line(row: Row[Any]) -> Json:
    return {
        "clue": public_id("clue", row.clue_id),
        "item": None if row.item_id is None else public_id("item", row.item_id),
        "batch": row.code,
        "kind": OutcomeKind(row.kind).value,
        "state": OutcomeState(row.state).value,
        "cause": Cause(row.cause).value,
        "at": row.at.isoformat(),
    }
