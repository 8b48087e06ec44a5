"""How a try to send ended, and what that means for the batch and its items; also for tries whose sender died."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from reporting.outcomes import fold_clues
from storage import batches, outbox, submissions
from storage.errors import BeingSentError
from storage.records import Actor, AuditFacts, BatchState
from storage.transitions.batch import BatchEvent
from storage.transitions.delivery import DeliveryEvent, DeliveryState
from storage.transitions.submission import SubmissionEvent

if TYPE_CHECKING:
    from datetime import datetime

    from storage.batches import Batch
    from storage.engine import Store, Unit
    from storage.outbox import Delivery
    from storage.records import Json

SYSTEM = Actor(name="system", via="system")
"""Who finds that a sender died."""

_FAILURES = {
    DeliveryEvent.FAIL_RETRYABLE: SubmissionEvent.FAIL_RETRYABLE,
    DeliveryEvent.FAIL_PERMANENT: SubmissionEvent.FAIL_PERMANENT,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """How a try ended: what happens to the delivery, the columns it gets, and the words for people."""

    event: DeliveryEvent
    values: Json
    words: str


def find_lost(store: Store, *, now: datetime) -> list[str]:
    """Take deliveries whose sender died to unknown and their batches to reconcile; return the batches' ids."""
    with store.read() as conn:
        lost = outbox.lost_deliveries(conn, now=now)
    for code, one in lost:
        words = f"the sender {one.lease_owner} ended without a result; it may have arrived"
        result = Result(event=DeliveryEvent.LOSE, values={"error": words}, words=words)
        record_end(store, code, one, result, now=now, actor=SYSTEM)
    return [code for code, _ in lost]


def check_not_sending(code: str, last: Delivery | None, *, now: datetime) -> None:
    """Raise BeingSentError while somebody is sending the batch."""
    if last is not None and last.state is DeliveryState.SENDING and not outbox.is_lost(last, now=now):
        since = (last.began_at or last.created_at).isoformat(timespec="seconds")
        raise BeingSentError(code, last.created_by, since)


def record_end(
    store: Store, code: str, held: Delivery, result: Result, *, now: datetime, actor: Actor
) -> BatchState:
    """Write the result of a try into delivery, batch and items; return the batch's state.

    A result that comes when the try was given up as lost still counts, unless a person has settled it.
    """
    clues: list[int] = []
    with store.write(now) as unit:
        one = batches.get_batch(unit.conn, code, lock=True)
        current = outbox.get_delivery(unit.conn, held.number)
        details = {"attempt": held.attempt, "key": held.key, "result": result.event.value, "words": result.words}
        waiting = (DeliveryState.SENDING, DeliveryState.UNKNOWN)
        if current.tries != held.tries or current.state not in waiting:
            audit_batch(unit, code, "batch.late_result", actor, details)
            return one.state
        if current.state is DeliveryState.UNKNOWN and result.event is DeliveryEvent.LOSE:
            return one.state
        outbox.end_try(unit, current, result.event, result.values)
        clues = _follow(unit, one, result, details, actor=actor)
        state = batches.get_batch(unit.conn, code).state
    if clues:
        fold_clues(store, clues, now=now)
    return state


def say_not_arrived(unit: Unit, one: Batch, *, actor: Actor) -> None:
    """Write down that a person found out that nothing of a batch with unknown result arrived."""
    note = f"{actor.name} found out that it did not arrive"
    batches.change_batch(unit, one, BatchEvent.NOT_ARRIVED, actor=actor, details={"note": note})
    items = submissions.submissions_of_batch(unit.conn, one.number)
    submissions.change(unit, items, SubmissionEvent.FAIL_RETRYABLE, actor=actor, note=note)


def delivery_line(one: Delivery) -> Json:
    """Return what ``batch show`` says of an attempt."""
    return {
        "attempt": one.attempt,
        "state": one.state.value,
        "transport": one.transport,
        "receiver": one.receiver,
        "key": one.key,
        "message_id": one.message_id,
        "tries": one.tries,
        "by": one.created_by,
        "began_at": one.began_at.isoformat() if one.began_at else None,
        "ended_at": one.ended_at.isoformat() if one.ended_at else None,
        "try_after": one.try_after.isoformat() if one.try_after else None,
        "receipt": one.receipt,
        "error": one.error,
        "note": one.note,
    }


def audit_batch(unit: Unit, code: str, action: str, actor: Actor, details: Json) -> None:
    """Queue an audit entry about a batch whose state stays."""
    unit.audit(AuditFacts(actor=actor, action=action, object_type="batch", object_id=code, details=details))


def _follow(unit: Unit, one: Batch, result: Result, details: Json, *, actor: Actor) -> list[int]:
    """Take batch and items where the delivery went; return the clues whose outcome has to be folded again."""
    items = submissions.submissions_of_batch(unit.conn, one.number)
    if result.event is DeliveryEvent.DELIVER:
        values = {"sent_at": unit.now, "receipt": result.words}
        batches.change_batch(unit, one, BatchEvent.SEND, actor=actor, values=values, details=details)
        sent = {"sent_at": unit.now}
        submissions.change(unit, items, SubmissionEvent.SEND, actor=actor, note=result.words, values=sent)
        return [item.clue_id for item in items]
    if result.event is DeliveryEvent.LOSE:
        batches.change_batch(unit, one, BatchEvent.LOSE_TRACK, actor=actor, details=details)
        submissions.change(unit, items, SubmissionEvent.LOSE_TRACK, actor=actor, note=result.words)
        return []
    if one.state is BatchState.RECONCILE:
        batches.change_batch(unit, one, BatchEvent.NOT_ARRIVED, actor=actor, details=details)
    else:
        audit_batch(unit, one.code, "batch.send_failed", actor, details)
    submissions.change(unit, items, _FAILURES[result.event], actor=actor, note=result.words)
    return []
