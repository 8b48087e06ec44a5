"""Triggers only: what is due when. Nothing here runs a job or keeps one.

:func:`tick` is a pure function of the time, the job table and what the run ledger knows; commands/schedule_loop.py
asks it every minute and starts what it names. APScheduler gives the arithmetic of cron fields and the beat that
calls the tick. Its persistent store is not used: it deletes jobs it cannot load and loses runs that are killed
(docs/decisions/0003-schedule.md, 0019-schedule-process.md).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from functools import cache
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from apscheduler.jobstores.memory import MemoryJobStore
from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.triggers.cron import CronTrigger

from reporting.weeks import cut_off, week_of
from storage.errors import SettingsError
from storage.ledger import DONE, RUNNING

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Sequence

    from storage.ledger import RunRow

TIMEZONE = ZoneInfo("Asia/Shanghai")
"""Cron expressions and week cut-offs are meant in this zone."""

PULSE_SECONDS = 60
"""How often the tick is called."""

RETRY_AFTER = tuple(timedelta(minutes=minutes) for minutes in (1, 5, 30, 120))
"""How long a run waits after its first failure, its second and so on; the last one holds for all later ones."""

_LONGEST_PAST = timedelta(days=366 * 9)  # 29 February may be eight years apart
_DAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
_WEEKDAYS = re.compile(r"(\*|[0-7]|[a-z]{3})(?:-([0-7]|[a-z]{3}))?(?:/([1-7]))?", re.ASCII)


class Rule(StrEnum):
    """What becomes of periods that were missed."""

    COALESCE = "coalesce"
    """Only the newest runs: a crawl at eight makes up for those at two and five."""

    EACH = "each"
    """Every one runs, in order, for its own week."""


class Lane(StrEnum):
    """Which runs wait for each other."""

    READING = "reading"
    """Reads the network and may take hours; a limited number at once."""

    STAGE = "stage"
    """Works through stored rows; one at once."""

    PROMPT = "prompt"
    """Short and awaited by people; never waits for others."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One entry of the job table.

    ``words`` is the command, with ``{period}`` for the period. ``former`` are the names that the job had before,
    oldest first: its history under them counts, and it goes on being written under the oldest. ``weekly`` periods
    are ISO weeks whose cut-off has passed when the cron fires, others the minute at which it fires.
    """

    name: str
    cron: str
    words: tuple[str, ...]
    rule: Rule = Rule.COALESCE
    lane: Lane = Lane.STAGE
    weekly: bool = False
    former: tuple[str, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """All names in the ledger, the one under which it is written first."""
        return (*self.former, self.name)

    def period_of(self, fired: datetime) -> str:
        """Return the period that a run of this moment is for; periods sort as text like their times."""
        if self.weekly:
            week = week_of(fired)
            return week if cut_off(week) <= fired else week_of(fired - timedelta(days=7))
        return f"{fired.astimezone(UTC):%Y-%m-%dT%H:%MZ}"

    def time_of(self, period: str) -> datetime:
        """Return the moment at which a period began to be possible."""
        return cut_off(period) if self.weekly else datetime.fromisoformat(period)


class Standing(StrEnum):
    """Where a row of the ledger stands for the tick."""

    HELD = "held"
    """Somebody alive works on it."""

    OPEN = "open"
    """It failed or was left by its holder, and is to be begun again."""

    CLOSED = "closed"
    """It is done, or failed so often that it was given up."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """What the tick needs to know of one row of the ledger."""

    job: str
    period: str
    standing: Standing
    failures: int = 0
    ended_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Due:
    """A run to be started now; ``fired_at`` is when it should have been."""

    job: Job
    period: str
    fired_at: datetime


def tick(
    now: datetime, ledger: Sequence[Entry], *, jobs: Sequence[Job], resting: Collection[str] = ()
) -> list[Due]:
    """Return what is to be started now, the longest due first. A pure function.

    Args:
        now: the time, aware.
        ledger: of each job its newest row that is not ahead of ``now`` and all that run; see :func:`bound_of`.
        jobs: the job table. A job of which the ledger knows nothing gives nothing: see :func:`first_periods`.
        resting: names of jobs that may not start now; what they miss they catch up later.
    """
    found = (_due(job, _of(job, ledger), now) for job in jobs if job.name not in resting)
    return sorted((due for due in found if due is not None), key=lambda due: due.fired_at)


def first_periods(now: datetime, ledger: Sequence[Entry], *, jobs: Sequence[Job]) -> dict[str, str]:
    """Return of each job without a past the period to close, so that it begins now, not with the beginning of time.

    The key is the name in the ledger. A row ahead of ``now``, left by a clock that ran ahead, is no past.
    """
    return {
        job.names[0]: job.period_of(last_fire(job.cron, now) or now - _LONGEST_PAST) if job.weekly else bound
        for job in jobs
        if (bound := bound_of(job, now)) and not any(entry.period <= bound for entry in _of(job, ledger))
    }


def bound_of(job: Job, now: datetime) -> str:
    """Return the last period of a job that is not ahead of ``now``."""
    return job.period_of(now)


def entry_of(row: RunRow, *, stale: bool) -> Entry:
    """Return what a row of the ledger is to the tick; ``stale``: its holder is gone."""
    if row.state == RUNNING and not stale:
        standing = Standing.HELD
    elif row.state == DONE or row.given_up:
        standing = Standing.CLOSED
    else:
        standing = Standing.OPEN
    return Entry(job=row.job, period=row.period, standing=standing, failures=row.failures, ended_at=row.ended_at)


def _of(job: Job, ledger: Sequence[Entry]) -> list[Entry]:
    return [entry for entry in ledger if entry.job in job.names]


def _due(job: Job, entries: Sequence[Entry], now: datetime) -> Due | None:
    bound = bound_of(job, now)
    past = [entry for entry in entries if entry.period <= bound]
    if not past or any(entry.standing is Standing.HELD for entry in entries):
        return None
    last = max(past, key=lambda entry: (entry.period, entry.standing is Standing.CLOSED))
    is_open = last.standing is Standing.OPEN
    if not (is_open and job.rule is Rule.EACH) and (new := _missed(job, last.period, now)) is not None:
        return Due(job=job, period=job.period_of(new), fired_at=new)
    if is_open and _may_retry(last, now):
        return Due(job=job, period=last.period, fired_at=job.time_of(last.period))
    return None


def _missed(job: Job, last: str, now: datetime) -> datetime | None:
    """Return when the period that follows the last one fired, by the job's rule; None when none has yet."""
    if job.rule is Rule.COALESCE:
        fired = last_fire(job.cron, now)
        return fired if fired is not None and job.period_of(fired) > last else None
    return next((fired for fired in _fires(job.cron, job.time_of(last), now) if job.period_of(fired) > last), None)


