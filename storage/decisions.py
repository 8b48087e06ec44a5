"""What people decide about clues, and the changes of state that the machine makes; append-only.

Every change is one row of the ledger and one audit entry; a decision is never edited, an undo is a row that names
the one it reverts. The transition table says what is possible, the version says whether the person saw the clue
as it is. A claim is an attribute that lapses by itself: it keeps two people from reading the same clue, it decides
nothing.
"""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING

import sqlalchemy as sa

from storage.clues import get_clue
from storage.errors import ClaimedError, ConflictError, InputError, NotFoundError, TransitionError
from storage.post_reads import iso
from storage.records import Actor, AuditFacts, ClueState, public_id
from storage.submissions import frozen_submission
from storage.tables import clue, decision
from storage.transitions.clue import CONCLUSIONS, ClueEvent, next_state

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from datetime import datetime

    from sqlalchemy.engine import Connection, Row

    from storage.clues import ClueRow
    from storage.engine import Unit
    from storage.records import Json

CLAIM = timedelta(minutes=5)
"""How long a claim holds unless its holder renews it (design §3)."""

SYSTEM = Actor(name="system")
"""The machine as an actor: it has no role and can only do the system's events."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DecisionRow:
    """One row of a clue's ledger; ``verdict_id`` and ``clue_version`` are what the person saw."""

    id: int
    clue_id: int
    clue_version: int
    event: ClueEvent
    state_from: ClueState
    state_to: ClueState
    category: str | None
    reason: str | None
    of_clue_id: int | None
    actor: str
    via: str
    at: datetime
    verdict_id: int | None
    reverts_id: int | None
    simulated: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What an event leaves behind on a clue beyond its state."""

    category: str | None = None
    reason: str | None = None
    of_clue_id: int | None = None
    reverts_id: int | None = None


def decide_clue(
    unit: Unit,
    clue_id: int,
    conclusion: str,
    *,
    actor: Actor,
    category: str | None = None,
    reason: str | None = None,
    of: int | None = None,
    version: int | None = None,
) -> ClueRow:
    """Record a person's conclusion (confirmed, rejected, unsure, duplicate) and return the clue as it is then.

    ``of`` is the clue that a duplicate repeats. A confirmation without category takes the first one that the
    machine showed.

    Raises:
        NotFoundError: there is no such clue.
        InputError: the conclusion, the category or ``of`` cannot be meant.
        ConflictError: ``version`` is given and the clue has changed since.
        ForbiddenError: the actor's role does not decide.
        TransitionError: the clue's state does not allow it.
    """
    event = CONCLUSIONS.get(conclusion)
    if event is None:
        raise InputError("bad_field", f"{conclusion!r} is none of {', '.join(CONCLUSIONS)}", field="conclusion")
    row = _read_for_change(unit.conn, clue_id, version)
    state = next_state(row.id, row.state, event, actor)
    _check_category(category)
    _check_original(unit.conn, row, event, of)
    if event is ClueEvent.CONFIRM and category is None and row.categories:
        category = row.categories[0]
    change = Change(category=category, reason=_trimmed(reason), of_clue_id=of)
    return _apply(unit, row, state, event=event, actor=actor, change=change)


def decide_clues(
    unit: Unit,
    choices: Sequence[tuple[int, int | None]],
    conclusion: str,
    *,
    actor: Actor,
    category: str | None = None,
    reason: str | None = None,
) -> list[ClueRow]:
    """Record one conclusion about several (clue, version or None); all or none, errors as :func:`decide_clue`."""
    return [
        decide_clue(unit, clue_id, conclusion, actor=actor, category=category, reason=reason, version=version)
        for clue_id, version in sorted(choices)
    ]


def undo_clue(
    unit: Unit, clue_id: int, *, actor: Actor, version: int | None = None, reason: str | None = None
) -> ClueRow:
    """Revert the last decision; the clue waits in the queue again, as if it had not been decided.

    Raises:
        NotFoundError, ConflictError, ForbiddenError: as :func:`decide_clue`.
        TransitionError: there is nothing to revert, or the clue is in a batch beyond drafted.
    """
    row = _read_for_change(unit.conn, clue_id, version)
    state = next_state(row.id, row.state, ClueEvent.UNDO, actor)
    _check_not_frozen(unit.conn, row, ClueEvent.UNDO)
    change = Change(reason=_trimmed(reason), reverts_id=_last_decision(unit.conn, row.id))
    return _apply(unit, row, state, event=ClueEvent.UNDO, actor=actor, change=change)


def reopen_clue(unit: Unit, clue_id: int, *, actor: Actor, reason: str, version: int | None = None) -> ClueRow:
    """Put a settled clue back into the queue, by a person or because what it points to has changed.

    Raises:
        NotFoundError, ConflictError, ForbiddenError: as :func:`decide_clue`.
        TransitionError: the clue is open already, or in a batch beyond drafted.
    """
    row = _read_for_change(unit.conn, clue_id, version)
    state = next_state(row.id, row.state, ClueEvent.REOPEN, actor)
    _check_not_frozen(unit.conn, row, ClueEvent.REOPEN)
    change = Change(reason=_trimmed(reason), reverts_id=_last_decision(unit.conn, row.id))
    return _apply(unit, row, state, event=ClueEvent.REOPEN, actor=actor, change=change)


def claim_clue(unit: Unit, clue_id: int, *, actor: Actor) -> ClueRow:
    """Take or renew the lease on a clue for :data:`CLAIM`; the version stays, nothing is decided.

    Raises:
        NotFoundError: there is no such clue.
        ClaimedError: somebody else holds it.
    """
    row = get_clue(unit.conn, clue_id, lock=True)
    holder = row.holder(unit.now)
    if holder not in (None, actor.name):
        raise ClaimedError(row.key, str(holder))
    claim = {"claimed_by": actor.name, "claim_until": unit.now + CLAIM}
    unit.conn.execute(sa.update(clue).where(clue.c.id == row.id).values(claim))
    return replace(row, claimed_by=actor.name, claim_until=unit.now + CLAIM)


def release_clue(unit: Unit, clue_id: int, *, actor: Actor) -> ClueRow:
    """Give a claim back; a claim of somebody else stays."""
    row = get_clue(unit.conn, clue_id, lock=True)
    if row.claimed_by != actor.name:
        return row
    unit.conn.execute(sa.update(clue).where(clue.c.id == row.id).values(claimed_by=None, claim_until=None))
    return replace(row, claimed_by=None, claim_until=None)


def move_clues(
    unit: Unit, clue_ids: Collection[int], event: ClueEvent, *, reason: str | None = None, actor: Actor = SYSTEM
) -> list[int]:
    """Do one of the system's events to many clues at once; return those whose state allowed it.

    One audit entry covers them all (design §9). Queueing neither changes what a person judges nor ends a
    decision: it leaves the version alone and writes no row of the ledger.
    """
    found = unit.conn.execute(sa.select(clue).where(clue.c.id.in_(clue_ids)).order_by(clue.c.id).with_for_update())
    rows = [row for row in found if _allows(row.id, ClueState(row.state), event, actor)]
    if not rows:
        return []
    target = next_state(rows[0].id, ClueState(rows[0].state), event, actor)
    moved = [row.id for row in rows]
    queued = event is ClueEvent.QUEUE
    values: Json = {"state": target.value, "updated_at": unit.now}
    if not queued:
        values["version"] = clue.c.version + 1
        unit.conn.execute(
            sa.insert(decision),
            [ledger_row(unit, row, target, event=event, actor=actor, reason=reason) for row in rows],
        )
    unit.conn.execute(sa.update(clue).where(clue.c.id.in_(moved)).values(values))
    details = {"clues": [public_id("clue", number) for number in moved], "state_to": target.value}
    span = f"{details['clues'][0]}-{details['clues'][-1]}"
    unit.audit(
        AuditFacts(actor=actor, action=f"clues.{event}", object_type="clues", object_id=span, details=details)
    )
    return moved


def clue_history(conn: Connection, clue_id: int) -> list[DecisionRow]:
    """Return the ledger of one clue, oldest first."""
    found = conn.execute(sa.select(decision).where(decision.c.clue_id == clue_id).order_by(decision.c.id))
    return [_decision_row(dict(row._mapping)) for row in found]  # noqa: SLF001 - SQLAlchemy's public row mapping


def decision_line(row: DecisionRow) -> Json:
    """Return a row of the ledger with public ids, for an answer or a page."""
    line = asdict(row)
    line["at"] = iso(row.at)
    line["decision"] = public_id("decision", line.pop("id"))
    line["clue"] = public_id("clue", line.pop("clue_id"))
    of_clue, reverts = line.pop("of_clue_id"), line.pop("reverts_id")
    line["of"] = None if of_clue is None else public_id("clue", of_clue)
    line["reverts"] = None if reverts is None else public_id("decision", reverts)
    del line["verdict_id"]
    return line


def ledger_row(
    unit: Unit,
    row: ClueRow | Row[tuple[object, ...]],
    state: ClueState,
    *,
    event: ClueEvent,
    actor: Actor,
    reason: str | None,
) -> Json:
    """Return the ledger's row of an event on a clue as it stood before."""
    return {
        "clue_id": row.id,
        "clue_version": row.version,
        "event": event.value,
        "state_from": ClueState(row.state).value,
        "state_to": state.value,
        "reason": reason,
        "actor": actor.name,
        "via": actor.via,
        "at": unit.now,
        "verdict_id": row.verdict_id,
        "simulated": unit.simulated,
    }


