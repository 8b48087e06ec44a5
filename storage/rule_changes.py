"""Changes to the rules: proposed, tried, put in force by a second person; every step is audited.

A change is one whole file. Its activation is two short units with the writing of the file between them: the first
says who decided and what will stand there, the second that it stands there. Whatever is killed between the two is
ended by the next command that looks (:func:`activating_changes`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from storage.decisions import SYSTEM
from storage.errors import BaseChangedError, NotFoundError, OwnChangeError
from storage.post_reads import iso
from storage.records import AuditFacts, ChangeKind, ChangeState, public_id
from storage.rulesets import keep_file
from storage.tables import rule_change
from storage.transitions.rule_change import AUTHORS, ChangeEvent, check_role, next_state

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy.engine import Connection, Row

    from storage.engine import Unit
    from storage.records import Actor, Json

OPEN_STATES = (ChangeState.PROPOSED, ChangeState.TRIED)
"""States in which a change waits for people."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeFacts:
    """A change before it is stored; ``file`` is named below the overlay folder, as ``lexicons/offer.yml``.

    ``base_sha256`` is the file in force that it replaces, None where there is none.
    """

    file: str
    content: bytes
    base_sha256: str | None
    base_ruleset: str
    kind: ChangeKind = ChangeKind.FILE
    clue_id: int | None = None
    note: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeRow:
    """One change as stored; ``trial`` is what its last trial showed, in numbers."""

    id: int
    state: ChangeState
    kind: ChangeKind
    file: str
    sha256: str
    base_sha256: str | None
    base_ruleset: str
    clue_id: int | None
    note: str | None
    author: str
    via: str
    created_at: datetime
    tried_by: str | None
    tried_at: datetime | None
    trial: Json | None
    decided_by: str | None
    decided_at: datetime | None
    reason: str | None
    ruleset_before: str | None
    ruleset_after: str | None
    ended_at: datetime | None
    simulated: bool

    @property
    def key(self) -> str:
        """The public id, such as ``x3``."""
        return public_id("change", self.id)


def change_line(row: ChangeRow) -> Json:
    """Return the ``lexicon history`` line of a change."""
    return {
        "change": row.key,
        "state": row.state.value,
        "kind": row.kind.value,
        "file": row.file,
        "sha256": row.sha256,
        "clue": None if row.clue_id is None else public_id("clue", row.clue_id),
        "note": row.note,
        "author": row.author,
        "at": iso(row.created_at),
        "tried": _step(row.tried_by, row.tried_at),
        "decided": _step(row.decided_by, row.decided_at),
        "reason": row.reason,
        "ruleset": {"before": row.ruleset_before, "after": row.ruleset_after},
        "base": {"sha256": row.base_sha256, "ruleset": row.base_ruleset},
        "trial": row.trial,
    }


def _step(by: str | None, at: datetime | None) -> Json | None:
    return None if by is None else {"by": by, "at": iso(at)}


def add_change(unit: Unit, facts: ChangeFacts, *, actor: Actor) -> ChangeRow:
    """Store a proposed change; the same file proposed again by the same person while it is open stays one.

    Raises:
        ForbiddenError: the actor's role does not propose rules.
    """
    check_role(actor, "propose a change to the rules", needs=AUTHORS)
    sha256 = keep_file(unit, facts.content)
    known = _open_twin(unit.conn, facts, sha256, actor.name)
    if known is not None:
        return known
    values = {
        "state": ChangeState.PROPOSED.value,
        "kind": facts.kind.value,
        "file": facts.file,
        "sha256": sha256,
        "base_sha256": facts.base_sha256,
        "base_ruleset": facts.base_ruleset,
        "clue_id": facts.clue_id,
        "note": (facts.note or "").strip() or None,
        "author": actor.name,
        "via": actor.via,
        "created_at": unit.now,
        "simulated": unit.simulated,
    }
    number = unit.conn.execute(sa.insert(rule_change).values(values)).inserted_primary_key[0]  # type: ignore[index]  # one row was inserted
    row = get_change(unit.conn, number)
    _audit(unit, row, "add", actor, {"kind": row.kind.value, "base_sha256": row.base_sha256})
    return row


def get_change(conn: Connection, change_id: int, *, lock: bool = False) -> ChangeRow:
    """Return one change; ``lock`` holds its row until the end of the transaction; raise NotFoundError."""
    query = sa.select(rule_change).where(rule_change.c.id == change_id)
    found = conn.execute(query.with_for_update() if lock else query).first()
    if found is None:
        raise NotFoundError("change", public_id("change", change_id))
    return _row(found)


def list_changes(conn: Connection, *, limit: int = 50) -> list[ChangeRow]:
    """Return changes, the newest first; ``limit`` 0 means all."""
    query = sa.select(rule_change).order_by(rule_change.c.id.desc())
    return [_row(row) for row in conn.execute(query.limit(limit) if limit else query)]


def active_changes(conn: Connection) -> dict[str, ChangeRow]:
    """Return the changes in force by their file."""
    found = conn.execute(sa.select(rule_change).where(rule_change.c.state == ChangeState.ACTIVE.value))
    return {row.file: _row(row) for row in found}


def activating_changes(conn: Connection) -> list[ChangeRow]:
    """Return the changes whose activation was begun and not ended, the oldest first."""
    wanted = rule_change.c.state == ChangeState.ACTIVATING.value
    return [_row(row) for row in conn.execute(sa.select(rule_change).where(wanted).order_by(rule_change.c.id))]


def open_changes_of(conn: Connection, file: str, sha256: str) -> list[ChangeRow]:
    """Return the open changes that would put exactly this file there."""
    query = sa.select(rule_change).where(
        rule_change.c.file == file, rule_change.c.sha256 == sha256, rule_change.c.state.in_(OPEN_STATES)
    )
    return [_row(row) for row in conn.execute(query.order_by(rule_change.c.id))]


