"""The review axis: what may happen to a clue, and who may do it."""

from __future__ import annotations

from enum import StrEnum

from storage.errors import ForbiddenError, SameStateError, TransitionError
from storage.records import Actor, ClueState, Role, public_id

_S = ClueState


class ClueEvent(StrEnum):
    """What can happen to a clue."""

    QUEUE = "queue"
    SUPPRESS = "suppress"
    CONFIRM = "confirm"
    REJECT = "reject"
    DOUBT = "doubt"
    MARK_DUPLICATE = "mark_duplicate"
    UNDO = "undo"
    REOPEN = "reopen"
    EXPIRE = "expire"


REVIEWERS = (Role.ANALYST, Role.SENIOR, Role.COMPLIANCE)
"""Roles that decide and undo (contracts §1)."""

_OPEN = (_S.NEW, _S.QUEUED)
_DECIDED = (_S.CONFIRMED, _S.REJECTED, _S.UNSURE, _S.DUPLICATE)

TABLE: dict[ClueEvent, tuple[tuple[ClueState, ...], ClueState]] = {
    ClueEvent.QUEUE: ((_S.NEW,), _S.QUEUED),
    ClueEvent.SUPPRESS: (_OPEN, _S.SUPPRESSED),
    ClueEvent.CONFIRM: ((*_OPEN, _S.UNSURE), _S.CONFIRMED),
    ClueEvent.REJECT: ((*_OPEN, _S.UNSURE), _S.REJECTED),
    ClueEvent.DOUBT: (_OPEN, _S.UNSURE),
    ClueEvent.MARK_DUPLICATE: ((*_OPEN, _S.UNSURE), _S.DUPLICATE),
    ClueEvent.UNDO: (_DECIDED, _S.QUEUED),
    ClueEvent.REOPEN: ((*_DECIDED, _S.SUPPRESSED, _S.EXPIRED), _S.QUEUED),
    ClueEvent.EXPIRE: (_OPEN, _S.EXPIRED),
}
"""Event to the states it starts from and the one it leads to."""

CONCLUSIONS = {
    "confirmed": ClueEvent.CONFIRM,
    "rejected": ClueEvent.REJECT,
    "unsure": ClueEvent.DOUBT,
    "duplicate": ClueEvent.MARK_DUPLICATE,
}
"""What a person can conclude, in the words of the command line."""

_BY_SYSTEM = (ClueEvent.QUEUE, ClueEvent.SUPPRESS, ClueEvent.EXPIRE, ClueEvent.REOPEN)


def next_state(clue_id: int, state: ClueState, event: ClueEvent, actor: Actor) -> ClueState:
    """Return the state that an event leads to.

    Raises:
        ForbiddenError: the actor's role does not decide (a system actor has no role and only does system events).
        SameStateError: the clue is already there.
        TransitionError: the table has no such step.
    """
    _check_actor(event, actor)
    starts, target = TABLE[event]
    if state in starts:
        return target
    error = SameStateError if state is target else TransitionError
    raise error("clue", public_id("clue", clue_id), state, event)


def _check_actor(event: ClueEvent, actor: Actor) -> None:
    if actor.role is None and event in _BY_SYSTEM:
        return
    if actor.role not in REVIEWERS:
        raise ForbiddenError(actor.name, f"{event} a clue", needs=REVIEWERS)
