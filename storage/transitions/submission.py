"""The submission axis: one clue through one channel, one attempt."""

from __future__ import annotations

from enum import StrEnum

from storage.errors import SameStateError, TransitionError
from storage.records import SubmissionState, public_id

_S = SubmissionState


class SubmissionEvent(StrEnum):
    """What can happen to a submission."""

    PROPOSE = "propose"
    APPROVE = "approve"
    RETURN = "return"
    WITHDRAW = "withdraw"
    EXPORT = "export"
    SEND = "send"
    FAIL_RETRYABLE = "fail_retryable"
    FAIL_PERMANENT = "fail_permanent"
    LOSE_TRACK = "lose_track"
    ACKNOWLEDGE = "acknowledge"
    ANSWER = "answer"
    ASK_MORE = "ask_more"
    CLOSE = "close"
    REOPEN = "reopen"


TABLE: dict[SubmissionEvent, tuple[tuple[SubmissionState, ...], SubmissionState]] = {
    SubmissionEvent.PROPOSE: ((_S.DRAFTED, _S.RETURNED), _S.PROPOSED),
    SubmissionEvent.APPROVE: ((_S.PROPOSED,), _S.APPROVED),
    SubmissionEvent.RETURN: ((_S.PROPOSED, _S.APPROVED), _S.RETURNED),
    SubmissionEvent.WITHDRAW: ((_S.DRAFTED, _S.PROPOSED, _S.APPROVED, _S.RETURNED), _S.WITHDRAWN),
    SubmissionEvent.EXPORT: ((_S.APPROVED,), _S.EXPORTED),
    SubmissionEvent.SEND: ((_S.EXPORTED, _S.SEND_FAILED, _S.RECONCILE), _S.SENT),
    SubmissionEvent.FAIL_RETRYABLE: ((_S.EXPORTED, _S.SEND_FAILED, _S.RECONCILE), _S.SEND_FAILED),
    SubmissionEvent.FAIL_PERMANENT: ((_S.EXPORTED, _S.SEND_FAILED, _S.RECONCILE), _S.SEND_FAILED),
    SubmissionEvent.LOSE_TRACK: ((_S.EXPORTED, _S.SEND_FAILED), _S.RECONCILE),
    SubmissionEvent.ACKNOWLEDGE: ((_S.SENT,), _S.ACKNOWLEDGED),
    SubmissionEvent.ANSWER: ((_S.SENT, _S.ACKNOWLEDGED, _S.NEED_MORE, _S.ANSWERED), _S.ANSWERED),
    SubmissionEvent.ASK_MORE: ((_S.SENT, _S.ACKNOWLEDGED, _S.ANSWERED), _S.NEED_MORE),
    SubmissionEvent.CLOSE: ((_S.SENT, _S.ACKNOWLEDGED, _S.ANSWERED, _S.NEED_MORE), _S.CLOSED),
    SubmissionEvent.REOPEN: ((_S.CLOSED,), _S.ANSWERED),
}
"""Event to the states it starts from and the one it leads to (a platform may answer more than once)."""

OPEN_STATES = tuple(state for state in _S if state not in (_S.CLOSED, _S.WITHDRAWN))
"""States in which an attempt is under way and blocks another one for the same target and channel."""

BEYOND_DRAFT = tuple(state for state in OPEN_STATES if state not in (_S.DRAFTED, _S.RETURNED))
"""States in which the clue's decision is frozen."""


def next_state(submission_id: int, state: SubmissionState, event: SubmissionEvent) -> SubmissionState:
    """Return the state that an event leads to.

    Raises:
        SameStateError: the submission is already there.
        TransitionError: the table has no such step.
    """
    starts, target = TABLE[event]
    if state in starts:
        return target
    error = SameStateError if state is target else TransitionError
    raise error("item", public_id("item", submission_id), state, event)
