"""The figures of contracts §6, computed from the ledger: observations and sendings up to a moment."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from reporting.weeks import days_between
from storage.observations import observations_of
from storage.outcomes import followed
from storage.records import Cause
from storage.statistics_math import waiting_percentiles, wilson
from storage.transitions.outcome import PROBED_KINDS, fold, is_acted, is_known

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy.engine import Connection

    from storage.outcomes import Followed
    from storage.records import Json
    from storage.transitions.outcome import Outcome

_PAGE = 500
_SHARES = (0.50, 0.75, 0.90, 0.95)


@dataclass(slots=True)
class _Counts:
    """What is counted on the way through the followed clues; times in days."""

    acted: int = 0
    known: int = 0
    unknown: int = 0
    before_us: int = 0
    self_deleted: int = 0
    reappeared: int = 0
    sent_after: list[float] = field(default_factory=list)
    unsent_for: list[float] = field(default_factory=list)
    gone_after: list[float] = field(default_factory=list)
    there_for: list[float] = field(default_factory=list)


def statistics(conn: Connection, *, as_of: datetime | None = None, now: datetime) -> Json:
    """Return the object of ``stats``: the action rate with its unknowns, waiting times, what is counted apart.

    ``as_of`` leaves out everything seen, decided and sent later. Waiting times end at probes: the true moment lies
    between the last look that saw the target and the first that did not.
    """
    until = as_of if as_of is not None else now
    counts = _Counts()
    after = 0
    while page := followed(conn, after=after, limit=_PAGE, until=until):
        seen = observations_of(conn, [one.clue_id for one in page], until=until)
        for one in page:
            _count(counts, one, fold(seen.get(one.clue_id, ()), sent_at=one.sent_at), until)
        after = page[-1].clue_id
    return {
        "action_rate": action_rate(acted=counts.acted, known=counts.known, unknown=counts.unknown),
        "seen_to_sent_days": _percentiles(counts.sent_after, counts.unsent_for),
        "sent_to_gone_days": _percentiles(counts.gone_after, counts.there_for),
        "before_us": counts.before_us,
        "self_deleted": counts.self_deleted,
        "reappeared": counts.reappeared,
    }


def action_rate(*, acted: int, known: int, unknown: int) -> Json:
    """Return the action rate with its interval and bounds (contracts §6); null where the divisor is 0."""
    interval = wilson(acted, known)
    every = known + unknown
    return {
        "rate": acted / known if known else None,
        "low": interval[0] if interval else None,
        "high": interval[1] if interval else None,
        "n": known,
        "unknown": unknown,
        "worst": acted / every if every else None,
        "best": (acted + unknown) / every if every else None,
    }


def _count(counts: _Counts, one: Followed, value: Outcome, until: datetime) -> None:
    apart = value.cause in (Cause.BEFORE_US, Cause.SELF)
    counts.before_us += value.cause is Cause.BEFORE_US
    counts.self_deleted += value.cause is Cause.SELF
    _count_waiting(counts, one, value, until)
    if one.sent_at is None:
        return
    counts.reappeared += value.reappeared > 0
    if apart:
        return
    counts.acted += is_acted(value)
    counts.known += is_known(value)
    counts.unknown += not is_known(value)


def _count_waiting(counts: _Counts, one: Followed, value: Outcome, until: datetime) -> None:
    if one.sent_at is not None:
        counts.sent_after.append(days_between(one.first_seen, one.sent_at))
        _count_gone(counts, value, one.sent_at)
    elif value.first_gone_at is not None:
        counts.unsent_for.append(days_between(one.first_seen, value.first_gone_at))
    else:
        counts.unsent_for.append(days_between(one.first_seen, until))


def _count_gone(counts: _Counts, value: Outcome, sent_at: datetime) -> None:
    """Count the wait from sending to gone; what is not surely gone was watched until it was last seen live."""
    if value.cause is Cause.BEFORE_US:
        return
    if is_acted(value) and value.kind in PROBED_KINDS and value.first_gone_at is not None:
        counts.gone_after.append(days_between(sent_at, value.first_gone_at))
        return
    last = value.last_live_at
    counts.there_for.append(max(days_between(sent_at, last), 0.0) if last is not None else 0.0)


def _percentiles(ended: list[float], still_open: list[float]) -> Json:
    p50, p75, p90, p95 = (
        None if value is None else round(value, 2) for value in waiting_percentiles(ended, still_open, _SHARES)
    )
    return {"p50": p50, "p75": p75, "p90": p90, "p95": p95, "n": len(ended), "open": len(still_open)}
