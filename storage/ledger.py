"""The run ledger: each job once per period, whoever asks and however often the machine dies.

A row per job and period holds who works on it. The holder renews its lease; a holder that is dead on this host, or
silent for longer than the lease elsewhere, is taken over at the next call. The number of the attempt is the fence:
a holder that was taken over can neither renew nor finish, and :func:`check_run` keeps it from committing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from storage.errors import LeaseLostError
from storage.leases import LEASE, is_dead, lease_owner
from storage.tables import run
from storage.upsert import insert_missing

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy.engine import Connection, Row

    from storage.engine import Store, Unit
    from storage.records import Json

RUNNING, DONE, FAILED = "running", "done", "failed"

MAX_ATTEMPTS = 3
"""A period that failed is tried again until it failed this often; takeovers count."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One job in one period as its holder knows it; ``attempt`` counts from 1."""

    id: int
    job: str
    period: str
    attempt: int
    owner: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRow:
    """One row of the ledger; ``result`` is what the job answered, or its error."""

    job: str
    period: str
    state: str
    attempts: int
    lease_owner: str | None
    lease_until: datetime | None
    started_at: datetime | None
    ended_at: datetime | None
    result: Json | None


def begin(store: Store, job: str, period: str, *, now: datetime, owner: str | None = None) -> Run | None:
    """Take a job's period; None when it is done, failed too often, or in the hands of somebody alive.

    ``owner`` defaults to this process.
    """
    owner = owner or lease_owner()
    with store.write(now) as unit:
        insert_missing(unit.conn, run, [{"job": job, "period": period, "state": FAILED, "attempts": 0}])
        row = unit.conn.execute(
            sa.select(run).where(run.c.job == job, run.c.period == period).with_for_update()
        ).one()
        if not _free(row, now):
            return None
        taken = {
            "state": RUNNING,
            "attempts": row.attempts + 1,
            "lease_owner": owner,
            "lease_until": now + LEASE,
            "started_at": now,
            "ended_at": None,
        }
        unit.conn.execute(sa.update(run).where(run.c.id == row.id).values(taken))
    return Run(id=row.id, job=job, period=period, attempt=row.attempts + 1, owner=owner)


def heartbeat(store: Store, held: Run, *, now: datetime) -> None:
    """Renew the lease; raise LeaseLostError when somebody else has taken the run over."""
    with store.write(now) as unit:
        _update_held(unit, held, {"lease_until": now + LEASE})


def check_run(unit: Unit, held: Run) -> None:
    """Renew the lease inside a unit of work, so that the unit commits only while the run is still held.

    Raises:
        LeaseLostError: somebody else has taken the run over; the unit must not commit.
    """
    _update_held(unit, held, {"lease_until": unit.now + LEASE})


def finish(store: Store, held: Run, *, now: datetime, result: Json | None = None, failed: bool = False) -> None:
    """Close the run as done or failed with its result; raise LeaseLostError when it is no longer held."""
    ended = {
        "state": FAILED if failed else DONE,
        "ended_at": now,
        "result": result,
        "lease_owner": None,
        "lease_until": None,
    }
    with store.write(now) as unit:
        _update_held(unit, held, ended)


def get_run(conn: Connection, job: str, period: str) -> RunRow | None:
    """Return the ledger's row of a job's period, or None."""
    row = conn.execute(sa.select(run).where(run.c.job == job, run.c.period == period)).first()
    return None if row is None else _row(row)


def list_runs(conn: Connection, *, job: str | None = None, limit: int = 50) -> list[RunRow]:
    """Return rows of the ledger, newest first; ``limit`` 0 means all."""
    query = sa.select(run).order_by(run.c.id.desc())
    if job is not None:
        query = query.where(run.c.job == job)
    return [_row(row) for row in conn.execute(query.limit(limit) if limit else query)]


def _free(row: Row[Any], now: datetime) -> bool:
    if row.state == DONE or row.attempts >= MAX_ATTEMPTS:
        return False
    if row.state == FAILED:
        return True
    return bool(row.lease_until <= now or is_dead(row.lease_owner))


def _update_held(unit: Unit, held: Run, values: Json) -> None:
    done = unit.conn.execute(
        sa.update(run)
        .where(
            run.c.id == held.id,
            run.c.state == RUNNING,
            run.c.lease_owner == held.owner,
            run.c.attempts == held.attempt,
        )
        .values(values)
    )
    if done.rowcount != 1:
        raise LeaseLostError("run", f"{held.job} {held.period}", held.owner)


def _row(row: Row[Any]) -> RunRow:
    values = dict(row._mapping)  # noqa: SLF001 - SQLAlchemy's public row mapping
    del values["id"]
    return RunRow(**values)