def record_trial(unit: Unit, change_id: int, trial: Json, *, actor: Actor) -> ChangeRow:
    """Store what a trial showed; ``trial["ruleset"]`` names the ruleset before and after.

    Raises:
        NotFoundError, ForbiddenError, TransitionError: as :func:`next_state`.
    """
    row = get_change(unit.conn, change_id, lock=True)
    state = next_state(row.id, row.state, ChangeEvent.TRY, actor)
    values = {"state": state.value, "tried_by": actor.name, "tried_at": unit.now, "trial": trial}
    return _update(unit, row, values, action="try", actor=actor, details={"ruleset": trial["ruleset"]})


def begin_activation(
    unit: Unit, change_id: int, *, actor: Actor, in_force: str | None, before: str, after: str
) -> ChangeRow:
    """Record the decision to put a change in force; its file is written next.

    ``in_force`` is the hash of the file that stands there now; ``before`` and ``after`` are the versions of the
    ruleset without and with the change.

    Raises:
        NotFoundError, ForbiddenError, TransitionError: as :func:`next_state`; an untried change is refused.
        OwnChangeError: the actor is its author.
        BaseChangedError: another file is in force than the one it replaces, or other rules than it was tried on.
    """
    row = get_change(unit.conn, change_id, lock=True)
    state = next_state(row.id, row.state, ChangeEvent.ACTIVATE, actor)
    if actor.name == row.author:
        raise OwnChangeError(actor.name, row.key)
    if in_force != row.base_sha256:
        raise BaseChangedError(row.key, f"{row.file} has changed since; make the change again")
    tried = (row.trial or {}).get("ruleset")
    if tried != {"before": before, "after": after}:
        raise BaseChangedError(row.key, "it was tried on other rules than those in force; try it again")
    values = {
        "state": state.value,
        "decided_by": actor.name,
        "decided_at": unit.now,
        "ruleset_before": before,
        "ruleset_after": after,
    }
    return _update(unit, row, values, action="activate", actor=actor, details={"ruleset": tried})


def finish_activation(unit: Unit, change_id: int) -> ChangeRow | None:
    """Record that the file of a change stands in its place; None when somebody else has done so."""
    row = get_change(unit.conn, change_id, lock=True)
    if row.state is not ChangeState.ACTIVATING:
        return None
    for older in _active_of(unit.conn, row.file):
        target = next_state(older.id, older.state, ChangeEvent.SUPERSEDE, SYSTEM)
        _update(unit, older, {"state": target.value}, action="supersede", actor=SYSTEM, details={"by": row.key})
    state = next_state(row.id, row.state, ChangeEvent.FINISH, SYSTEM)
    return _update(unit, row, {"state": state.value, "ended_at": unit.now}, action="finish", actor=SYSTEM)


def fail_activation(unit: Unit, change_id: int, *, reason: str) -> ChangeRow | None:
    """Record that the file of a change could not be put in its place; None when somebody else has ended it."""
    row = get_change(unit.conn, change_id, lock=True)
    if row.state is not ChangeState.ACTIVATING:
        return None
    state = next_state(row.id, row.state, ChangeEvent.FAIL, SYSTEM)
    values = {"state": state.value, "reason": reason, "ended_at": unit.now}
    return _update(unit, row, values, action="fail", actor=SYSTEM, details={"reason": reason})


def reject_change(unit: Unit, change_id: int, *, actor: Actor, reason: str | None = None) -> ChangeRow:
    """Put an open change away for good; the author may do so too.

    Raises:
        NotFoundError, ForbiddenError, TransitionError: as :func:`next_state`.
    """
    row = get_change(unit.conn, change_id, lock=True)
    state = next_state(row.id, row.state, ChangeEvent.REJECT, actor)
    values = {
        "state": state.value,
        "reason": (reason or "").strip() or None,
        "decided_by": actor.name,
        "decided_at": unit.now,
        "ended_at": unit.now,
    }
    return _update(unit, row, values, action="reject", actor=actor)


def _open_twin(conn: Connection, facts: ChangeFacts, sha256: str, author: str) -> ChangeRow | None:
    for row in open_changes_of(conn, facts.file, sha256):
        if row.author == author and row.base_sha256 == facts.base_sha256 and row.clue_id == facts.clue_id:
            return row
    return None


def _active_of(conn: Connection, file: str) -> list[ChangeRow]:
    wanted = (rule_change.c.file == file, rule_change.c.state == ChangeState.ACTIVE.value)
    return [_row(row) for row in conn.execute(sa.select(rule_change).where(*wanted))]


def _update(
    unit: Unit, row: ChangeRow, values: Json, *, action: str, actor: Actor, details: Json | None = None
) -> ChangeRow:
    unit.conn.execute(sa.update(rule_change).where(rule_change.c.id == row.id).values(values))
    _audit(unit, row, action, actor, details or {})
    return get_change(unit.conn, row.id)


def _audit(unit: Unit, row: ChangeRow, action: str, actor: Actor, details: Json) -> None:
    unit.audit(
        AuditFacts(
            actor=actor,
            action=f"rule_change.{action}",
            object_type="rule_change",
            object_id=row.key,
            details={"file": row.file, "sha256": row.sha256, **details},
        )
    )


def _row(found: Row[Any]) -> ChangeRow:
    values = dict(found._mapping)  # noqa: SLF001 - SQLAlchemy's public row mapping
    values |= {"state": ChangeState(values["state"]), "kind": ChangeKind(values["kind"])}
    return ChangeRow(**values)
