"""Times as pages and feeds write them. Pure functions."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from zoneinfo import ZoneInfo

_SHANGHAI = ZoneInfo("Asia/Shanghai")
_WRITTEN = re.compile(
    r"((?:19|20)[0-9]{2})\s*[-/.年]\s*([01]?[0-9])\s*[-/.月]\s*([0-3]?[0-9])日?"
    r"(?:[\sT,，]*([0-2]?[0-9])[:：时]([0-5][0-9])(?:[:：分]([0-5][0-9]))?)?"
)


def page_time(text: str, at: datetime) -> datetime | None:
    """Return a time as aware UTC, None when it is none or lies after ``at``; without offset it is Shanghai's.

    Read are ISO 8601, mail dates (RFC 5322) and written dates such as ``2026年11月3日 10:20``.
    """
    text = text.strip()[:100]
    moment = _iso(text) or _mail(text) or _written(text)
    if moment is None:
        return None
    try:
        aware = (moment if moment.tzinfo else moment.replace(tzinfo=_SHANGHAI)).astimezone(UTC)
    except (OverflowError, ValueError):
        return None
    return aware if aware <= at else None


def _iso(text: str) -> datetime | None:
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return None


def _mail(text: str) -> datetime | None:
    try:
        return parsedate_to_datetime(text)
    except (ValueError, TypeError, IndexError):
        return None


def _written(text: str) -> datetime | None:
    found = _WRITTEN.search(text)
    if not found:
        return None
    year, month, day, hour, minute, second = (int(part or 0) for part in found.groups())
    try:
        return datetime(year, month, day, hour, minute, second, tzinfo=_SHANGHAI)
    except ValueError:
        return None