def _may_retry(entry: Entry, now: datetime) -> bool:
    """Tell whether a run has waited long enough; one that ended in the future was ended by a wrong clock."""
    if not entry.failures or entry.ended_at is None:
        return True
    wait = RETRY_AFTER[min(entry.failures, len(RETRY_AFTER)) - 1]
    return not entry.ended_at <= now < entry.ended_at + wait


def next_fire(cron: str, after: datetime) -> datetime | None:
    """Return the first time strictly after ``after`` at which a cron expression fires, None when it never does.

    Five fields as in crontab(5): minute, hour, day, month, weekday (0 and 7 are Sunday); where day and weekday are
    both given, either will do. Computed on the wall clock of Shanghai, because CronTrigger loses a day where summer
    time begins (3.11.3: daily at 00:30, 5 May 1986). An hour that happens twice fires once.

    Raises:
        SettingsError: the expression is not one of five fields.
    """
    wall = after.astimezone(TIMEZONE).replace(tzinfo=UTC, fold=0)
    while True:
        found = [fired for one in _triggers(cron) if (fired := one.get_next_fire_time(wall, wall)) is not None]
        if not found:
            return None
        wall = min(found)
        at: datetime = wall.replace(tzinfo=TIMEZONE).astimezone(UTC)
        if at > after:
            return at


