"""Submissions: one clue through one channel, one attempt; every change leaves an event."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from storage.errors import ConflictError, NotFoundError
from storage.records import SubmissionState, public_id
from storage.tables import submission, submission_event
from storage.transitions.submission import BEYOND_DRAFT, SubmissionEvent, next_state

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from datetime import datetime

    from sqlalchemy.engine import Connection, Row

    from storage.engine import Unit
    from storage.records import Actor, Json


@dataclass(frozen=True, slots=True, kw_only=True)
class Submission:
    """One item of a batch; ``number`` is the database's id, :attr:`item` the public one."""

    number: int
    clue_id: int
    channel: str
    attempt: int
    batch_id: int
    previous_id: int | None
    state: SubmissionState
    version: int
    platform: str
    target_kind: str
    target_native_id: str
    url: str | None
    decided_by: str
    proposed_by: str | None
    approved_by: str | None
    sent_at: datetime | None
    struck_why: str | None
    frozen: Json | None

    @property
    def item(self) -> str:
        """The id that people and files see."""
        return public_id("item", self.number)

    @property
    def clue(self) -> str:
        """The public id of its clue."""
        return public_id("clue", self.clue_id)


def frozen_submission(conn: Connection, clue_id: int) -> Submission | None:
    """Return a submission that freezes the clue's decision (its batch is beyond drafted), or None."""
    states = [state.value for state in (*BEYOND_DRAFT, SubmissionState.CLOSED)]
    row = conn.execute(
        sa.select(submission)
        .where(submission.c.clue_id == clue_id, submission.c.state.in_(states))
        .order_by(submission.c.id.desc())
        .limit(1)
    ).first()
    return None if row is None else _record(row)


def get_submission(conn: Connection, number: int) -> Submission:
    """Return one submission; raise NotFoundError when there is none."""
    row = conn.execute(sa.select(submission).where(submission.c.id == number)).first()
    if row is None:
        raise NotFoundError("item", public_id("item", number))
    return _record(row)


def submissions_of_batch(conn: Connection, batch_id: int, *, live: bool = True) -> list[Submission]:
    """Return the items of a batch by id; ``live`` leaves out those that were struck."""
    query = sa.select(submission).where(submission.c.batch_id == batch_id).order_by(submission.c.id)
    if live:
        query = query.where(submission.c.state != SubmissionState.WITHDRAWN.value)
    return [_record(row) for row in conn.execute(query)]


def submissions_of_clue(conn: Connection, clue_id: int) -> list[Submission]:
    """Return every submission of a clue, oldest first."""
    return submissions_of_clues(conn, [clue_id]).get(clue_id, [])


def submissions_of_clues(
    conn: Connection, clue_ids: Collection[int], *, states: Collection[SubmissionState] = tuple(SubmissionState)
) -> dict[int, list[Submission]]:
    """Return the submissions of clues by clue id, oldest first, as far as they are in these states."""
    query = (
        sa.select(submission)
        .where(submission.c.clue_id.in_(clue_ids), submission.c.state.in_([state.value for state in states]))
        .order_by(submission.c.id)
    )
    found: dict[int, list[Submission]] = {}
    for row in conn.execute(query):
        found.setdefault(row.clue_id, []).append(_record(row))
    return found


def attempts_on(
    conn: Connection, channel: str, targets: Collection[tuple[str, str]]
) -> dict[tuple[str, str], list[Submission]]:
    """Return all submissions through a channel of some targets ``(platform, native id)``, oldest first.

    The key has no target kind: whatever clue points there, a platform gets one request at a time.
    """
    pair = sa.tuple_(submission.c.platform, submission.c.target_native_id)
    query = (
        sa.select(submission)
        .where(submission.c.channel == channel, pair.in_(sorted(targets)))
        .order_by(submission.c.id)
    )
    found: dict[tuple[str, str], list[Submission]] = {}
    for row in conn.execute(query):
        found.setdefault((row.platform, row.target_native_id), []).append(_record(row))
    return found


