"""The life of a batch; its items follow the submission axis."""

from __future__ import annotations

from enum import StrEnum

from storage.errors import ForbiddenError, SameStateError, TransitionError
from storage.records import Actor, BatchState, Role

_S = BatchState


class BatchEvent(StrEnum):
    """What can happen to a batch."""

    PROPOSE = "propose"
    APPROVE = "approve"
    RETURN = "return"
    EXPORT = "export"
    SEND = "sent"
    LOSE_TRACK = "lose_track"
    NOT_ARRIVED = "not_arrived"
    CLOSE = "close"


_SYSTEM = None  # what no person does: finding that a sender died

TABLE: dict[BatchEvent, tuple[tuple[BatchState, ...], BatchState, tuple[Role | None, ...]]] = {
    BatchEvent.PROPOSE: ((_S.DRAFTED, _S.RETURNED), _S.PROPOSED, (Role.COMPLIANCE,)),
    BatchEvent.APPROVE: ((_S.PROPOSED,), _S.APPROVED, (Role.SENIOR,)),
    BatchEvent.RETURN: ((_S.PROPOSED, _S.APPROVED), _S.RETURNED, (Role.SENIOR,)),
    BatchEvent.EXPORT: ((_S.APPROVED,), _S.EXPORTED, (Role.COMPLIANCE,)),
    BatchEvent.SEND: ((_S.EXPORTED, _S.RECONCILE), _S.SENT, (Role.COMPLIANCE,)),
    BatchEvent.LOSE_TRACK: ((_S.EXPORTED,), _S.RECONCILE, (Role.COMPLIANCE, _SYSTEM)),
    BatchEvent.NOT_ARRIVED: ((_S.RECONCILE,), _S.EXPORTED, (Role.COMPLIANCE,)),
    BatchEvent.CLOSE: ((_S.SENT,), _S.CLOSED, (Role.COMPLIANCE,)),
}
"""Event to the states it starts from, the one it leads to, and the roles that may (contracts §1)."""


def next_state(code: str, state: BatchState, event: BatchEvent, actor: Actor) -> BatchState:
    """Return the state that an event leads to.

    Raises:
        ForbiddenError: the actor's role may not.
        SameStateError: the batch is already there.
        TransitionError: the table has no such step.
    """
    starts, target, roles = TABLE[event]
    if actor.role not in roles:
        raise ForbiddenError(actor.name, f"{event} a batch", needs=[role for role in roles if role is not None])
    if state in starts:
        return target
    error = SameStateError if state is target else TransitionError
    raise error("batch", code, state, event)
