"""Triggers only: when a cron expression fires. Nothing here runs a job or keeps one.

APScheduler's persistent store is not used: it deletes jobs it cannot load and loses runs that are killed
(docs/decisions/0003-schedule.md); its CronTrigger is used as a pure function.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from apscheduler.triggers.cron import CronTrigger

from storage.errors import SettingsError

if TYPE_CHECKING:
    from datetime import datetime

TIMEZONE = ZoneInfo("Asia/Shanghai")
"""Cron expressions and week cut-offs are meant in this zone."""


def next_fire(cron: str, after: datetime) -> datetime | None:
    """Return the first time strictly after ``after`` at which a cron expression fires, None when it never does.

    Raises:
        SettingsError: the expression is not one of five fields (minute hour day month weekday).
    """
    found: datetime | None = _trigger(cron).get_next_fire_time(after, after)
    return found


def fired_since(cron: str, since: datetime, *, now: datetime) -> bool:
    """Return whether a cron expression has fired after ``since`` and not after ``now``."""
    due = next_fire(cron, since)
    return due is not None and due <= now


def _trigger(cron: str) -> CronTrigger:
    try:
        return CronTrigger.from_crontab(cron, timezone=TIMEZONE)
    except ValueError as error:
        raise SettingsError("bad_field", f"{cron!r} is no cron expression: {error}", field="schedule") from None
