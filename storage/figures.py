"""Numbers of a workspace for those who watch it: a fixed number of statements, nothing of any person."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from storage.needs import GOOD_RUNS
from storage.records import OPEN_CLUE_STATES
from storage.tables import batch, clue, crawl_run, delivery, notice, outcome, post, run

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy.engine import Connection

STATEMENTS = 11
"""How many statements one reading takes, however much is stored."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """Counts by state and times of what last went well; None where there is nothing to tell."""

    posts: int
    clues: dict[str, int]
    oldest_open_clue: datetime | None
    crawl_runs: dict[str, int]
    good_runs: dict[str, datetime]
    batches: dict[str, int]
    deliveries: dict[str, int]
    outcomes: dict[str, int]
    notices: dict[tuple[str, str], int]
    jobs: dict[tuple[str, str], int]
    jobs_done: dict[str, datetime]


def read_figures(conn: Connection) -> Figures:
    """Return the numbers as they are now."""
    open_states = [state.value for state in OPEN_CLUE_STATES]
    good = crawl_run.c.state.in_([state.value for state in GOOD_RUNS])
    return Figures(
        posts=conn.execute(sa.select(sa.func.count()).select_from(post)).scalar_one(),
        clues=_counts(conn, clue.c.state),
        oldest_open_clue=conn.execute(
            sa.select(sa.func.min(clue.c.created_at)).where(clue.c.state.in_(open_states))
        ).scalar(),
        crawl_runs=_counts(conn, crawl_run.c.state),
        good_runs=_latest(conn, crawl_run.c.source, crawl_run.c.ended_at, good),
        batches=_counts(conn, batch.c.state),
        deliveries=_counts(conn, delivery.c.state),
        outcomes=_counts(conn, outcome.c.kind),
        notices=_pairs(conn, notice.c.transport, notice.c.state),
        jobs=_pairs(conn, run.c.job, run.c.state),
        jobs_done=_latest(conn, run.c.job, run.c.ended_at, run.c.state == "done"),
    )


def _counts(conn: Connection, column: sa.Column[Any]) -> dict[str, int]:
    rows = conn.execute(sa.select(column.label("name"), sa.func.count().label("many")).group_by(column))
    return {row.name: row.many for row in rows}


def _pairs(conn: Connection, first: sa.Column[Any], second: sa.Column[Any]) -> dict[tuple[str, str], int]:
    columns = (first.label("first"), second.label("second"))
    rows = conn.execute(sa.select(*columns, sa.func.count().label("many")).group_by(first, second))
    return {(row.first, row.second): row.many for row in rows}


def _latest(
    conn: Connection, name: sa.Column[Any], at: sa.Column[Any], which: sa.ColumnElement[bool]
) -> dict[str, datetime]:
    query = sa.select(name.label("name"), sa.func.max(at).label("at")).where(which, at.is_not(None)).group_by(name)
    return {row.name: row.at for row in conn.execute(query)}
