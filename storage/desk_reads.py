"""Small reads that only the desk's pages need, each one statement."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from storage.records import ClueState, public_id
from storage.tables import audit_entry, clue, crawl_run, decision, post, post_revision

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import datetime

    from sqlalchemy.engine import Connection

    from storage.records import Json


@dataclass(frozen=True, slots=True, kw_only=True)
class RecentDecision:
    """One of a person's last decisions.

    ``standing`` tells that it is still what the clue says, so that it can be undone; ``version`` is the clue's
    present one.
    """

    clue_id: int
    clue: str
    state: ClueState
    category: str | None
    at: datetime
    version: int
    standing: bool


def recent_decisions(conn: Connection, actor: str, *, limit: int = 10) -> list[RecentDecision]:
    """Return a person's last conclusions, newest first; undone ones stay listed."""
    columns = (decision.c.clue_id, decision.c.clue_version, decision.c.state_to, decision.c.category, decision.c.at)
    rows = conn.execute(
        sa.select(*columns, clue.c.version, clue.c.state)
        .join_from(decision, clue, clue.c.id == decision.c.clue_id)
        .where(decision.c.actor == actor, decision.c.state_to.in_(_CONCLUSIONS))
        .order_by(decision.c.id.desc())
        .limit(limit)
    )
    return [
        RecentDecision(
            clue_id=row.clue_id,
            clue=public_id("clue", row.clue_id),
            state=ClueState(row.state_to),
            category=row.category,
            at=row.at,
            version=row.version,
            standing=row.version == row.clue_version + 1 and row.state == row.state_to,
        )
        for row in rows
    ]


def clue_platforms(conn: Connection) -> list[str]:
    """Return the platforms of clues, for a filter's choices; steps from one to the next along the unique key."""
    first = sa.select(sa.func.min(clue.c.platform).label("platform")).cte("step", recursive=True)
    following = sa.select(sa.func.min(clue.c.platform)).where(clue.c.platform > first.c.platform)
    steps = first.union_all(sa.select(following.scalar_subquery()).where(first.c.platform.is_not(None)))
    found = conn.execute(sa.select(steps.c.platform).where(steps.c.platform.is_not(None)))
    return sorted(found.scalars())


def audit_page(conn: Connection, *, before: int | None = None, limit: int = 50) -> list[Json]:
    """Return audit entries, newest first, those below a sequence where one is given."""
    query = sa.select(audit_entry).order_by(audit_entry.c.sequence.desc()).limit(limit)
    if before is not None:
        query = query.where(audit_entry.c.sequence < before)
    return [_dict(row) for row in conn.execute(query)]


def run_page(conn: Connection, *, before: int | None = None, limit: int = 50) -> list[Json]:
    """Return crawl runs, newest first, those below an id where one is given."""
    query = sa.select(crawl_run).order_by(crawl_run.c.id.desc()).limit(limit)
    if before is not None:
        query = query.where(crawl_run.c.id < before)
    return [_dict(row) for row in conn.execute(query)]


def titles_of(conn: Connection, post_ids: Collection[int]) -> tuple[dict[int, str], dict[int, tuple[str, ...]]]:
    """Return the present titles of posts, and the public ids of the clues found on them, both by post id."""
    current = post_revision.c.id == post.c.current_revision_id
    titles = sa.select(post.c.id, post_revision.c.title).join_from(post, post_revision, current)
    clues = sa.select(clue.c.post_id, clue.c.id).where(clue.c.post_id.in_(post_ids)).order_by(clue.c.id)
    found: dict[int, tuple[str, ...]] = {}
    for row in conn.execute(clues):
        found[row.post_id] = (*found.get(row.post_id, ()), public_id("clue", row.id))
    return {row.id: row.title for row in conn.execute(titles.where(post.c.id.in_(post_ids)))}, found


_CONCLUSIONS = (ClueState.CONFIRMED, ClueState.REJECTED, ClueState.UNSURE, ClueState.DUPLICATE)


def _dict(row: Any) -> Json:  # noqa: ANN401 - a row of whatever table was asked
    return dict(row._mapping)  # noqa: SLF001 - SQLAlchemy's public row mapping
