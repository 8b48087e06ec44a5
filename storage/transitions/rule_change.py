"""The life of a change to the rules: what may happen to it, and who may do it."""

from __future__ import annotations

from enum import StrEnum

from storage.errors import ForbiddenError, SameStateError, TransitionError
from storage.records import Actor, ChangeState, Role, public_id

_S = ChangeState


class ChangeEvent(StrEnum):
    """What can happen to a change after it was added."""

    TRY = "try"
    ACTIVATE = "activate"
    REJECT = "reject"
    FINISH = "finish"
    FAIL = "fail"
    SUPERSEDE = "supersede"


AUTHORS = (Role.ANALYST, Role.SENIOR)
"""Roles that add and try changes (contracts §1)."""

ACTIVATORS = (Role.SENIOR, Role.COMPLIANCE)
"""Roles that put a change in force (contracts §1)."""

TABLE: dict[ChangeEvent, tuple[tuple[ChangeState, ...], ChangeState]] = {
    ChangeEvent.TRY: ((_S.PROPOSED, _S.TRIED), _S.TRIED),
    ChangeEvent.ACTIVATE: ((_S.TRIED,), _S.ACTIVATING),
    ChangeEvent.REJECT: ((_S.PROPOSED, _S.TRIED), _S.REJECTED),
    ChangeEvent.FINISH: ((_S.ACTIVATING,), _S.ACTIVE),
    ChangeEvent.FAIL: ((_S.ACTIVATING,), _S.REJECTED),
    ChangeEvent.SUPERSEDE: ((_S.ACTIVE,), _S.SUPERSEDED),
}
"""Event to the states it starts from and the one it leads to."""

_ROLES: dict[ChangeEvent, tuple[Role, ...]] = {
    ChangeEvent.TRY: AUTHORS,
    ChangeEvent.ACTIVATE: ACTIVATORS,
    ChangeEvent.REJECT: tuple(dict.fromkeys((*AUTHORS, *ACTIVATORS))),
}


def next_state(change_id: int, state: ChangeState, event: ChangeEvent, actor: Actor) -> ChangeState:
    """Return the state that an event leads to.

    Raises:
        ForbiddenError: the actor's role does not include it; an actor without role only ends what was begun.
        SameStateError: the change is already there.
        TransitionError: the table has no such step.
    """
    check_role(actor, f"{event} a change to the rules", needs=_ROLES.get(event, ()))
    starts, target = TABLE[event]
    if state in starts:
        return target
    error = SameStateError if state is target else TransitionError
    raise error("change", public_id("change", change_id), state, event)


def check_role(actor: Actor, action: str, *, needs: tuple[Role, ...]) -> None:
    """Raise ForbiddenError unless the actor has one of these roles; none named means the machine alone."""
    if needs and actor.role not in needs:
        raise ForbiddenError(actor.name, action, needs=needs)
    if not needs and actor.role is not None:
        raise ForbiddenError(actor.name, action)
