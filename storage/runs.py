"""Crawl runs: one row per run of a source, its counts kept up in the transactions of its pages."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import sqlalchemy as sa

from storage.evidence import software_name
from storage.records import Json, ReadOutcome, RunState, public_id
from storage.tables import crawl_run

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from sqlalchemy.engine import Connection, Row

    from storage.engine import Unit

MAX_PROBLEMS = 50
"""Problems that one run keeps; later ones only count."""

UNFINISHED = (RunState.RUNNING, RunState.BUDGET)
"""States of a run that is due to be continued at once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRow:
    """One crawl run as stored."""

    id: int
    source: str
    state: RunState
    started_at: datetime
    ended_at: datetime | None
    reason: str | None = None
    robots: Json = field(default_factory=dict)
    pages: Json = field(default_factory=dict)
    posts: Json = field(default_factory=dict)
    problems: tuple[Json, ...] = ()

    @property
    def public_id(self) -> str:
        """The id that people see, such as ``r7``."""
        return public_id("run", self.id)


def start_run(unit: Unit, *, source: str, platform: str, access: str) -> RunRow:
    """Begin a new run of a source."""
    made = unit.conn.execute(
        sa.insert(crawl_run).values(
            source=source,
            platform=platform,
            access=access,
            state=RunState.RUNNING,
            started_at=unit.now,
            software=software_name(),
            robots={},
            pages=dict.fromkeys(ReadOutcome, 0),
            posts={"new": 0, "changed": 0, "seen": 0},
            problems=[],
        )
    )
    key = made.inserted_primary_key
    assert key is not None  # noqa: S101 - a single-row insert always has one
    found = get_run(unit.conn, int(key[0]))
    assert found is not None  # noqa: S101 - just inserted
    return found


def continue_run(unit: Unit, run_id: int) -> None:
    """Set a run that was stopped, killed or out of budget to running again."""
    unit.conn.execute(
        sa.update(crawl_run)
        .where(crawl_run.c.id == run_id)
        .values(state=RunState.RUNNING, ended_at=None, reason=None)
    )


def count_read(unit: Unit, run_id: int, *, outcome: ReadOutcome | None, posts: Mapping[str, int]) -> None:
    """Add one page read (None = no page: a sitemap or feed) and its posts to a run's counts."""
    row = unit.conn.execute(
        sa.select(crawl_run.c.pages, crawl_run.c.posts).where(crawl_run.c.id == run_id).with_for_update()
    ).one()
    pages = {**row.pages, outcome: row.pages.get(outcome, 0) + 1} if outcome else row.pages
    counted = {name: row.posts.get(name, 0) + posts.get(name, 0) for name in ("new", "changed", "seen")}
    unit.conn.execute(sa.update(crawl_run).where(crawl_run.c.id == run_id).values(pages=pages, posts=counted))


def note_robots(unit: Unit, run_id: int, host: str, verdict: Json) -> None:
    """Record what a host's robots.txt said in this run."""
    known = unit.conn.execute(
        sa.select(crawl_run.c.robots).where(crawl_run.c.id == run_id).with_for_update()
    ).scalar_one()
    unit.conn.execute(
        sa.update(crawl_run).where(crawl_run.c.id == run_id).values(robots={**(known or {}), host: verdict})
    )


def note_problems(unit: Unit, run_id: int, problems: Sequence[Json]) -> None:
    """Add problems to a run, up to ``MAX_PROBLEMS``."""
    known = unit.conn.execute(
        sa.select(crawl_run.c.problems).where(crawl_run.c.id == run_id).with_for_update()
    ).scalar_one()
    kept = [*known, *problems][:MAX_PROBLEMS]
    unit.conn.execute(sa.update(crawl_run).where(crawl_run.c.id == run_id).values(problems=kept))


def end_run(unit: Unit, run_id: int, state: RunState, *, reason: str | None = None) -> None:
    """End a run."""
    unit.conn.execute(
        sa.update(crawl_run).where(crawl_run.c.id == run_id).values(state=state, reason=reason, ended_at=unit.now)
    )


def get_run(conn: Connection, run_id: int) -> RunRow | None:
    """Return one run, or None."""
    row = conn.execute(sa.select(crawl_run).where(crawl_run.c.id == run_id)).first()
    return None if row is None else _record(row)


def last_run(conn: Connection, source: str) -> RunRow | None:
    """Return the newest run of a source, or None."""
    row = conn.execute(
        sa.select(crawl_run).where(crawl_run.c.source == source).order_by(crawl_run.c.id.desc()).limit(1)
    ).first()
    return None if row is None else _record(row)


def last_runs(conn: Connection) -> dict[str, RunRow]:
    """Return the newest run of every source that ever had one, by source name."""
    newest = sa.select(sa.func.max(crawl_run.c.id)).group_by(crawl_run.c.source)
    rows = conn.execute(sa.select(crawl_run).where(crawl_run.c.id.in_(newest)))
    return {row.source: _record(row) for row in rows}


def last_good_run(conn: Connection, source: str) -> RunRow | None:
    """Return the newest run of a source that ended as it should, or None."""
    row = conn.execute(
        sa.select(crawl_run)
        .where(crawl_run.c.source == source, crawl_run.c.state.in_((RunState.FINISHED, RunState.BUDGET)))
        .order_by(crawl_run.c.id.desc())
        .limit(1)
    ).first()
    return None if row is None else _record(row)


def _record(row: Row[tuple[object, ...]]) -> RunRow:
    return RunRow(
        id=row.id,
        source=row.source,
        state=RunState(row.state),
        started_at=row.started_at,
        ended_at=row.ended_at,
        reason=row.reason,
        robots=row.robots or {},
        pages=row.pages,
        posts=row.posts,
        problems=tuple(row.problems),
    )
