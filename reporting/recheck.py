"""Rechecks: which targets are due for another look, asked for by rows of the frontier that the crawler reads.

The calendar is that of design §3: 1, 3, 7, 14, 30 and 90 days after sending; 1, 3 and 7 days after the target was
first seen gone, by anybody and by a probe. Confirmed targets that were not sent are followed from their decision,
so that natural disappearance stands beside the action rate.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Literal

from storage import batches, submissions
from storage.engine import CHUNK_ROWS
from storage.errors import InputError
from storage.followed import followed, followed_clues
from storage.frontier import request_recheck
from storage.observations import observations_of
from storage.records import ObservationMethod, OutcomeKind, OutcomeState, public_id
from storage.transitions.outcome import fold

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from datetime import datetime

    from storage.engine import Store
    from storage.followed import Followed
    from storage.transitions.outcome import Observation

Mode = Literal["due", "all", "batch"]
"""Which targets: those whose day has come, all that are followed, or those of one batch."""

AFTER_SENDING = tuple(timedelta(days=days) for days in (1, 3, 7, 14, 30, 90))
AFTER_GONE = tuple(timedelta(days=days) for days in (1, 3, 7))
WHILE_PROVISIONAL = tuple(timedelta(days=days) for days in (14, 30, 90))
"""Further looks at a target that is still not surely gone then: walls or silent controls stood before it."""

AGAIN_AFTER = timedelta(days=1)
"""When a probe that told nothing is tried once more: some pages count as gone only at a second look."""


def request_rechecks(store: Store, *, now: datetime, mode: Mode = "due", batch: str | None = None) -> int:
    """Ask for a look at targets; return how many looks were asked for that had not been before.

    Raises:
        InputError: the mode ``batch`` without a batch (``bad_field``).
        NotFoundError: there is no such batch.
    """
    if (mode == "batch") != (batch is not None):
        raise InputError("bad_field", "a recheck is of what is due, of all, or of one batch", field="batch")
    wanted = _batch_clues(store, batch) if batch is not None else None
    asked = after = 0
    while True:
        with store.read() as conn:
            page = followed(conn, after=after, limit=CHUNK_ROWS)
            seen = observations_of(conn, [one.clue_id for one in page.rows])
        chosen = [one for one in page.rows if wanted is None or one.clue_id in wanted]
        asked += _ask(store, chosen, seen, now=now, mode=mode)
        if page.after is None:
            return asked
        after = page.after


def request_looks(store: Store, clue_ids: Collection[int], *, now: datetime, reason: str) -> int:
    """Ask for a look at these clues' targets now; ``reason`` and the time tell one asking from another."""
    with store.read() as conn:
        chosen = followed_clues(conn, clue_ids)
    return _write(store, [(one, f"{reason}:{now.isoformat()}") for one in chosen], now=now)


def due_slot(one: Followed, seen: Sequence[Observation], *, now: datetime) -> datetime | None:
    """Return the last calendar day of a target that has come and that no probe has answered; None when none has.

    Days that were missed while the machine was off are made up for by one look.
    """
    probes = [look for look in seen if look.method is ObservationMethod.PROBE]
    last = max((look.at for look in probes), default=None)
    slots = [slot for slot in _calendar(one, seen) if slot <= now and (last is None or last < slot)]
    return max(slots, default=None)


def _calendar(one: Followed, seen: Sequence[Observation]) -> list[datetime]:
    start = one.resent_at or one.decided_at
    slots = [start + step for step in AFTER_SENDING] if start is not None else []
    value = fold(seen, sent_at=one.sent_at)
    if value.first_gone_at is not None:
        more = WHILE_PROVISIONAL if value.state is OutcomeState.PROVISIONAL else ()
        firsts = {value.first_gone_at, value.gone_proved_at or value.first_gone_at}
        slots += [first + step for first in firsts for step in (*AFTER_GONE, *more)]
    probes = sorted((look for look in seen if look.method is ObservationMethod.PROBE), key=lambda look: look.at)
    silent = [_told_nothing(look) for look in probes[-2:]]
    if silent and silent[-1] and not all(silent[:-1] or [False]):
        slots.append(probes[-1].at + AGAIN_AFTER)
    return slots


def _told_nothing(look: Observation) -> bool:
    """Tell whether a probe came back empty-handed; a wall is an answer, it stands there tomorrow too."""
    if look.kind in (OutcomeKind.LOGIN_WALL, OutcomeKind.PROBE_BLOCKED):
        return False
    return look.kind is OutcomeKind.UNKNOWN or look.control_ok is not True


def _ask(
    store: Store,
    page: Sequence[Followed],
    seen: dict[int, list[Observation]],
    *,
    now: datetime,
    mode: Mode,
) -> int:
    wanted: list[tuple[Followed, str]] = []
    for one in page:
        if mode == "due":
            slot = due_slot(one, seen.get(one.clue_id, ()), now=now)
            if slot is not None:
                wanted.append((one, f"due:{slot.isoformat()}"))
        else:
            wanted.append((one, f"{mode}:{now.isoformat()}"))
    return _write(store, wanted, now=now)


def _write(store: Store, wanted: Sequence[tuple[Followed, str]], *, now: datetime) -> int:
    asked = 0
    for start in range(0, len(wanted), CHUNK_ROWS):
        with store.write(now) as unit:
            for one, reason in wanted[start : start + CHUNK_ROWS]:
                if one.url is None:
                    continue
                key = f"{public_id('clue', one.clue_id)}:{reason}"
                asked += request_recheck(
                    unit, source=one.source, url=one.url, clue_id=one.clue_id, key=key, not_before=now
                )
    return asked


def _batch_clues(store: Store, code: str) -> set[int]:
    with store.read() as conn:
        one = batches.get_batch(conn, code)
        return {item.clue_id for item in submissions.submissions_of_batch(conn, one.number)}
