"""What `qingyuan schedule` says: a line per happening, and the list of jobs."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from commands.context import context
from commands.schedule_loop import LATE
from scheduler import TIMEZONE, bound_of, entry_of, next_fire, tick
from storage.ledger import known_jobs, last_period, lease_is_over, standing_runs

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime

    from commands.jobs import Table
    from commands.schedule_loop import Happening
    from scheduler import Due
    from storage.ledger import RunRow
    from storage.records import Json


def line_of(what: Happening) -> str:
    """Return a happening as one line."""
    if what.due is None:
        return what.text
    parts = [what.kind, what.due.job.name, f"for {_period(what.due)}"]
    if what.kind == "started" and (late := what.at - what.due.fired_at) >= LATE:
        parts.append(f"(late by {timedelta(minutes=late // timedelta(minutes=1))})")
    if what.kind != "started":
        parts.append(f"after {round(what.seconds, 1)} s")
    return " ".join(parts) + (f": {what.text}" if what.text else "")


def job_lines(table: Table) -> Iterator[Json]:
    """Yield a line for each job, and for each name of the ledger that is no job's any more."""
    now = context.now()
    bounds = {name: bound_of(job, now) for job in table.jobs for name in job.names}
    with context.store.read() as conn:
        known = [name for name in known_jobs(conn) if name not in bounds]
        rows = standing_runs(conn, bounds | {name: last_period(conn, name) or "" for name in known})
    entries = [entry_of(row, stale=lease_is_over(row, now)) for row in rows]
    due = {one.job.name for one in tick(now, entries, jobs=table.jobs, resting=table.resting(now))}
    for job in table.jobs:
        line = {"job": job.name, "command": " ".join(job.words), "schedule": job.cron, "rule": job.rule.value}
        last = _last([row for row in rows if row.job in job.names])
        times = {"last": last, "next": _shown(next_fire(job.cron, now))}
        yield line | times | {"due": job.name in due, "known": True}
    for name in known:
        last = _last([row for row in rows if row.job == name])
        nothing: Json = dict.fromkeys(("command", "schedule", "rule", "last", "next"))
        yield {"job": name, **nothing, "last": last, "due": False, "known": False}


def _last(rows: Sequence[RunRow]) -> Json | None:
    """Return the newest of a job's rows that is a run, None when it never ran."""
    newest = max((row for row in rows if row.attempts), key=lambda row: row.period, default=None)
    if newest is None:
        return None
    times = {"started_at": _shown(newest.started_at), "ended_at": _shown(newest.ended_at)}
    tries = {"attempts": newest.attempts, "failures": newest.failures}
    return (
        {"name": f"{newest.period} {newest.state}", "period": newest.period, "state": newest.state} | times | tries
    )


def _period(due: Due) -> str:
    return due.period if due.job.weekly else f"{due.fired_at.astimezone(TIMEZONE):%Y-%m-%d %H:%M}"


def _shown(moment: datetime | None) -> str | None:
    return None if moment is None else moment.astimezone(TIMEZONE).isoformat(timespec="seconds")