def last_fire(cron: str, now: datetime) -> datetime | None:
    """Return the last time not after ``now`` at which a cron expression fired; None: not in the last nine years."""
    span = timedelta(hours=1)
    while span <= 4 * _LONGEST_PAST:
        last = None
        for last in _fires(cron, now - span, now):  # noqa: B007 - the last one is what is wanted
            pass
        if last is not None:
            return last
        span *= 4
    return None


def fired_since(cron: str, since: datetime, *, now: datetime) -> bool:
    """Return whether a cron expression has fired after ``since`` and not after ``now``."""
    due = next_fire(cron, since)
    return due is not None and due <= now


@cache
def check_cron(cron: str) -> None:
    """Raise SettingsError when an expression is not five fields of cron, or never fires."""
    if next_fire(cron, datetime(2001, 1, 1, tzinfo=UTC)) is None:
        raise SettingsError("bad_field", f"{cron!r} never fires: there is no such day", field="schedule")


def _fires(cron: str, since: datetime, now: datetime) -> Iterator[datetime]:
    fired = next_fire(cron, since)
    while fired is not None and fired <= now:
        yield fired
        fired = next_fire(cron, fired)


@cache
def _triggers(cron: str) -> tuple[CronTrigger, ...]:
    """Return the triggers whose union an expression is."""
    try:
        minute, hour, day, month, weekday = cron.split()
        names = _weekdays(weekday.lower())
        days = ((day, "*"), ("*", names)) if not day.startswith("*") and names != "*" else ((day, names),)
        return tuple(
            CronTrigger(minute=minute, hour=hour, day=one, month=month, day_of_week=other, timezone=UTC)
            for one, other in days
        )
    except ValueError as error:
        raise SettingsError("bad_field", f"{cron!r} is no cron expression: {error}", field="schedule") from None


def _weekdays(field: str) -> str:
    """Return crontab's weekdays as names: CronTrigger counts from Monday, and knows no span over the week's end."""
    if field == "*":
        return field
    found: set[int] = set()
    for part in field.split(","):
        match = _WEEKDAYS.fullmatch(part)
        if match is None:
            raise ValueError(f"{part!r} is no weekday")
        first, last = (0, 6) if match[1] == "*" else (_day(match[1]), _day(match[2] or match[1]))
        span = range(first, last + 1 if last >= first else last + 8)  # fri-mon goes over the week's end
        found |= {number % 7 for number in span[:: int(match[3] or 1)]}
    return ",".join(_DAYS[number] for number in sorted(found))


def _day(text: str) -> int:
    if text.isdigit():
        return int(text)
    if text not in _DAYS:
        raise ValueError(f"{text!r} is no weekday")
    return _DAYS.index(text)


class Pulse:
    """Calls a function every minute from a thread of its own, until it is stopped."""

    def __init__(self, call: Callable[[], object], *, seconds: float = PULSE_SECONDS) -> None:
        self._seconds = seconds
        self._scheduler = BackgroundScheduler(timezone=UTC, jobstores={"default": MemoryJobStore()})
        options = {"max_instances": 1, "misfire_grace_time": None, "coalesce": True}
        self._scheduler.add_job(call, "interval", seconds=seconds, id="tick", **options)

    def start(self) -> None:
        """Begin; the first call comes after one interval."""
        self._scheduler.start()

    def restart(self) -> None:
        """Count the interval from now on; after a clock was set back the next call would wait as long."""
        self._scheduler.reschedule_job("tick", trigger="interval", seconds=self._seconds)

    def stop(self) -> None:
        """End, without waiting for a call."""
        self._scheduler.shutdown(wait=False)
