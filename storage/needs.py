"""What stands and needs a person: sources that stopped, jobs that failed, batches and items that wait.

Each read is one statement; none of them returns anything that was crawled.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import sqlalchemy as sa

from storage.ledger import FAILED, MAX_ATTEMPTS
from storage.records import BatchState, RunState, SubmissionState, public_id
from storage.tables import batch, crawl_run, run, submission

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import datetime

    from sqlalchemy.engine import Connection

GOOD_RUNS = (RunState.FINISHED, RunState.BUDGET)
"""States of a crawl run that ended as it should."""

_STOPPED = (RunState.BLOCKED, RunState.FORMAT_CHANGED, RunState.FAILED)


@dataclass(frozen=True, slots=True, kw_only=True)
class StoppedSource:
    """A source whose runs have ended badly since ``first_run``; ``reason`` is the last run's, as stored."""

    source: str
    first_run: str
    state: RunState
    reason: str | None
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class FailedJob:
    """A job whose last period failed for good; ``first`` is the first failed period since one was done."""

    job: str
    first: str
    period: str
    at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class WaitingBatch:
    """A batch in a state that waits for a person, with its items that were not struck."""

    code: str
    channel: str
    state: BatchState
    version: int
    drafted_by: str
    items: int


@dataclass(frozen=True, slots=True, kw_only=True)
class UnansweredItems:
    """Items of one batch in one state since one sending."""

    code: str
    channel: str
    state: SubmissionState
    sent_at: datetime
    items: int


def stopped_sources(conn: Connection) -> list[StoppedSource]:
    """Return the sources whose last ended run was no good, by name."""
    runs = crawl_run.c
    good = (
        sa.select(runs.source, sa.func.max(runs.id).label("last"))
        .where(runs.state.in_([state.value for state in GOOD_RUNS]))
        .group_by(runs.source)
        .subquery()
    )
    bad = (
        sa.select(runs.source, sa.func.min(runs.id).label("first"), sa.func.max(runs.id).label("last"))
        .select_from(crawl_run.outerjoin(good, good.c.source == runs.source))
        .where(runs.state.in_([state.value for state in _STOPPED]), runs.id > sa.func.coalesce(good.c.last, 0))
        .group_by(runs.source)
        .subquery()
    )
    query = sa.select(crawl_run, bad.c.first).join_from(crawl_run, bad, bad.c.last == runs.id).order_by(runs.source)
    return [
        StoppedSource(
            source=row.source,
            first_run=public_id("run", row.first),
            state=RunState(row.state),
            reason=row.reason,
            at=row.ended_at or row.started_at,
        )
        for row in conn.execute(query)
    ]


def failed_jobs(conn: Connection) -> list[FailedJob]:
    """Return the jobs that failed as often as a period is tried since they last succeeded, by name.

    Failures of several periods add up: of a job that coalesces, each new period takes the place of a failed one.
    """
    done = sa.select(run.c.job, sa.func.max(run.c.id).label("last")).where(run.c.state == "done")
    done_last = done.group_by(run.c.job).subquery()
    failed = (
        sa.select(run.c.job, sa.func.min(run.c.id).label("first"), sa.func.max(run.c.id).label("last"))
        .select_from(run.outerjoin(done_last, done_last.c.job == run.c.job))
        .where(
            run.c.state == FAILED,
            run.c.failures > 0,
            run.c.id > sa.func.coalesce(done_last.c.last, 0),
        )
        .group_by(run.c.job)
        .having(sa.func.sum(run.c.failures) >= MAX_ATTEMPTS)
        .subquery()
    )
    first, last = run.alias("first_run"), run.alias("last_run")
    query = (
        sa.select(last.c.job, last.c.period, last.c.ended_at, first.c.period.label("first"))
        .select_from(failed.join(last, last.c.id == failed.c.last).join(first, first.c.id == failed.c.first))
        .order_by(last.c.job)
    )
    return [
        FailedJob(job=row.job, first=row.first, period=row.period, at=row.ended_at) for row in conn.execute(query)
    ]


def waiting_batches(conn: Connection, states: Collection[BatchState]) -> list[WaitingBatch]:
    """Return the batches in these states that still hold items, oldest first."""
    live = sa.and_(submission.c.batch_id == batch.c.id, submission.c.state != SubmissionState.WITHDRAWN.value)
    query = (
        sa.select(batch, sa.func.count(submission.c.id).label("items"))
        .join_from(batch, submission, live)
        .where(batch.c.state.in_([state.value for state in states]))
        .group_by(batch.c.id)
        .order_by(batch.c.id)
    )
    return [
        WaitingBatch(
            code=row.code,
            channel=row.channel,
            state=BatchState(row.state),
            version=row.version,
            drafted_by=row.drafted_by,
            items=row.items,
        )
        for row in conn.execute(query)
    ]


def unanswered_items(conn: Connection, states: Collection[SubmissionState]) -> list[UnansweredItems]:
    """Return what was sent and is in these states, by batch and time of sending, oldest first."""
    columns = (batch.c.code, submission.c.channel, submission.c.state, submission.c.sent_at)
    query = (
        sa.select(*columns, sa.func.count().label("items"))
        .join_from(submission, batch, batch.c.id == submission.c.batch_id)
        .where(submission.c.state.in_([state.value for state in states]), submission.c.sent_at.is_not(None))
        .group_by(*columns)
        .order_by(submission.c.sent_at, batch.c.code)
    )
    return [
        UnansweredItems(
            code=row.code,
            channel=row.channel,
            state=SubmissionState(row.state),
            sent_at=row.sent_at,
            items=row.items,
        )
        for row in conn.execute(query)
    ]
