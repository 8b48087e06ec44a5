"""The life of a delivery: one attempt to send a batch by an automatic transport.

What may be repeated without asking is only what surely left nothing behind (``intent``, ``failed_retryable``). From
``unknown`` nothing but a person leads on, or the late result of the very try that was given up.
"""

from __future__ import annotations

from enum import StrEnum

from storage.errors import SameStateError, TransitionError


class DeliveryState(StrEnum):
    """Where a delivery stands."""

    INTENT = "intent"
    SENDING = "sending"
    DELIVERED = "delivered"
    FAILED_RETRYABLE = "failed_retryable"
    FAILED_PERMANENT = "failed_permanent"
    UNKNOWN = "unknown"
    SETTLED = "settled"


class DeliveryEvent(StrEnum):
    """What can happen to a delivery."""

    BEGIN = "begin"
    DELIVER = "deliver"
    FAIL_RETRYABLE = "fail_retryable"
    FAIL_PERMANENT = "fail_permanent"
    LOSE = "lose"
    SETTLE = "settle"


_S = DeliveryState

TABLE: dict[DeliveryEvent, tuple[tuple[DeliveryState, ...], DeliveryState]] = {
    DeliveryEvent.BEGIN: ((_S.INTENT, _S.FAILED_RETRYABLE), _S.SENDING),
    DeliveryEvent.DELIVER: ((_S.SENDING, _S.UNKNOWN), _S.DELIVERED),
    DeliveryEvent.FAIL_RETRYABLE: ((_S.SENDING, _S.UNKNOWN), _S.FAILED_RETRYABLE),
    DeliveryEvent.FAIL_PERMANENT: ((_S.SENDING, _S.UNKNOWN), _S.FAILED_PERMANENT),
    DeliveryEvent.LOSE: ((_S.SENDING,), _S.UNKNOWN),
    DeliveryEvent.SETTLE: ((_S.INTENT, _S.UNKNOWN, _S.FAILED_RETRYABLE, _S.FAILED_PERMANENT), _S.SETTLED),
}
"""Event to the states it starts from and the one it leads to."""

OPEN_STATES = tuple(state for state in _S if state not in (_S.DELIVERED, _S.SETTLED))
"""States after which something is still to be done."""


def next_state(key: str, state: DeliveryState, event: DeliveryEvent) -> DeliveryState:
    """Return the state that an event leads to.

    Raises:
        SameStateError: the delivery is already there.
        TransitionError: the table has no such step.
    """
    starts, target = TABLE[event]
    if state in starts:
        return target
    error = SameStateError if state is target else TransitionError
    raise error("delivery", key, state, event)
