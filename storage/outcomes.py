"""Outcomes: the current value per clue, kept beside the observations that it is folded from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from storage.records import AuditFacts, Cause, ClueState, OutcomeKind, OutcomeState, public_id
from storage.tables import account, batch, clue, outcome, post, submission

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from datetime import datetime

    from sqlalchemy.engine import Connection, Row

    from storage.engine import Unit
    from storage.records import Actor, Json
    from storage.transitions.outcome import Outcome


@dataclass(frozen=True, slots=True, kw_only=True)
class Followed:
    """A clue whose target is followed: confirmed, or sent at some time.

    ``sent_at`` is its first sending, ``resent_at`` the last one, ``submission_id`` the last item that was sent.
    """

    clue_id: int
    platform: str
    native_id: str
    target_kind: str
    source: str
    url: str | None
    confirmed: bool
    decided_at: datetime | None
    first_seen: datetime
    account_id: int | None
    sent_at: datetime | None
    resent_at: datetime | None
    submission_id: int | None


def followed(
    conn: Connection, *, after: int = 0, limit: int = 200, until: datetime | None = None
) -> list[Followed]:
    """Return followed clues with ids above ``after``, by id; ``until`` takes no later decision or sending in."""
    return _followed(conn, clue.c.id > after, limit=limit, until=until)


def followed_clues(conn: Connection, clue_ids: Collection[int]) -> list[Followed]:
    """Return those of these clues that are followed, by id."""
    return _followed(conn, clue.c.id.in_(clue_ids))


def save_outcomes(
    unit: Unit, folded: Mapping[int, tuple[Outcome, int | None]], *, actor: Actor
) -> list[tuple[int, Outcome]]:
    """Write the folded outcome (with the item it belongs to) of each clue that has changed; return those.

    A target that came back adds a strike to its account; the changes of one call share an audit entry.
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


def _followed(
    conn: Connection, where: sa.ColumnElement[bool], *, limit: int | None = None, until: datetime | None = None
) -> list[Followed]:
    was_sent = submission.c.sent_at.is_not(None) if until is None else submission.c.sent_at <= until
    confirmed = clue.c.state == ClueState.CONFIRMED.value
    if until is not None:
        confirmed = sa.and_(confirmed, clue.c.decided_at <= until)
    sent = (
        sa.select(
            submission.c.clue_id,
            sa.func.min(submission.c.sent_at).label("sent_at"),
            sa.func.max(submission.c.sent_at).label("resent_at"),
            sa.func.max(submission.c.id).label("submission_id"),
        )
        .where(was_sent)
        .group_by(submission.c.clue_id)
        .subquery()
    )
    query = (
        sa.select(clue, post.c.source, post.c.first_seen, sent.c.sent_at, sent.c.resent_at, sent.c.submission_id)
        .join_from(clue, post, post.c.id == clue.c.post_id)
        .outerjoin(sent, sent.c.clue_id == clue.c.id)
        .where(where, sa.or_(confirmed, sent.c.sent_at.is_not(None)))
        .order_by(clue.c.id)
    )
    rows = conn.execute(query.limit(limit) if limit else query)
    return [
        Followed(
            clue_id=row.id,
            platform=row.platform,
            native_id=row.target_native_id,
            target_kind=row.target_kind,
            source=row.source,
            url=row.url,
            confirmed=row.state == ClueState.CONFIRMED,
            decided_at=row.decided_at,
            first_seen=row.first_seen,
            account_id=row.account_id,
            sent_at=row.sent_at,
            resent_at=row.resent_at,
            submission_id=row.submission_id,
        )
        for row in rows
    ]


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
    if count > 0:
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
