"""A person's own observation of a target: recorded under their name, counted as a sighting, never as a proof."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING

from reporting.outcomes import fold_clues
from reporting.weeks import SHANGHAI
from storage.clues import get_clue
from storage.errors import ForbiddenError, InputError, TransitionError
from storage.followed import followed_clues
from storage.observations import last_by_person, record_observation
from storage.outcomes import get_outcome
from storage.records import AuditFacts, ObservationMethod, OutcomeKind, Role, parse_id

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy.engine import Connection

    from storage.engine import Store, Unit
    from storage.records import Actor, Json

OBSERVERS = (Role.ANALYST, Role.SENIOR, Role.COMPLIANCE)
"""Roles that record what they saw."""

LONGEST_NOTE = 2000


def observe_outcome(
    store: Store, clue: str, kind: str, *, note: str, at: datetime | None = None, now: datetime, actor: Actor
) -> Json:
    """Record what a person saw of a clue's target; return its line of ``outcomes list`` as it is then.

    ``at`` is when it was seen (now unless given). It folds as provisional: only a probe confirms (contracts §6).
    The same person saying the same of the same day once more changes nothing.

    Raises:
        ForbiddenError: the actor does not record observations.
        NotFoundError: there is no such clue.
        InputError: the kind is none of the outcome kinds, the note is empty or too long, ``at`` lies ahead.
        TransitionError: the clue is neither confirmed nor submitted, so that its target is not followed.
    """
    if actor.role not in OBSERVERS:
        raise ForbiddenError(actor.name, "record an observation", needs=OBSERVERS)
    seen, note, clue_id = _kind(kind), _note(note), parse_id("clue", clue)
    if at is not None and at > now:
        raise InputError("bad_field", f"{at.isoformat()} is later than now", field="at")
    with store.write(now) as unit:
        _check_followed(unit.conn, clue_id)
        _record(unit, clue_id, seen, note=note, at=at, actor=actor)
    fold_clues(store, [clue_id], now=now)
    with store.read() as conn:
        return get_outcome(conn, clue_id) or {}


def _kind(text: str) -> OutcomeKind:
    try:
        return OutcomeKind(text)
    except ValueError:
        kinds = ", ".join(kind.value for kind in OutcomeKind)
        raise InputError("bad_field", f"{text!r} is no outcome; choose one of {kinds}", field="kind") from None


def _note(text: str) -> str:
    note = text.strip()
    if not note or len(note) > LONGEST_NOTE:
        message = f"say in 1 to {LONGEST_NOTE} characters what was seen, where and how"
        raise InputError("bad_field", message, field="note")
    return note


def _check_followed(conn: Connection, clue_id: int) -> None:
    row = get_clue(conn, clue_id, lock=True)
    if not followed_clues(conn, [clue_id]):
        raise TransitionError(
            "clue", row.key, f"{row.state}, neither confirmed nor submitted", "observing its target"
        )


def _record(unit: Unit, clue_id: int, kind: OutcomeKind, *, note: str, at: datetime | None, actor: Actor) -> None:
    """Add the observation and its audit entry, unless it repeats the person's last one of the same day."""
    moment = at or unit.now
    last = last_by_person(unit.conn, clue_id, actor.name)
    day = moment.astimezone(SHANGHAI).date()
    same_day = last is not None and last["at"].astimezone(SHANGHAI).date() == day
    if last is not None and same_day and (last["kind"], last["note"]) == (kind, note):
        return
    said = json.dumps([actor.name, kind, note, day.isoformat(), last["id"] if last else 0], ensure_ascii=False)
    added = record_observation(
        unit,
        clue_id=clue_id,
        key=f"person:{hashlib.sha256(said.encode()).hexdigest()}",
        at=moment,
        kind=kind,
        method=ObservationMethod.PERSON,
        actor=actor,
        note=note,
    )
    if added:
        details = {"kind": kind.value, "at": moment.isoformat()}
        name = get_clue(unit.conn, clue_id).key
        entry = AuditFacts(
            actor=actor, action="outcome.observe", object_type="clue", object_id=name, details=details
        )
        unit.audit(entry)
