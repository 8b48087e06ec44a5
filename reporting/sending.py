"""Sending an exported batch by its channel's transport: a person presses send, the outbox keeps it from doubling.

The intent is committed before anything leaves and the result after. What surely did not arrive may be tried again
with the same key. What may have arrived is ``unknown``: the batch and its items are *reconcile*, and only a person
leads on, by ``batch sent`` (it arrived) or ``batch send --again`` (it did not: a new attempt with a new key).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from reporting.channel import get_channel
from reporting.deliveries import Result, audit_batch, check_not_sending, find_lost, record_end, say_not_arrived
from reporting.packages import stored_path
from reporting.transports.carriers import MakeCarrier, Outlets, Parcel, make_carrier
from storage import batches, outbox
from storage.errors import (
    EvidenceError,
    ForbiddenError,
    RetryableSendError,
    SameStateError,
    SendError,
    SettingsError,
    TransitionError,
    UnknownResultError,
)
from storage.records import BatchState, Role
from storage.transitions.delivery import DeliveryEvent, DeliveryState

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime
    from pathlib import Path

    from reporting.channel import Channel
    from reporting.transports.carriers import Carrier
    from storage.batches import Batch
    from storage.engine import Store
    from storage.outbox import Delivery
    from storage.records import Actor, Json

LEASE = timedelta(minutes=20)
"""A sender on another machine that is silent this long is given up; mail and HTTP end themselves long before."""

FIRST_WAIT = timedelta(minutes=15)
LONGEST_WAIT = timedelta(hours=4)

_MAY_GO_ON = (DeliveryState.INTENT, DeliveryState.FAILED_RETRYABLE)


@dataclass(frozen=True, slots=True, kw_only=True)
class SendSettings:
    """What the workspace says of sending: where packages are, where rehearsals go, what carriers may use.

    ``carriers`` makes the way out of a channel's section; another one may stand in for it.
    """

    packages_root: Path
    outbox_root: Path
    outlets: Outlets
    carriers: MakeCarrier = make_carrier


def send_batch(
    store: Store,
    channels: Mapping[str, Channel],
    code: str,
    *,
    again: bool = False,
    settings: SendSettings,
    clock: Callable[[], datetime],
    actor: Actor,
) -> Json:
    """Send an exported batch once; return ``{batch, state, attempt}``, with ``problems`` unless it was delivered.

    ``again`` says that a person found out that the last attempt did not arrive, or changed what was refused: it
    makes a new attempt. A channel with ``dry_run`` writes what would leave into the outbox folder (``file``) and
    changes nothing. ``clock`` gives the time, as sending may last minutes.

    Raises:
        NotFoundError, ForbiddenError, TransitionError: as the transitions; also when only a person can lead on.
        BeingSentError: somebody is sending it at this moment.
        SettingsError: the channel has no transport, or something that it needs is not given.
        EvidenceError: the stored package is not what its hash says; nothing was sent.
    """
    if actor.role is not Role.COMPLIANCE:
        raise ForbiddenError(actor.name, "send a batch", needs=(Role.COMPLIANCE,))
    find_lost(store, now=clock())
    with store.read() as conn:
        one = batches.get_batch(conn, code)
        last = outbox.last_delivery(conn, one.number)
        check_not_sending(code, last, now=clock())
        _check_sendable(one, last, again=again)
        count = batches.count_items(conn, one.number)
    channel = get_channel(channels, one.channel)
    carrier = _carrier(one, channel, settings, items=count)
    if channel.spec.transport is None or channel.spec.transport.dry_run:
        return _rehearse(store, one, carrier, settings, attempt=_next_attempt(last), now=clock(), actor=actor)
    intent = _intend(store, code, channel, carrier, again=again, now=clock(), actor=actor)
    held = _begin(store, code, intent, channel, carrier, now=clock(), actor=actor)
    return _try(store, code, held, carrier, clock=clock, actor=actor)


def _check_sendable(one: Batch, last: Delivery | None, *, again: bool) -> None:
    """Refuse what cannot be sent now, saying who has to do what."""
    if one.state is BatchState.RECONCILE and not again:
        hint = "find out whether it arrived, then: batch sent, or batch send --again"
        raise TransitionError("batch", one.code, one.state, "send", hint=hint)
    if one.state not in (BatchState.EXPORTED, BatchState.RECONCILE):
        error = SameStateError if one.state is BatchState.SENT else TransitionError
        raise error("batch", one.code, one.state, "send")
    if last is not None and last.state is DeliveryState.FAILED_PERMANENT and not again:
        hint = "correct the channel, then: batch send --again; or send it by hand, then: batch sent"
        raise TransitionError("batch", one.code, f"refused ({last.error})", "send", hint=hint)


def _carrier(one: Batch, channel: Channel, settings: SendSettings, *, items: int) -> Carrier:
    """Return what carries the batch's package, once the package is known to be whole."""
    spec = channel.spec.transport
    if spec is None:
        message = f"channel {channel.name} has no transport: send the package by hand, then: batch sent {one.code}"
        raise SettingsError("bad_field", message, field="transport")
    sha256, size = one.package_sha256 or "", one.package_size or 0
    export = (one.frozen or {})["export"]
    words = {
        "batch": one.code,
        "week": one.week,
        "institution": str(export["institution"]),
        "contact": str(export["contact"]),
        "items": str(items),
        "file": f"{one.code}.zip",
        "size": str(size),
        "sha256": sha256,
        "recipient": channel.spec.letter.recipient,
        "subject": channel.spec.letter.subject,
    }
    path = stored_path(settings.packages_root, sha256)
    parcel = Parcel(batch=one.code, path=path, sha256=sha256, size=size, words=words)
    parcel.check()
    return settings.carriers(spec, parcel, settings.outlets, file=channel.origin)


