"""Weekly batches after the draft: proposed, approved by a second person, returned, sent."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reporting.channel import get_channel
from reporting.deliveries import check_not_sending, delivery_line, find_lost
from reporting.outcomes import fold_clues
from storage import audit, batches, outbox, submissions
from storage.clues import get_clues
from storage.dossiers import dossiers
from storage.errors import EmptyBatchError, FourEyesError, InputError, NotFoundError
from storage.records import ClueState, SubmissionState, parse_id, public_id
from storage.transitions.batch import BatchEvent
from storage.transitions.submission import SubmissionEvent

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from sqlalchemy.engine import Connection

    from reporting.channel import Channel
    from storage.batches import Batch
    from storage.engine import Store, Unit
    from storage.outbox import Delivery
    from storage.records import Actor, Json
    from storage.submissions import Submission


def propose_batch(
    store: Store,
    channels: Mapping[str, Channel],
    code: str,
    *,
    strike: Sequence[str] = (),
    note: str | None = None,
    now: datetime,
    actor: Actor,
) -> Json:
    """Freeze a draft and lay it before an approver; return ``{batch, state, items}``.

    Items whose clue is no longer confirmed are struck; the others get the words and the decider of this moment.

    Raises:
        NotFoundError, ForbiddenError, TransitionError, ConflictError: as the transitions.
        EmptyBatchError: nothing would be left.
    """
    with store.write(now) as unit:
        one = batches.get_batch(unit.conn, code, lock=True)
        channel = get_channel(channels, one.channel)
        items = _struck(unit, one, strike, actor=actor, note=note)
        items = _still_confirmed(unit, one, items, actor)
        values = {"proposed_by": actor.name, "proposed_at": now, "channel_version": channel.spec.version}
        # How it is sent is not part of what is approved: an address may be corrected until it is sent.
        spec = channel.spec.model_dump(mode="json", exclude={"transport"})
        frozen = {"channel": spec, "channel_sha256": channel.sha256}
        details = {"items": len(items), "struck": list(strike), "note": note}
        done = batches.change_batch(
            unit,
            one,
            BatchEvent.PROPOSE,
            actor=actor,
            values={**values, "note": note, "frozen": frozen},
            details=details,
        )
        submissions.change(
            unit, items, SubmissionEvent.PROPOSE, actor=actor, note=note, values={"proposed_by": actor.name}
        )
        facts = dossiers(unit.conn, [item.clue_id for item in items])
        submissions.set_frozen(unit, {item.number: facts[item.clue_id] for item in items})
    return {"batch": code, "state": done.state.value, "items": len(items)}


def approve_batch(
    store: Store,
    code: str,
    *,
    strike: Sequence[str] = (),
    note: str | None = None,
    now: datetime,
    actor: Actor,
) -> Json:
    """Approve a proposed batch as a second person; return ``{batch, state, items}``.

    Raises:
        FourEyesError: the approver decided or proposed an item that is not struck; nothing is changed.
        NotFoundError, ForbiddenError, TransitionError, ConflictError, EmptyBatchError: as :func:`propose_batch`.
    """
    with store.write(now) as unit:
        one = batches.get_batch(unit.conn, code, lock=True)
        details = {"struck": list(strike), "note": note}
        done = batches.change_batch(
            unit,
            one,
            BatchEvent.APPROVE,
            actor=actor,
            values={"approved_by": actor.name, "approved_at": now},
            details=details,
        )
        items = _struck(unit, one, strike, actor=actor, note=note)
        own = [item.clue for item in items if actor.name in (item.decided_by, item.proposed_by)]
        if own:
            raise FourEyesError(actor.name, own)
        submissions.change(
            unit, items, SubmissionEvent.APPROVE, actor=actor, note=note, values={"approved_by": actor.name}
        )
    return {"batch": code, "state": done.state.value, "items": len(items)}


def return_batch(
    store: Store,
    code: str,
    *,
    strike: Sequence[str] = (),
    note: str | None = None,
    now: datetime,
    actor: Actor,
) -> Json:
    """Give a batch back to those who drafted it; return ``{batch, state, items}``.

    Raises:
        NotFoundError, ForbiddenError, TransitionError, ConflictError: as the transitions.
    """
    with store.write(now) as unit:
        one = batches.get_batch(unit.conn, code, lock=True)
        cleared = {"proposed_by": None, "proposed_at": None, "approved_by": None, "approved_at": None}
        done = batches.change_batch(
            unit,
            one,
            BatchEvent.RETURN,
            actor=actor,
            values={**cleared, "note": note, "frozen": None},
            details={"struck": list(strike), "note": note},
        )
        items = _struck(unit, one, strike, actor=actor, note=note, keep_one=False)
        submissions.change(
            unit,
            items,
            SubmissionEvent.RETURN,
            actor=actor,
            note=note,
            values={"proposed_by": None, "approved_by": None, "frozen": None},
        )
    return {"batch": code, "state": done.state.value, "items": len(items)}


def mark_sent(store: Store, code: str, *, at: datetime, receipt: str, now: datetime, actor: Actor) -> Json:
    """Record that a person sent the package, when, and what the platform gave as receipt; ``{batch, state}``.

    It also settles a delivery of the outbox whose result is unknown, or that failed. A time before the export is
    kept in the audit as it was told; figures count from the export, before which nothing can have left.

    Raises:
        InputError: the time lies in the future (``bad_field``).
        NotFoundError, ForbiddenError, TransitionError, ConflictError: as the transitions.
        BeingSentError: somebody is sending it at this moment.
    """
    if at > now:
        raise InputError("bad_field", f"{at.isoformat()} is later than now", field="at")
    find_lost(store, now=now)
    with store.write(now) as unit:
        one = batches.get_batch(unit.conn, code, lock=True)
        last = outbox.last_delivery(unit.conn, one.number)
        check_not_sending(code, last, now=now)
        moment = max(at, one.exported_at or at)
        done = batches.change_batch(
            unit,
            one,
            BatchEvent.SEND,
            actor=actor,
            values={"sent_at": moment, "receipt": receipt},
            details={"at": moment.isoformat(), "told": at.isoformat(), "receipt": receipt},
        )
        if last is not None:
            outbox.settle(unit, last, note=f"{actor.name}: sent, {receipt}")
        items = submissions.submissions_of_batch(unit.conn, one.number)
        submissions.change(unit, items, SubmissionEvent.SEND, actor=actor, note=receipt, values={"sent_at": moment})
    fold_clues(store, [item.clue_id for item in items], now=now)
    return {"batch": code, "state": done.state.value}


def list_batches(conn: Connection, *, channel: str | None = None, limit: int = 50) -> list[Json]:
    """Return the ``batch list`` lines, newest first; ``limit`` 0 means all.

    A batch that was sent by a transport, or is being sent, has ``delivery: {attempt, state}`` too.
    """
    found = batches.list_batches(conn, channel=channel, limit=limit)
    tried = outbox.deliveries_of(conn, [one.number for one, _ in found])
    return [_line(one, items, tried.get(one.number, ())) for one, items in found]


def show_batch(conn: Connection, code: str) -> Json:
    """Return a batch's line with its people, its times and all its items, struck ones too.

    Raises:
        NotFoundError: there is no such batch.
    """
    one = batches.get_batch(conn, code)
    items = submissions.submissions_of_batch(conn, one.number, live=False)
    live = sum(item.state is not SubmissionState.WITHDRAWN for item in items)
    tried = outbox.deliveries_of(conn, [one.number]).get(one.number, [])
    notes = _notes(conn, one)
    return {
        **_line(one, live, tried),
        "channel_version": one.channel_version,
        "drafted_by": one.drafted_by,
        "proposed_by": one.proposed_by,
        "approved_by": one.approved_by,
        "drafted_at": one.drafted_at.isoformat(),
        "exported_at": one.exported_at.isoformat() if one.exported_at else None,
        "sent_at": one.sent_at.isoformat() if one.sent_at else None,
        "receipt": one.receipt,
        "note": notes[-1]["note"] if notes else one.note,
        "notes": notes,
        "deliveries": [delivery_line(delivery) for delivery in tried],
        "contents": [_item_line(item) for item in items],
    }


def _notes(conn: Connection, one: Batch) -> list[Json]:
    """Return every note of a batch's way with its time, its author and the step, oldest first."""
    return [
        {"at": entry["at"].isoformat(), "by": entry["actor"], "step": step, "note": note}
        for entry in audit.history(conn, "batch", one.code)
        if (note := entry["details"].get("note")) and (step := entry["action"].removeprefix("batch."))
    ]


