"""The figures of contracts §6, computed from the ledger: what had been recorded up to a moment."""

from __future__ import annotations

from array import array
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from reporting.cases import Measure, cases
from reporting.waiting import Waits, bounds_days, no_waits
from reporting.weeks import days_between
from storage.statistics_math import waiting_percentiles, wilson

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from sqlalchemy.engine import Connection

    from reporting.cases import Case
    from storage.records import Json

SHARES = {"p50": 0.50, "p75": 0.75, "p90": 0.90, "p95": 0.95}


@dataclass(frozen=True, slots=True, kw_only=True)
class Times:
    """Waiting times in days: from first sight to sending, and from sending to gone."""

    sent_after: array[float] = field(default_factory=lambda: array("d"))
    unsent_for: array[float] = field(default_factory=lambda: array("d"))
    gone: Waits = field(default_factory=no_waits)

    def add(self, case: Case, until: datetime) -> None:
        """Count one target."""
        if case.sent_at is not None:
            self.sent_after.append(days_between(case.one.first_seen, case.sent_at))
            _add_gone(self.gone, case, case.sent_at)
        else:
            end = case.value.first_gone_at or until
            self.unsent_for.append(days_between(case.one.first_seen, end))

    def figures(self) -> Json:
        """Return the percentiles of both."""
        return {
            "seen_to_sent_days": exact_percentiles(self.sent_after, self.unsent_for),
            "sent_to_gone_days": bounded_percentiles(self.gone),
        }


def statistics(conn: Connection, *, as_of: datetime | None = None, now: datetime) -> Json:
    """Return the object of ``stats``: the action rate with its unknowns, waiting times, what is counted apart.

    ``as_of`` leaves out everything that was recorded later, so that a figure once shown is shown again.
    """
    until = as_of if as_of is not None else now
    counts: Counter[Measure] = Counter()
    natural: defaultdict[str, Counter[Measure]] = defaultdict(Counter)
    times = Times()
    for case in cases(conn, until=until):
        counts.update(case.measures)
        natural[case.one.platform].update(case.measures)
        times.add(case, until)
    return {
        "action_rate": rate_of(counts),
        **times.figures(),
        "before_us": counts[Measure.BEFORE_US],
        "self_deleted": counts[Measure.SELF_DELETED],
        "reappeared": counts[Measure.REAPPEARED],
        "natural": {platform: natural_rate(natural[platform]) for platform in sorted(natural)},
        "as_of": until.isoformat(),
    }


def rate_of(counts: Mapping[Measure, int]) -> Json:
    """Return the action rate of counted targets."""
    acted, live = counts[Measure.ACTED], counts[Measure.LIVE]
    return action_rate(acted=acted, known=acted + live, unknown=counts[Measure.UNKNOWN])


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


def natural_rate(counts: Mapping[Measure, int]) -> Json:
    """Return ``{rate, low, high, n, unknown}`` of targets that disappeared while nobody had reported them."""
    gone, live = counts[Measure.NATURAL_GONE], counts[Measure.NATURAL_LIVE]
    interval = wilson(gone, gone + live)
    return {
        "rate": gone / (gone + live) if interval else None,
        "low": interval[0] if interval else None,
        "high": interval[1] if interval else None,
        "n": gone + live,
        "unknown": counts[Measure.NATURAL_UNKNOWN],
    }


def exact_percentiles(ended: Sequence[float], still_open: Sequence[float]) -> Json:
    """Return the percentiles of waits whose ends are known, open ones censored."""
    found = waiting_percentiles(ended, still_open, tuple(SHARES.values()))
    shown = {name: _days(value) for name, value in zip(SHARES, found, strict=True)}
    return {**shown, "n": len(ended), "open": len(still_open)}


def bounded_percentiles(waits: Waits) -> Json:
    """Return the percentiles of waits that ended between two looks: by when surely, and between which days."""
    found = bounds_days(waits, tuple(SHARES.values()))
    bounds = {
        name: None if pair is None else [_days(pair[0]), _days(pair[1])]
        for name, pair in zip(SHARES, found, strict=True)
    }
    surely = {name: None if pair is None else pair[1] for name, pair in bounds.items()}
    return {**surely, "n": waits.ended, "open": waits.open, "bounds": bounds}


def _days(value: float | None) -> float | None:
    return None if value is None else round(value, 2)


def _add_gone(waits: Waits, case: Case, sent_at: datetime) -> None:
    """Count the wait from sending to gone; what is not surely gone was watched until it was last seen live."""
    value = case.value
    last = max(days_between(sent_at, value.last_live_at), 0.0) if value.last_live_at is not None else 0.0
    if Measure.GONE in case.measures and value.first_gone_at is not None:
        waits.add(last, days_between(sent_at, value.first_gone_at))
    elif Measure.NOT_GONE in case.measures:
        waits.add(last)
