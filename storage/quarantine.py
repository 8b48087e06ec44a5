"""Revisions that could not be judged under a ruleset: what, why, and how often it was tried.

A row without a reason is a try that is under way: written before a long text is judged, taken away afterwards. What
a dead process leaves behind so is counted, and after :data:`MOST_TRIES` such deaths the revision is given up. With
a reason it is given up and no longer pending, until another ruleset is in force.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import sqlalchemy as sa

from storage.tables import post, quarantine
from storage.upsert import insert_missing

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from sqlalchemy.engine import Connection

    from storage.engine import Unit
    from storage.records import Json

MOST_TRIES = 3
"""So often a process may end while it judges one text before that text is held to be the cause."""


def begin_try(unit: Unit, revision_id: int, ruleset: str) -> int:
    """Record that a revision is about to be judged; return how often that was recorded before without an end."""
    _ensure(unit, ruleset, [revision_id])
    found = _row(revision_id, ruleset)
    before: int = unit.conn.execute(sa.select(quarantine.c.tries).where(found)).scalar_one()
    unit.conn.execute(sa.update(quarantine).where(found).values(tries=before + 1, at=unit.now))
    return before


def end_tries(unit: Unit, revision_ids: Collection[int], ruleset: str) -> None:
    """Forget the tries of revisions that were judged."""
    if revision_ids:
        judged = sa.and_(quarantine.c.revision_id.in_(revision_ids), quarantine.c.ruleset == ruleset)
        unit.conn.execute(sa.delete(quarantine).where(judged, quarantine.c.why.is_(None)))


def give_up(unit: Unit, ruleset: str, reasons: Mapping[int, str]) -> None:
    """Take revisions out of what is pending under a ruleset, with the reason of each."""
    _ensure(unit, ruleset, reasons)
    for revision_id, why in reasons.items():
        unit.conn.execute(sa.update(quarantine).where(_row(revision_id, ruleset)).values(why=why, at=unit.now))


def is_given_up(ruleset: str) -> sa.ColumnElement[bool]:
    """Return the condition that the current revision of a post is in quarantine."""
    found = sa.select(sa.literal(1)).where(
        quarantine.c.revision_id == post.c.current_revision_id,
        quarantine.c.ruleset == ruleset,
        quarantine.c.why.is_not(None),
    )
    return sa.exists(found.correlate(post))


def given_up(conn: Connection, ruleset: str) -> list[Json]:
    """Return the posts whose current revision is in quarantine under a ruleset, by row: post, why, when."""
    rows = conn.execute(
        sa.select(post.c.platform, post.c.native_id, quarantine.c.why, quarantine.c.at)
        .join_from(post, quarantine, quarantine.c.revision_id == post.c.current_revision_id)
        .where(quarantine.c.ruleset == ruleset, quarantine.c.why.is_not(None))
        .order_by(post.c.id)
    )
    return [{"post": f"{row.platform}:{row.native_id}", "why": row.why, "at": row.at} for row in rows]


def count_given_up(conn: Connection, ruleset: str) -> int:
    """Return how many posts are in quarantine under a ruleset."""
    return conn.execute(sa.select(sa.func.count()).select_from(post).where(is_given_up(ruleset))).scalar_one()


def _ensure(unit: Unit, ruleset: str, revision_ids: Collection[int]) -> None:
    rows = [{"revision_id": number, "ruleset": ruleset, "tries": 0, "at": unit.now} for number in revision_ids]
    insert_missing(unit.conn, quarantine, rows)


def _row(revision_id: int, ruleset: str) -> sa.ColumnElement[bool]:
    return sa.and_(quarantine.c.revision_id == revision_id, quarantine.c.ruleset == ruleset)
