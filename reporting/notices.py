"""Telling people what stands: each cause once per transport, again when it still stands after a while.

The intent is a row before anything goes out. What was surely not accepted is tried again with the same message id
at the next call; what may have been accepted is never repeated before its time.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING

from reporting.notice_texts import make_message
from storage.errors import PermanentSendError, RetryableSendError, UnknownResultError
from storage.notices import (
    NoticeState,
    begin_notice,
    give_up_abandoned,
    last_notices,
    retry_notice,
    settle_notice,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime, timedelta

    from reporting.needs import Need
    from reporting.notice_texts import Language, Message, NoticeTexts
    from storage.engine import Store
    from storage.notices import Notice
    from storage.records import Json

_ID_BYTES = 16
_LONGEST_ERROR = 300

_FAULTS = {NoticeState.RETRY: "not accepted", NoticeState.REFUSED: "refused", NoticeState.UNKNOWN: "result unknown"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Outlet:
    """One way to people: ``send`` gets the message and its id; ``domain`` ends the ids; ``most`` bounds one call.

    ``send`` raises RetryableSendError, PermanentSendError or UnknownResultError when it fails.
    """

    transport: str
    send: Callable[[Message, str], None]
    domain: str
    most: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Wording:
    """In which words things are told: the files in force, the language, and where links lead."""

    texts: NoticeTexts
    language: Language
    public_url: str = ""


def tell(
    store: Store,
    needs: Sequence[Need],
    outlets: Sequence[Outlet],
    *,
    wording: Wording,
    again_after: timedelta,
    clock: Callable[[], datetime],
) -> Json:
    """Tell of every need that is due through every outlet.

    Returns ``{standing, notices: [{cause, kind, transport, number, state}], waiting, problems}``; waiting are due
    ones that were left for the next call, because an outlet takes only so many at once or is out of order.
    """
    with store.write(clock()) as unit:
        abandoned = give_up_abandoned(unit)
    told: list[Notice] = []
    waiting = 0
    for outlet in outlets:
        due = _due(store, needs, outlet.transport, before=clock() - again_after)
        done = _tell_through(store, due[: outlet.most], outlet, wording=wording, clock=clock)
        told += done
        waiting += len(due) - len(done)
    problems = [_problem(one) for one in told if one.state in _FAULTS]
    if abandoned:
        message = f"{abandoned} notices were interrupted while they were sent; they may have arrived"
        problems.append({"code": "failed", "message": message})
    return {
        "standing": len(needs),
        "notices": [_line(one) for one in told],
        "waiting": waiting,
        "problems": problems,
    }


def due_needs(store: Store, needs: Sequence[Need], transport: str, *, before: datetime) -> list[Need]:
    """Return the needs that would be told of through a transport now; ``before`` is as in :func:`tell`."""
    return [need for need, _ in _due(store, needs, transport, before=before)]


def _due(
    store: Store, needs: Sequence[Need], transport: str, *, before: datetime
) -> list[tuple[Need, Notice | None]]:
    with store.read() as conn:
        last = last_notices(conn, transport, [need.cause for need in needs])
    found = ((need, last.get(need.cause)) for need in needs)
    return [(need, one) for need, one in found if one is None or _again(one, before)]


def _again(one: Notice, before: datetime) -> bool:
    if one.state in (NoticeState.SENDING, NoticeState.RETRY):
        return one.state is NoticeState.RETRY
    return one.attempted_at <= before


def _tell_through(
    store: Store,
    due: Sequence[tuple[Need, Notice | None]],
    outlet: Outlet,
    *,
    wording: Wording,
    clock: Callable[[], datetime],
) -> list[Notice]:
    """Send one after the other; an outlet that asks to come later is left alone for this call."""
    told: list[Notice] = []
    for need, last in due:
        number = 1 if last is None else last.number + (last.state is not NoticeState.RETRY)
        message = make_message(
            wording.texts,
            need,
            language=wording.language,
            number=number,
            public_url=wording.public_url,
            at=clock(),
        )
        with store.write(clock()) as unit:
            if last is not None and last.state is NoticeState.RETRY:
                ours = retry_notice(unit, last)
            else:
                ours = begin_notice(
                    unit,
                    cause=need.cause,
                    kind=need.kind,
                    transport=outlet.transport,
                    number=number,
                    message_id=f"<{secrets.token_hex(_ID_BYTES)}@{outlet.domain}>",
                )
        if ours is None:
            continue  # another call tells of it at this moment
        told.append(_send(store, ours, message, outlet, clock=clock))
        if told[-1].state is NoticeState.RETRY:
            break
    return told


def _send(store: Store, ours: Notice, message: Message, outlet: Outlet, *, clock: Callable[[], datetime]) -> Notice:
    state, error = NoticeState.SENT, None
    try:
        outlet.send(message, ours.message_id)
    except RetryableSendError as fault:
        state, error = NoticeState.RETRY, str(fault)
    except PermanentSendError as fault:
        state, error = NoticeState.REFUSED, str(fault)
    except UnknownResultError as fault:
        state, error = NoticeState.UNKNOWN, str(fault)
    with store.write(clock()) as unit:
        return settle_notice(unit, ours, state, error=error[:_LONGEST_ERROR] if error else None)


def _line(one: Notice) -> Json:
    named = {"cause": one.cause, "kind": one.kind, "transport": one.transport}
    return {**named, "number": one.number, "state": one.state.value}


def _problem(one: Notice) -> Json:
    message = f"by {one.transport}: {_FAULTS[one.state]}: {one.error}"
    return {"code": "failed", "id": one.cause, "message": message}