def _rehearse(
    store: Store, one: Batch, carrier: Carrier, settings: SendSettings, *, attempt: int, now: datetime, actor: Actor
) -> Json:
    """Write what would leave into the outbox folder; only the audit knows of it."""
    key = _key(one, attempt)
    file = carrier.rehearse(key, settings.outbox_root, now=now)
    with store.write(now) as unit:
        audit_batch(unit, one.code, "batch.rehearse", actor, {"receiver": carrier.receiver, "key": key})
    return {"batch": one.code, "state": one.state.value, "attempt": attempt, "dry_run": True, "file": str(file)}


def _intend(
    store: Store, code: str, channel: Channel, carrier: Carrier, *, again: bool, now: datetime, actor: Actor
) -> Delivery:
    """Commit that the batch is going to be sent: an attempt that surely left nothing behind, or a new one."""
    with store.write(now) as unit:
        one = batches.get_batch(unit.conn, code, lock=True)
        last = outbox.last_delivery(unit.conn, one.number)
        check_not_sending(code, last, now=now)
        _check_sendable(one, last, again=again)
        if last is not None and last.state in _MAY_GO_ON:
            return last
        if one.state is BatchState.RECONCILE:
            say_not_arrived(unit, one, actor=actor)
        if last is not None:
            outbox.settle(unit, last, note=f"{actor.name} let it be sent again")
        attempt = _next_attempt(last)
        transport = channel.spec.transport.kind if channel.spec.transport else ""
        return outbox.add_intent(
            unit,
            one,
            attempt=attempt,
            key=_key(one, attempt),
            transport=transport,
            receiver=carrier.receiver,
            actor=actor,
        )


def _begin(
    store: Store, code: str, intent: Delivery, channel: Channel, carrier: Carrier, *, now: datetime, actor: Actor
) -> Delivery:
    """Commit that from now on something may leave the house, with who pressed and where it goes."""
    transport = channel.spec.transport.kind if channel.spec.transport else ""
    with store.write(now) as unit:
        one = batches.get_batch(unit.conn, code, lock=True)
        current = outbox.get_delivery(unit.conn, intent.number)
        check_not_sending(code, current, now=now)
        if one.state is not BatchState.EXPORTED:
            raise TransitionError("batch", code, one.state, "send")
        held = outbox.begin_try(
            unit,
            current,
            lease=LEASE,
            transport=transport,
            receiver=carrier.receiver,
            message_id=carrier.message_id(intent.key),
        )
        details = {"attempt": held.attempt, "try": held.tries, "key": held.key, "sha256": one.package_sha256}
        details |= {"transport": transport, "receiver": carrier.receiver, "channel_sha256": channel.sha256}
        audit_batch(unit, code, "batch.begin_send", actor, details)
    return held


def _try(
    store: Store, code: str, held: Delivery, carrier: Carrier, *, clock: Callable[[], datetime], actor: Actor
) -> Json:
    """Hand the parcel over and write down what came of it."""
    try:
        receipt = carrier.send(held.key, now=clock())
    except SendError as error:
        result = _failure(held, error, now=clock())
    except EvidenceError as error:  # read again just before it would have left
        result = Result(event=DeliveryEvent.FAIL_RETRYABLE, values={"error": str(error)}, words=str(error))
        record_end(store, code, held, result, now=clock(), actor=actor)
        raise
    except KeyboardInterrupt:
        words = "interrupted while sending; it may have arrived"
        result = Result(event=DeliveryEvent.LOSE, values={"error": words}, words=words)
        record_end(store, code, held, result, now=clock(), actor=actor)
        raise
    else:
        result = Result(event=DeliveryEvent.DELIVER, values={"receipt": receipt.words}, words=receipt.words)
    state = record_end(store, code, held, result, now=clock(), actor=actor)
    answer: Json = {"batch": code, "state": state.value, "attempt": held.attempt}
    if result.event is DeliveryEvent.DELIVER:
        return {**answer, "receipt": result.words}
    if "try_after" in result.values:
        answer["try_after"] = result.values["try_after"].isoformat()
    return {**answer, "problems": [{"code": "failed", "id": code, "message": result.words}]}


def _failure(held: Delivery, error: SendError, *, now: datetime) -> Result:
    """Return what an error means, with the words that say what to do."""
    values: Json = {"error": str(error)}
    if isinstance(error, UnknownResultError):
        words = f"{error}; find out whether it arrived, then: batch sent, or batch send --again"
        return Result(event=DeliveryEvent.LOSE, values=values, words=words)
    if isinstance(error, RetryableSendError):
        wait = min(FIRST_WAIT * 2 ** min(held.tries - 1, 10), LONGEST_WAIT)
        if error.retry_after_seconds is not None:
            wait = timedelta(seconds=error.retry_after_seconds)
        words = f"{error}; nothing arrived, send it again after {(now + wait).isoformat(timespec='seconds')}"
        return Result(event=DeliveryEvent.FAIL_RETRYABLE, values={**values, "try_after": now + wait}, words=words)
    words = f"{error}; nothing arrived: correct the channel, then: batch send --again; or by hand, then: batch sent"
    return Result(event=DeliveryEvent.FAIL_PERMANENT, values=values, words=words)


def _next_attempt(last: Delivery | None) -> int:
    if last is None:
        return 1
    return last.attempt if last.state in _MAY_GO_ON else last.attempt + 1


def _key(one: Batch, attempt: int) -> str:
    """Return the idempotency key of an attempt: the same for every try, and no other workspace's."""
    return f"{one.code}-{attempt}-{(one.package_sha256 or '')[:32]}"
