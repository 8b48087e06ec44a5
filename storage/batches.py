"""Weekly batches: rows, candidates for a draft, and the changes of a batch with their audit entries."""

from __future__ import annotations

import zlib
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from storage.errors import ConflictError, NotFoundError
from storage.records import AuditFacts, BatchState, ClueState, SubmissionState
from storage.tables import batch, clue, outcome, submission
from storage.transitions.batch import BatchEvent, next_state

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy.engine import Connection, Row

    from storage.engine import Unit
    from storage.records import Actor, Json

_DRAFT_LOCK = 0x5159_4241_0000_0000  # "QYBA": drafts of one channel take turns on PostgreSQL


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """One batch; ``code`` is its public id, ``frozen`` what its package is built from."""

    number: int
    code: str
    channel: str
    channel_version: str
    week: str
    state: BatchState
    version: int
    drafted_by: str
    drafted_at: datetime
    proposed_by: str | None
    approved_by: str | None
    exported_at: datetime | None
    sent_at: datetime | None
    receipt: str | None
    note: str | None
    package_sha256: str | None
    package_size: int | None
    frozen: Json | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A confirmed clue that may join a draft, with what is known of its target."""

    clue_id: int
    platform: str
    target_kind: str
    target_native_id: str
    url: str | None
    decided_by: str
    decided_at: datetime
    outcome_kind: str | None
    outcome_state: str | None
    outcome_cause: str | None
    first_gone_at: datetime | None


def get_batch(conn: Connection, code: str, *, lock: bool = False) -> Batch:
    """Return one batch; ``lock`` holds its row until the end of the transaction.

    Raises:
        NotFoundError: there is no such batch.
    """
    query = sa.select(batch).where(batch.c.code == code)
    row = conn.execute(query.with_for_update() if lock else query).first()
    if row is None:
        raise NotFoundError("batch", code)
    return _record(row)


def list_batches(conn: Connection, *, channel: str | None = None, limit: int = 50) -> list[tuple[Batch, int]]:
    """Return batches with their number of items that were not struck, newest first; ``limit`` 0 means all."""
    counted = (
        sa.select(sa.func.count())
        .where(submission.c.batch_id == batch.c.id, submission.c.state != SubmissionState.WITHDRAWN.value)
        .correlate(batch)
        .scalar_subquery()
    )
    query = sa.select(batch, counted.label("items")).order_by(batch.c.id.desc())
    if channel is not None:
        query = query.where(batch.c.channel == channel)
    if limit:
        query = query.limit(limit)
    return [(_record(row), row.items) for row in conn.execute(query)]


def count_items(conn: Connection, batch_id: int) -> int:
    """Return how many items of a batch were not struck."""
    return conn.execute(
        sa.select(sa.func.count()).where(
            submission.c.batch_id == batch_id, submission.c.state != SubmissionState.WITHDRAWN.value
        )
    ).scalar_one()


def open_draft(conn: Connection, channel: str, week: str) -> Batch | None:
    """Return the batch of a channel and week that still takes items, or None."""
    states = (BatchState.DRAFTED.value, BatchState.RETURNED.value)
    query = sa.select(batch).where(batch.c.channel == channel, batch.c.week == week, batch.c.state.in_(states))
    row = conn.execute(query.order_by(batch.c.number.desc()).limit(1).with_for_update()).first()
    return None if row is None else _record(row)


def previous_package(conn: Connection, one: Batch) -> Json | None:
    """Return ``{batch, sha256}`` of the channel's last package before this batch, or None."""
    row = conn.execute(
        sa.select(batch.c.code, batch.c.package_sha256)
        .where(batch.c.channel == one.channel, batch.c.id != one.number, batch.c.package_sha256.is_not(None))
        .order_by(batch.c.exported_at.desc(), batch.c.id.desc())
        .limit(1)
    ).first()
    return None if row is None else {"batch": row.code, "sha256": row.package_sha256}


def lock_channel(unit: Unit, channel: str) -> None:
    """Let drafts of one channel take turns until the end of the transaction (on SQLite every writer does)."""
    if unit.conn.dialect.name == "postgresql":
        key = _DRAFT_LOCK | zlib.crc32(channel.encode())
        unit.conn.execute(sa.select(sa.func.pg_advisory_xact_lock(key)))


