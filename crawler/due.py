"""Which sources are due for a crawl. A pure function; what cron lines mean is the caller's to say."""

from __future__ import annotations

from typing import TYPE_CHECKING

from crawler.watch import Access, in_quiet_hours
from storage.runs import UNFINISHED

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import datetime

    from crawler.watch import SourceConfig
    from storage.runs import RunRow

    FiredSince = Callable[[str, datetime], bool]


def due_sources(
    sources: Sequence[SourceConfig],
    last_runs: Mapping[str, RunRow],
    *,
    now: datetime,
    fired_since: FiredSince,
) -> tuple[SourceConfig, ...]:
    """Return the sources that are due, in their order (contracts §1).

    Due is what has an unfinished run (also one ended by its budget), has no schedule, or whose cron line has fired
    since its last run began: ``fired_since(cron, moment)`` says so. Sources read from files never are, nor those in
    their quiet hours.
    """
    return tuple(
        source
        for source in sources
        if source.access is not Access.IMPORT
        and not in_quiet_hours(source, now)
        and _is_due(source, last_runs.get(source.name), fired_since)
    )


def _is_due(source: SourceConfig, last: RunRow | None, fired_since: FiredSince) -> bool:
    if last is None or source.schedule is None or last.state in UNFINISHED:
        return True
    return fired_since(source.schedule, last.started_at)
