"""When a page that did not come is asked for again, and when a source is left alone."""

from __future__ import annotations

from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING

from storage import frontier
from storage.records import ReadOutcome, RunState

if TYPE_CHECKING:
    from crawler.reading import Judged, PageRead
    from crawler.session import CrawlSession
    from storage.engine import Unit
    from storage.frontier import FrontierRow

LONGEST_PAUSE = timedelta(minutes=2)
"""A longer Retry-After ends the run; the source is left alone until then."""

LONGEST_RETRY_AFTER = timedelta(days=7)
_LONGEST_BACK_OFF_SECONDS = 60.0
_BETWEEN_404 = timedelta(hours=24)


def retry_after(read: PageRead) -> timedelta | None:
    """Return how long an answer asks to wait (RFC 9110 §10.2.3), None where it asks nothing readable."""
    value = read.headers.get("retry-after", "").strip()
    if value.isascii() and value.isdigit():
        return min(timedelta(seconds=min(int(value[:9]), 10**8)), LONGEST_RETRY_AFTER)
    try:
        moment = parsedate_to_datetime(value)
    except (ValueError, TypeError, IndexError):
        return None
    if moment.tzinfo is None:
        return None
    return min(max(moment - read.at, timedelta()), LONGEST_RETRY_AFTER)


def back_off(delay_seconds: float, attempts: int) -> timedelta:
    """Return the wait before attempt number ``attempts`` + 2: five delays, at least a second, doubled each time."""
    return timedelta(seconds=min(max(5 * delay_seconds, 1.0) * 2**attempts, _LONGEST_BACK_OFF_SECONDS))


def after_failure(
    unit: Unit,
    session: CrawlSession,
    row: FrontierRow,
    *,
    reason: str,
    outcome: ReadOutcome = ReadOutcome.UNKNOWN,
    read: PageRead | None = None,
    final: bool = False,
) -> bool:
    """Put a row off, or give it up after the platform's number of attempts; return whether it was given up."""
    if final or row.attempts + 1 >= session.adapter.limits.max_attempts:
        frontier.fail(unit, row, owner=session.owner, outcome=outcome, meta={"reason": reason})
        return True
    wait = back_off(session.source.budget.delay_seconds, row.attempts)
    asked = retry_after(read) if read is not None else None
    frontier.postpone(unit, row, owner=session.owner, until=unit.now + max(wait, asked or wait))
    return False


def after_block(
    session: CrawlSession, row: FrontierRow, read: PageRead, judged: Judged, *, alone: bool = False
) -> None:
    """Stop the source for a challenge, a login wall or a series of refusals; pause it as its answer asks.

    ``alone``: the wall stands before this page and not before the site, so that only a series of them stops it.
    """
    if judged.outcome is ReadOutcome.BLOCKED:
        # The same page refused again says nothing new of the site, but asking too fast again does.
        session.blocked_in_a_row += row.attempts == 0 or read.status == 429  # noqa: PLR2004 - too many requests
        series = session.blocked_in_a_row >= session.adapter.limits.blocked_series
        if (judged.stops and not alone) or series:
            session.stop_with(RunState.BLOCKED, f"{judged.marker} at {read.url}", code="blocked")
    asked = retry_after(read)
    if asked is None or read.status < 400:  # noqa: PLR2004 - only refusals and faults ask us to wait
        return
    if asked > LONGEST_PAUSE:
        until = read.at + asked
        session.hold_until(until)
        session.stop_with(
            RunState.BLOCKED, f"the site asked to be left alone until {until.isoformat()}", code="blocked"
        )
    else:
        session.paused_until = max(session.paused_until or read.at, read.at + asked)


def is_second_404(session: CrawlSession, row: FrontierRow, now: datetime) -> bool:
    """Tell whether a 404 now means gone: one was seen a day or more before, and the start page answers."""
    first = row.meta.get("http_404_at")
    if not isinstance(first, str) or not session.starts_answer:
        return False
    return now - datetime.fromisoformat(first) >= _BETWEEN_404


def first_404_at(row: FrontierRow, read: PageRead) -> str | None:
    """Return when a row's page was first not found, None where it now is something else."""
    if read.status != 404:  # noqa: PLR2004 - not found
        return None
    first = row.meta.get("http_404_at")
    return first if isinstance(first, str) else read.at.isoformat()