def _line(one: Batch, items: int, tried: Sequence[Delivery]) -> Json:
    line: Json = {
        "batch": one.code,
        "channel": one.channel,
        "week": one.week,
        "state": one.state.value,
        "items": items,
        "package": one.package_sha256,
    }
    if tried:
        line["delivery"] = {"attempt": tried[-1].attempt, "state": tried[-1].state.value}
    return line


def _item_line(item: Submission) -> Json:
    return {
        "item": item.item,
        "clue": item.clue,
        "attempt": item.attempt,
        "earlier": None if item.previous_id is None else public_id("item", item.previous_id),
        "state": item.state.value,
        "target": {
            "kind": item.target_kind,
            "platform": item.platform,
            "native_id": item.target_native_id,
            "url": item.url,
        },
        "decided_by": item.decided_by,
        "struck": item.struck_why,
    }


def _struck(
    unit: Unit, one: Batch, strike: Sequence[str], *, actor: Actor, note: str | None, keep_one: bool = True
) -> list[Submission]:
    """Strike the items of these clues and return the rest; every clue named must be in the batch."""
    wanted = {parse_id("clue", clue) for clue in strike}
    items = submissions.submissions_of_batch(unit.conn, one.number)
    if missing := wanted - {item.clue_id for item in items}:
        raise NotFoundError("clue of this batch", public_id("clue", min(missing)))
    struck = [item for item in items if item.clue_id in wanted]
    why = note or f"struck by the {actor.role}"
    submissions.change(unit, struck, SubmissionEvent.WITHDRAW, actor=actor, note=why, values={"struck_why": why})
    left = [item for item in items if item.clue_id not in wanted]
    if keep_one and not left:
        raise EmptyBatchError(one.code, "no item is left")
    return left


def _still_confirmed(unit: Unit, one: Batch, items: Sequence[Submission], actor: Actor) -> list[Submission]:
    """Strike items whose clue was taken back since the draft, and take over who decided the others last."""
    rows = {row.id: row for row in get_clues(unit.conn, [item.clue_id for item in items])}
    lost = [item for item in items if rows[item.clue_id].state is not ClueState.CONFIRMED]
    why = "the clue is no longer confirmed"
    submissions.change(unit, lost, SubmissionEvent.WITHDRAW, actor=actor, note=why, values={"struck_why": why})
    left = [item for item in items if rows[item.clue_id].state is ClueState.CONFIRMED]
    if not left:
        raise EmptyBatchError(one.code, "no item is left that is still confirmed")
    return submissions.take_over(unit, left, {row.id: row.decided_by or "" for row in rows.values()})