def _read_for_change(conn: Connection, clue_id: int, version: int | None) -> ClueRow:
    row = get_clue(conn, clue_id, lock=True)
    if version is not None and version != row.version:
        raise ConflictError("clue", row.key, expected=version, found=row.version)
    return row


def _check_category(category: str | None) -> None:
    if category is not None and not re.fullmatch(r"[a-z][a-z_]{0,39}", category):
        raise InputError("bad_field", f"{category!r} is not the key of a category", field="category")


def _check_original(conn: Connection, row: ClueRow, event: ClueEvent, of: int | None) -> None:
    """Refuse a duplicate of nothing, of itself or of another duplicate, and an original for anything else."""
    if event is not ClueEvent.MARK_DUPLICATE:
        if of is not None:
            raise InputError("bad_field", "only a duplicate names another clue", field="of")
        return
    if of is None:
        raise InputError("bad_field", "a duplicate needs the clue that it repeats", field="of")
    if of == row.id:
        raise InputError("bad_field", f"{row.key} cannot repeat itself", field="of")
    state = conn.execute(sa.select(clue.c.state).where(clue.c.id == of)).scalar()
    if state is None:
        raise NotFoundError("clue", public_id("clue", of))
    if state == ClueState.DUPLICATE:
        raise InputError("bad_field", f"{public_id('clue', of)} is a duplicate itself", field="of")


