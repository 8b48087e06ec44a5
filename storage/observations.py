"""Observations: what a probe, a reply or a person said of a target at one time; rows are only ever added."""

from __future__ import annotations

from typing import TYPE_CHECKING

import sqlalchemy as sa

from storage.records import ObservationMethod, OutcomeKind
from storage.tables import observation
from storage.transitions.outcome import PROBED_KINDS, TOLD_KINDS, Observation
from storage.upsert import insert_new

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from sqlalchemy.engine import Connection

    from storage.engine import Unit
    from storage.records import Actor, Json


def record_observation(  # noqa: PLR0913 - one keyword per column, agreed with the crawler
    unit: Unit,
    *,
    clue_id: int,
    key: str,
    at: datetime,
    kind: OutcomeKind | str,
    method: ObservationMethod | str,
    marker: str | None = None,
    control_ok: bool | None = None,
    capture_id: int | None = None,
    reply_id: int | None = None,
    actor: Actor | str,
    note: str | None = None,
) -> bool:
    """Add one observation of a clue's target; return False when the clue already has one of this key.

    ``key`` says which visit, reply row or note it is, so that a repeated step adds nothing. ``control_ok`` tells
    whether a target known to be live was readable in the same session: a probe without a working control is kept
    but proves nothing (:mod:`storage.transitions.outcome`).

    Raises:
        ValueError: the kind or method is unknown, a probe says gone without naming the marker it saw, or claims
            what only the platform can know.
    """
    kind, method = OutcomeKind(kind), ObservationMethod(method)
    if method is ObservationMethod.PROBE and kind in PROBED_KINDS and not marker:
        raise ValueError(f"a probe that says {kind} must name its marker")
    if method is ObservationMethod.PROBE and kind in TOLD_KINDS:
        raise ValueError(f"no probe can see {kind}")
    row = {
        "clue_id": clue_id,
        "key": key,
        "at": at,
        "recorded_at": unit.now,
        "kind": kind.value,
        "method": method.value,
        "marker": marker,
        "control_ok": control_ok,
        "capture_id": capture_id,
        "reply_id": reply_id,
        "actor": actor if isinstance(actor, str) else actor.name,
        "note": note,
        "simulated": unit.simulated,
    }
    return insert_new(unit.conn, observation, row) is not None


def observations_of(
    conn: Connection, clue_ids: Sequence[int], *, until: datetime | None = None
) -> dict[int, list[Observation]]:
    """Return the observations of some clues by clue id, oldest first; ``until`` leaves later records out."""
    query = sa.select(observation).where(observation.c.clue_id.in_(clue_ids))
    if until is not None:
        query = query.where(observation.c.recorded_at <= until, observation.c.at <= until)
    found: dict[int, list[Observation]] = {}
    for row in conn.execute(query.order_by(observation.c.at, observation.c.id)):
        seen = Observation(
            at=row.at,
            kind=OutcomeKind(row.kind),
            method=ObservationMethod(row.method),
            marker=row.marker,
            control_ok=row.control_ok,
        )
        found.setdefault(row.clue_id, []).append(seen)
    return found


def last_by_person(conn: Connection, clue_id: int, actor: str) -> Json | None:
    """Return ``{id, at, kind, note}`` of the last observation that a person recorded of a target, or None."""
    row = conn.execute(
        sa.select(observation.c.id, observation.c.at, observation.c.kind, observation.c.note)
        .where(
            observation.c.clue_id == clue_id,
            observation.c.method == ObservationMethod.PERSON.value,
            observation.c.actor == actor,
        )
        .order_by(observation.c.id.desc())
        .limit(1)
    ).first()
    return None if row is None else {"id": row.id, "at": row.at, "kind": row.kind, "note": row.note}


def count_by_kind(conn: Connection, *, since_id: int = 0) -> dict[str, int]:
    """Return how many probe observations of each kind have an id above ``since_id``."""
    rows = conn.execute(
        sa.select(observation.c.kind, sa.func.count())
        .where(observation.c.id > since_id, observation.c.method == ObservationMethod.PROBE.value)
        .group_by(observation.c.kind)
        .order_by(observation.c.kind)
    )
    return {row[0]: row[1] for row in rows}


def last_observation_id(conn: Connection) -> int:
    """Return the highest observation id, 0 when there is none."""
    return conn.execute(sa.select(sa.func.max(observation.c.id))).scalar() or 0
