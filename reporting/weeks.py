"""Weeks of batches: ISO weeks by the clock of Asia/Shanghai, closed on Friday at 18:00."""

from __future__ import annotations

import re
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

from storage.errors import InputError

SHANGHAI = ZoneInfo("Asia/Shanghai")
CUT_OFF = time(18, 0)
"""When a week's batch is closed, on its Friday."""

_FRIDAY = 5
_WEEK = re.compile(r"(\d{4})-W(\d{2})", re.ASCII)


def week_of(moment: datetime) -> str:
    """Return the ISO week of a moment in Shanghai, such as ``2026-W47``."""
    year, week, _ = moment.astimezone(SHANGHAI).isocalendar()
    return f"{year:04d}-W{week:02d}"


def cut_off(week: str) -> datetime:
    """Return the instant in UTC at which a week's batch is closed.

    Raises:
        InputError: not an ISO week (``bad_field``).
    """
    found = _WEEK.fullmatch(week)
    try:
        day = datetime.fromisocalendar(int(found[1]), int(found[2]), _FRIDAY) if found else None
    except ValueError:
        day = None
    if day is None:
        raise InputError("bad_field", f"{week!r} is not an ISO week such as 2026-W47", field="week")
    return datetime.combine(day, CUT_OFF, tzinfo=SHANGHAI).astimezone(UTC)


def shown_time(moment: datetime | str | None) -> str | None:
    """Return a time as people in the field read it: ISO 8601 to the second, in Shanghai."""
    if moment is None:
        return None
    value = datetime.fromisoformat(moment) if isinstance(moment, str) else moment
    return value.astimezone(SHANGHAI).isoformat(timespec="seconds")


def shown_moment(moment: str) -> str:
    """Return a stored time to the minute, in Shanghai, for a page."""
    return datetime.fromisoformat(moment).astimezone(SHANGHAI).strftime("%Y-%m-%d %H:%M")


def days_between(start: datetime, end: datetime) -> float:
    """Return the days from one moment to another, as a fraction."""
    return (end - start) / timedelta(days=1)


def week_span(week: str) -> tuple[datetime, datetime]:
    """Return when an ISO week begins and ends in Shanghai, Monday to Monday, in UTC.

    Raises:
        InputError: not an ISO week (``bad_field``).
    """
    friday = cut_off(week).astimezone(SHANGHAI)
    monday = datetime.combine(friday.date() - timedelta(days=_FRIDAY - 1), time(), tzinfo=SHANGHAI)
    return monday.astimezone(UTC), (monday + timedelta(days=7)).astimezone(UTC)


def week_to_sum_up(now: datetime) -> str:
    """Return the week whose batches were closed last: the present one from its Friday at 18:00 on."""
    present = week_of(now)
    return present if now >= cut_off(present) else week_of(now - timedelta(days=7))