def _check_not_frozen(conn: Connection, row: ClueRow, event: ClueEvent) -> None:
    if item := frozen_submission(conn, row.id):
        raise TransitionError("clue", row.key, f"{row.state} and submitted as {item.item}", event)


def _last_decision(conn: Connection, clue_id: int) -> int | None:
    return conn.execute(sa.select(sa.func.max(decision.c.id)).where(decision.c.clue_id == clue_id)).scalar()


def _apply(
    unit: Unit, row: ClueRow, state: ClueState, *, event: ClueEvent, actor: Actor, change: Change
) -> ClueRow:
    """Write the new state, the row of the ledger and the audit entry."""
    decided = state not in (ClueState.NEW, ClueState.QUEUED)
    new = replace(
        row,
        state=state,
        version=row.version + 1,
        category=change.category,
        decided_by=actor.name if decided else None,
        decided_at=unit.now if decided else None,
        claimed_by=None,
        claim_until=None,
        updated_at=unit.now,
    )
    done = unit.conn.execute(
        sa.update(clue)
        .where(clue.c.id == row.id, clue.c.version == row.version)
        .values({name: getattr(new, name) for name in _CHANGED})
    )
    if done.rowcount != 1:
        raise ConflictError("clue", row.key, expected=row.version, found=row.version + 1)
    entry = ledger_row(unit, row, state, event=event, actor=actor, reason=change.reason) | asdict(change)
    written = unit.conn.execute(sa.insert(decision).values(entry)).inserted_primary_key
    number = written[0] if written else 0
    details = {
        "state_from": row.state.value,
        "state_to": state.value,
        "version": new.version,
        "decision": public_id("decision", number),
    }
    unit.audit(
        AuditFacts(actor=actor, action=f"clue.{event}", object_type="clue", object_id=row.key, details=details)
    )
    return new


_CHANGED = (
    "state",
    "version",
    "category",
    "decided_by",
    "decided_at",
    "claimed_by",
    "claim_until",
    "updated_at",
)


def _allows(clue_id: int, state: ClueState, event: ClueEvent, actor: Actor) -> bool:
    try:
        next_state(clue_id, state, event, actor)
    except TransitionError:
        return False
    return True


def _trimmed(reason: str | None) -> str | None:
    return (reason or "").strip() or None


def _decision_row(values: Json) -> DecisionRow:
    values["event"] = ClueEvent(values["event"])
    values["state_from"] = ClueState(values["state_from"])
    values["state_to"] = ClueState(values["state_to"])
    return DecisionRow(**values)
