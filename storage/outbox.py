"""The outbox: deliveries of batches, each written before anything leaves the house.

The number of the try is the fence: a try that was given up can still tell how it ended, but only while nobody has
settled it, and never for another try.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from storage.errors import LeaseLostError
from storage.leases import is_dead, lease_owner
from storage.tables import batch, delivery
from storage.transitions.delivery import OPEN_STATES, DeliveryEvent, DeliveryState, next_state

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import datetime, timedelta

    from sqlalchemy.engine import Connection, Row

    from storage.batches import Batch
    from storage.engine import Unit
    from storage.records import Actor, Json


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """One attempt to send a batch; ``tries`` counts how often sending began with the same key."""

    number: int
    batch_id: int
    attempt: int
    key: str
    transport: str
    receiver: str
    state: DeliveryState
    tries: int
    lease_owner: str | None
    lease_until: datetime | None
    created_by: str
    created_at: datetime
    began_at: datetime | None
    ended_at: datetime | None
    try_after: datetime | None
    message_id: str | None
    receipt: str | None
    error: str | None
    note: str | None


def deliveries_of(conn: Connection, batch_ids: Collection[int]) -> dict[int, list[Delivery]]:
    """Return the deliveries of batches by batch id, oldest attempt first."""
    query = sa.select(delivery).where(delivery.c.batch_id.in_(batch_ids)).order_by(delivery.c.attempt)
    found: dict[int, list[Delivery]] = {}
    for row in conn.execute(query):
        found.setdefault(row.batch_id, []).append(_record(row))
    return found


def last_delivery(conn: Connection, batch_id: int) -> Delivery | None:
    """Return the newest attempt of a batch, or None."""
    query = sa.select(delivery).where(delivery.c.batch_id == batch_id).order_by(delivery.c.attempt.desc())
    row = conn.execute(query.limit(1)).first()
    return None if row is None else _record(row)


def open_deliveries(conn: Connection) -> list[tuple[str, Delivery]]:
    """Return all deliveries after which something is to be done, with their batches' codes, oldest first."""
    states = [state.value for state in OPEN_STATES]
    query = sa.select(delivery, batch.c.code).join_from(delivery, batch).where(delivery.c.state.in_(states))
    return [(row.code, _record(row)) for row in conn.execute(query.order_by(delivery.c.id))]


def lost_deliveries(conn: Connection, *, now: datetime) -> list[tuple[str, Delivery]]:
    """Return the deliveries whose sender is gone: dead on this machine, or silent past the lease elsewhere."""
    found = open_deliveries(conn)
    return [(code, one) for code, one in found if one.state is DeliveryState.SENDING and is_lost(one, now=now)]


def is_lost(one: Delivery, *, now: datetime) -> bool:
    """Tell whether nobody sends this delivery any more, though it says so."""
    if one.lease_owner is None or one.lease_until is None:
        return True
    return one.lease_until <= now or is_dead(one.lease_owner)


def add_intent(
    unit: Unit, one: Batch, *, attempt: int, key: str, transport: str, receiver: str, actor: Actor
) -> Delivery:
    """Write down that a batch is going to be sent, before anything leaves."""
    values = {
        "batch_id": one.number,
        "attempt": attempt,
        "key": key,
        "transport": transport,
        "receiver": receiver,
        "state": DeliveryState.INTENT.value,
        "tries": 0,
        "created_by": actor.name,
        "created_at": unit.now,
        "simulated": unit.simulated,
    }
    number = unit.conn.execute(sa.insert(delivery).values(values).returning(delivery.c.id)).scalar_one()
    return get_delivery(unit.conn, number)


def get_delivery(conn: Connection, number: int) -> Delivery:
    """Return one delivery by its number."""
    return _record(conn.execute(sa.select(delivery).where(delivery.c.id == number)).one())


def begin_try(
    unit: Unit, one: Delivery, *, lease: timedelta, transport: str, receiver: str, message_id: str | None
) -> Delivery:
    """Take a delivery for this process: from the commit on something may leave the house.

    Raises:
        TransitionError: it is not waiting to be sent.
        LeaseLostError: somebody else took it since it was read.
    """
    return _change(
        unit,
        one,
        DeliveryEvent.BEGIN,
        {
            "tries": one.tries + 1,
            "lease_owner": lease_owner(),
            "lease_until": unit.now + lease,
            "transport": transport,
            "receiver": receiver,
            "message_id": message_id,
            "began_at": unit.now,
            "ended_at": None,
            "try_after": None,
            "error": None,
        },
    )


def end_try(unit: Unit, one: Delivery, event: DeliveryEvent, values: Json) -> Delivery:
    """Write how a try ended; ``values`` are columns beside the state.

    Raises:
        TransitionError: the delivery does not wait for a result.
        LeaseLostError: it is not this try any more.
    """
    return _change(unit, one, event, {"lease_owner": None, "lease_until": None, "ended_at": unit.now, **values})


def settle(unit: Unit, one: Delivery, *, note: str) -> Delivery:
    """Write what a person said of a delivery, so that nothing is left to be done about it."""
    return _change(unit, one, DeliveryEvent.SETTLE, {"note": note})


def _change(unit: Unit, one: Delivery, event: DeliveryEvent, values: Json) -> Delivery:
    state = next_state(one.key, one.state, event)
    done = unit.conn.execute(
        sa.update(delivery)
        .where(delivery.c.id == one.number, delivery.c.state == one.state.value, delivery.c.tries == one.tries)
        .values({"state": state.value, **values})
    )
    if done.rowcount != 1:
        raise LeaseLostError("delivery", one.key, one.lease_owner or lease_owner())
    return get_delivery(unit.conn, one.number)


def _record(row: Row[Any]) -> Delivery:
    return Delivery(
        number=row.id,
        batch_id=row.batch_id,
        attempt=row.attempt,
        key=row.key,
        transport=row.transport,
        receiver=row.receiver,
        state=DeliveryState(row.state),
        tries=row.tries,
        lease_owner=row.lease_owner,
        lease_until=row.lease_until,
        created_by=row.created_by,
        created_at=row.created_at,
        began_at=row.began_at,
        ended_at=row.ended_at,
        try_after=row.try_after,
        message_id=row.message_id,
        receipt=row.receipt,
        error=row.error,
        note=row.note,
    )
