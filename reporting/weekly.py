"""The figures of one week, from one function: desk, PDF and JSON show these and no others."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from reporting.cases import Measure, cases, moment_of, through
from reporting.statistics import Times, natural_rate, rate_of
from reporting.weeks import days_between, week_span, week_to_sum_up
from storage.errors import InputError
from storage.open_items import count_flagged, count_seen, is_sent, open_items

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from sqlalchemy.engine import Connection

    from reporting.cases import Case
    from storage.open_items import OpenItem
    from storage.records import Json

STAGES = ("seen", "flagged", "confirmed", "sent", "answered", "acted")
"""The way from a post to a result; each stage counts targets, the first one posts."""

APART = (Measure.REAPPEARED, Measure.BEFORE_US, Measure.SELF_DELETED)

AGES_DAYS = (7, 14, 30, 90)
"""Where the classes of age end; the last one is open."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Period:
    """A week as far as it has gone: what is counted as new in it, and the moment at which everything stands."""

    week: str
    since: datetime
    until: datetime
    complete: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class _Tally:
    """What is counted of one group of targets: in all, and what is new in the week."""

    counts: Counter[Measure] = field(default_factory=Counter)
    fresh: Counter[Measure] = field(default_factory=Counter)
    times: Times = field(default_factory=Times)

    def add(self, case: Case, period: Period) -> None:
        self.counts.update(case.measures)
        self.fresh.update(one for one in case.measures if is_fresh(case, one, period))
        self.times.add(case, period.until)


def period_of(week: str | None, now: datetime) -> Period:
    """Return a week's period; None means the week whose batches were closed last.

    Raises:
        InputError: not an ISO week, or one that has not begun (``bad_field``).
    """
    chosen = week or week_to_sum_up(now)
    since, end = week_span(chosen)
    if since > now:
        raise InputError("bad_field", f"{chosen} has not begun yet", field="week")
    return Period(week=chosen, since=since, until=min(end, now), complete=end <= now)


def is_fresh(case: Case, measure: Measure, period: Period) -> bool:
    """Return whether a target came to count in this way within the week."""
    moment = moment_of(case, measure)
    return moment is not None and period.since <= moment <= period.until


def weekly_summary(conn: Connection, *, week: str | None = None, now: datetime) -> Json:
    """Return the figures of a week as known at its end (now, while it lasts); ``docs/outcomes.md`` explains each.

    Raises:
        InputError: not an ISO week, or one that has not begun.
    """
    period = period_of(week, now)
    whole = _Tally()
    by_platform: defaultdict[str, _Tally] = defaultdict(_Tally)
    by_channel: defaultdict[str, _Tally] = defaultdict(_Tally)
    for case in cases(conn, until=period.until):
        whole.add(case, period)
        by_platform[case.one.platform].add(case, period)
        for channel in sorted({sending.channel for sending in case.one.sendings}):
            part = through(case, channel)
            if part is not None:
                by_channel[channel].add(part, period)
    return {
        "week": period.week,
        "since": period.since.isoformat(),
        "until": period.until.isoformat(),
        "complete": period.complete,
        "action_rate": {
            "all": _rate(whole),
            "by_channel": {name: _rate(by_channel[name]) for name in sorted(by_channel)},
            "by_platform": {name: _rate(tally) for name, tally in sorted(by_platform.items()) if _sent(tally)},
        },
        "funnel": _funnel(conn, whole, period),
        "open_items": _ages(conn, period.until),
        "waiting": {
            "all": whole.times.figures(),
            "by_channel": {name: by_channel[name].times.figures() for name in sorted(by_channel)},
        },
        "natural": {name: _natural(tally) for name, tally in sorted(by_platform.items())},
        "apart": {one.value: {"week": whole.fresh[one], "total": whole.counts[one]} for one in APART},
    }


def age_class(item: OpenItem, until: datetime) -> int:
    """Return the number of an item's class of age, 0 for the youngest."""
    days = days_between(item.since, until)
    return sum(days >= end for end in AGES_DAYS)


def every_open_item(conn: Connection, *, until: datetime, after: int = 0) -> Iterator[OpenItem]:
    """Yield the items under way at a moment, by id, page by page."""
    place: int | None = after
    while place is not None:
        page = open_items(conn, until=until, after=place)
        yield from page.rows
        place = page.after


def _sent(tally: _Tally) -> bool:
    return tally.counts[Measure.SENT] > 0


def _rate(tally: _Tally) -> Json:
    counts = tally.counts
    return {**rate_of(counts), "acted": counts[Measure.ACTED], "live": counts[Measure.LIVE]}


def _natural(tally: _Tally) -> Json:
    counts = tally.counts
    return {**natural_rate(counts), "gone": counts[Measure.NATURAL_GONE], "live": counts[Measure.NATURAL_LIVE]}


def _funnel(conn: Connection, whole: _Tally, period: Period) -> list[Json]:
    seen = count_seen(conn, since=period.since, until=period.until)
    flagged = count_flagged(conn, since=period.since, until=period.until)
    counted = {"seen": seen, "flagged": flagged}
    for stage in STAGES[2:]:
        counted[stage] = (whole.fresh[Measure(stage)], whole.counts[Measure(stage)])
    return [{"stage": stage, "week": counted[stage][0], "total": counted[stage][1]} for stage in STAGES]


def _ages(conn: Connection, until: datetime) -> list[Json]:
    """Return how many items are under way by class of age: before they were sent, and since."""
    counts: Counter[tuple[int, bool]] = Counter()
    for item in every_open_item(conn, until=until):
        counts[age_class(item, until), is_sent(item.state)] += 1
    limits: list[int | None] = [0, *AGES_DAYS, None]
    return [
        {
            "age": number,
            "from_days": limits[number],
            "to_days": limits[number + 1],
            "preparing": counts[number, False],
            "sent": counts[number, True],
        }
        for number in range(len(AGES_DAYS) + 1)
    ]