def add_items(unit: Unit, rows: Sequence[Json], *, actor: Actor) -> None:
    """Add drafted submissions with their first events; rows name all columns but state and version."""
    if not rows:
        return
    shared = {"state": SubmissionState.DRAFTED.value, "version": 1, "simulated": unit.simulated}
    made = unit.conn.execute(
        sa.insert(submission).returning(submission.c.id), [{**row, **shared} for row in rows]
    ).scalars()
    events = [{"submission_id": number, "state_from": None, "state_to": "drafted"} for number in sorted(made)]
    add_events(unit, events, event="draft", actor=actor)


def take_over(unit: Unit, items: Sequence[Submission], deciders: Mapping[int, str]) -> list[Submission]:
    """Write who decided each item's clue last, by clue id, and return the items with it."""
    for item in items:
        if deciders[item.clue_id] != item.decided_by:
            values = {"decided_by": deciders[item.clue_id]}
            unit.conn.execute(sa.update(submission).where(submission.c.id == item.number).values(values))
    return [replace(item, decided_by=deciders[item.clue_id]) for item in items]


def set_frozen(unit: Unit, frozen: Mapping[int, Json]) -> None:
    """Write what each item says of its target into its row, by submission number."""
    if not frozen:
        return
    of_row: sa.BindParameter[int] = sa.bindparam("row_id")
    statement = sa.update(submission).where(submission.c.id == of_row).values(frozen=sa.bindparam("facts"))
    unit.conn.execute(statement, [{"row_id": number, "facts": facts} for number, facts in frozen.items()])


def events_of(conn: Connection, number: int) -> list[dict[str, Any]]:
    """Return the events of one submission, oldest first."""
    query = (
        sa.select(submission_event)
        .where(submission_event.c.submission_id == number)
        .order_by(submission_event.c.id)
    )
    return [dict(row._mapping) for row in conn.execute(query)]  # noqa: SLF001 - SQLAlchemy's public row mapping


def change(
    unit: Unit,
    items: Sequence[Submission],
    event: SubmissionEvent,
    *,
    actor: Actor,
    note: str | None = None,
    values: Json | None = None,
) -> None:
    """Take items one step along the submission axis, each with its event; ``values`` are set beside the state.

    All items are checked before any is changed, so that a bulk change happens whole or not at all.

    Raises:
        TransitionError: an item's state does not allow the event.
        ConflictError: an item was changed since it was read.
    """
    targets = [next_state(item.number, item.state, event) for item in items]
    for item, target in zip(items, targets, strict=True):
        done = unit.conn.execute(
            sa.update(submission)
            .where(submission.c.id == item.number, submission.c.version == item.version)
            .values(state=target.value, version=item.version + 1, **(values or {}))
        )
        if not done.rowcount:
            raise ConflictError("item", item.item, expected=item.version, found=item.version + 1)
    add_events(
        unit,
        [
            {"submission_id": item.number, "state_from": item.state.value, "state_to": target.value}
            for item, target in zip(items, targets, strict=True)
        ],
        event=event.value,
        actor=actor,
        note=note,
    )


def add_events(unit: Unit, rows: Sequence[Json], *, event: str, actor: Actor, note: str | None = None) -> None:
    """Append submission events; each row names ``submission_id``, ``state_from`` and ``state_to``."""
    if not rows:
        return
    shared = {
        "at": unit.now,
        "event": event,
        "actor": actor.name,
        "note": note,
        "simulated": unit.simulated,
    }
    unit.conn.execute(sa.insert(submission_event), [{**shared, **row} for row in rows])


def _record(row: Row[Any]) -> Submission:
    return Submission(
        number=row.id,
        clue_id=row.clue_id,
        channel=row.channel,
        attempt=row.attempt,
        batch_id=row.batch_id,
        previous_id=row.previous_id,
        state=SubmissionState(row.state),
        version=row.version,
        platform=row.platform,
        target_kind=row.target_kind,
        target_native_id=row.target_native_id,
        url=row.url,
        decided_by=row.decided_by,
        proposed_by=row.proposed_by,
        approved_by=row.approved_by,
        sent_at=row.sent_at,
        struck_why=row.struck_why,
        frozen=row.frozen,
    )