def add_batch(unit: Unit, *, channel: str, channel_version: str, week: str, actor: Actor) -> Batch:
    """Add an empty draft: ``<week>-<channel>``, the second of the week ends in ``-2``."""
    last = unit.conn.execute(
        sa.select(sa.func.max(batch.c.number)).where(batch.c.channel == channel, batch.c.week == week)
    ).scalar()
    number = (last or 0) + 1
    code = f"{week}-{channel}" if number == 1 else f"{week}-{channel}-{number}"
    unit.conn.execute(
        sa.insert(batch).values(
            code=code,
            channel=channel,
            channel_version=channel_version,
            week=week,
            number=number,
            state=BatchState.DRAFTED.value,
            drafted_by=actor.name,
            drafted_at=unit.now,
            simulated=unit.simulated,
        )
    )
    return get_batch(unit.conn, code)


def candidates(conn: Connection, *, after: int, limit: int) -> list[Candidate]:
    """Return confirmed clues with ids above ``after``, by id."""
    rows = conn.execute(
        sa.select(clue, outcome.c.kind, outcome.c.state.label("outcome_state"), outcome.c.cause)
        .add_columns(outcome.c.first_gone_at)
        .join_from(clue, outcome, outcome.c.clue_id == clue.c.id, isouter=True)
        .where(clue.c.state == ClueState.CONFIRMED.value, clue.c.id > after)
        .order_by(clue.c.id)
        .limit(limit)
    )
    return [
        Candidate(
            clue_id=row.id,
            platform=row.platform,
            target_kind=row.target_kind,
            target_native_id=row.target_native_id,
            url=row.url,
            decided_by=row.decided_by,
            decided_at=row.decided_at,
            outcome_kind=row.kind,
            outcome_state=row.outcome_state,
            outcome_cause=row.cause,
            first_gone_at=row.first_gone_at,
        )
        for row in rows
    ]


def change_batch(
    unit: Unit,
    one: Batch,
    event: BatchEvent,
    *,
    actor: Actor,
    values: Json | None = None,
    details: Json | None = None,
) -> Batch:
    """Take a batch one step and queue its audit entry.

    ``values`` are columns set beside the state, ``details`` what the audit entry says beside the two states.

    Raises:
        ForbiddenError, TransitionError: as :func:`storage.transitions.batch.next_state`.
        ConflictError: somebody else changed it first.
    """
    state = next_state(one.code, one.state, event, actor)
    changed = {"state": state.value, "version": one.version + 1, **(values or {})}
    done = unit.conn.execute(
        sa.update(batch).where(batch.c.id == one.number, batch.c.version == one.version).values(changed)
    )
    if done.rowcount != 1:
        raise ConflictError("batch", one.code, expected=one.version, found=one.version + 1)
    unit.audit(
        AuditFacts(
            actor=actor,
            action=f"batch.{event.name.lower()}",
            object_type="batch",
            object_id=one.code,
            details={"state_from": one.state.value, "state_to": state.value, **(details or {})},
        )
    )
    return replace(one, state=state, version=one.version + 1)


def set_frozen(unit: Unit, one: Batch, frozen: Json) -> None:
    """Write what the package is built from; the state stays."""
    unit.conn.execute(sa.update(batch).where(batch.c.id == one.number).values(frozen=frozen))


def _record(row: Row[Any]) -> Batch:
    return Batch(
        number=row.id,
        code=row.code,
        channel=row.channel,
        channel_version=row.channel_version,
        week=row.week,
        state=BatchState(row.state),
        version=row.version,
        drafted_by=row.drafted_by,
        drafted_at=row.drafted_at,
        proposed_by=row.proposed_by,
        approved_by=row.approved_by,
        exported_at=row.exported_at,
        sent_at=row.sent_at,
        receipt=row.receipt,
        note=row.note,
        package_sha256=row.package_sha256,
        package_size=row.package_size,
        frozen=row.frozen,
    )
