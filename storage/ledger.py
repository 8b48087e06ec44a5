"""The run ledger: each job once per period, whoever asks and however often the machine dies.

A row per job and period holds who works on it. The holder renews its lease; a holder that is dead on this host, or
silent for longer than the lease elsewhere, is taken over at the next call. The number of the attempt is the fence:
a holder that was taken over can neither renew nor finish, and :func:`check_run` keeps it from committing.

A scheduler holds a run for a child process, the row's ``worker``: as long as that lives, the run is not anybody
else's before its lease is over, even if the scheduler is dead.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from storage.errors import LeaseLostError
from storage.leases import LEASE, is_dead, lease_owner
from storage.tables import run
from storage.upsert import insert_missing

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from datetime import datetime

    from sqlalchemy.engine import Connection, Row

    from storage.engine import Store, Unit
    from storage.records import Json

    Stale = Callable[["RunRow"], bool]

RUNNING, DONE, FAILED = "running", "done", "failed"

MAX_ATTEMPTS = 5
"""A period whose work failed is tried again until it failed this often; takeovers and stops are no failures."""

MAX_BEGINNINGS = 50
"""A period is begun no more often than this, whatever ended it: perhaps it is what kills the machine."""

_JOB_LOCK = 0x5159_4A4F_0000_0000  # "QYJO": beginnings of one job take turns on PostgreSQL
_PRUNE_ROWS = 200


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

    id: int
    job: str
    period: str
    state: str
    attempts: int
    failures: int
    lease_owner: str | None
    lease_until: datetime | None
    worker: str | None
    started_at: datetime | None
    ended_at: datetime | None
    result: Json | None

    @property
    def given_up(self) -> bool:
        """Whether it failed so often that nobody tries it again."""
        return self.state != DONE and (self.failures >= MAX_ATTEMPTS or self.attempts >= MAX_BEGINNINGS)


def begin(store: Store, job: str, period: str, *, now: datetime, owner: str | None = None) -> Run | None:
    """Take a job's period; None when it is done, failed too often, or in the hands of somebody alive.

    ``owner`` defaults to this process.
    """
    with store.write(now) as unit:
        return _take(unit, job, period, owner=owner or lease_owner(), stale=lambda row: lease_is_over(row, now))


def begin_alone(
    store: Store, names: Sequence[str], period: str, *, now: datetime, owner: str | None = None, stale: Stale
) -> Run | None:
    """Take a period of a job of which only one may run at a time; None when it is not free or another one runs.

    ``names`` are all names that the job ever had, oldest first: a new row gets the oldest, so that an older program
    beside this one sees it. ``stale`` says of a running row whether its holder is gone; such rows of other periods
    are closed as failed.
    """
    with store.write(now) as unit:
        _lock_job(unit, names[0])
        rows = [_row(row) for row in unit.conn.execute(_of_job(names, period).with_for_update())]
        others = [row for row in rows if row.period != period]
        if not all(stale(row) for row in others):
            return None
        _close_left(unit, [row.id for row in others], period)
        name = next((row.job for row in rows if row.period == period), names[0])
        return _take(unit, name, period, owner=owner or lease_owner(), stale=stale)


def lease_is_over(row: RunRow, now: datetime) -> bool:
    """Return whether the holder of a running row is gone, by the clock.

    It is when the lease has passed, when it ends so late that only a clock gone wrong can have set it, or when
    the holder and its worker are dead on this host.
    """
    until = row.lease_until
    return until is None or until <= now or until > now + 10 * LEASE or is_gone(row)


def is_gone(row: RunRow) -> bool:
    """Return whether holder and worker of a row are surely dead; those on other hosts never are."""
    return is_dead(row.lease_owner or "") and (row.worker is None or is_dead(row.worker))


def heartbeat(store: Store, held: Run, *, now: datetime) -> None:
    """Renew the lease; raise LeaseLostError when somebody else has taken the run over."""
    with store.write(now) as unit:
        _update_held(unit, held, {"lease_until": now + LEASE})


def name_worker(store: Store, held: Run, worker: str, *, now: datetime) -> None:
    """Record the process that does the work, as an owner's name; raise LeaseLostError as :func:`heartbeat` does."""
    with store.write(now) as unit:
        _update_held(unit, held, {"lease_until": now + LEASE, "worker": worker})


def check_run(unit: Unit, held: Run) -> None:
    """Renew the lease inside a unit of work, so that the unit commits only while the run is still held.

    Raises:
        LeaseLostError: somebody else has taken the run over; the unit must not commit.
    """
    _update_held(unit, held, {"lease_until": unit.now + LEASE})


def finish(store: Store, held: Run, *, now: datetime, result: Json | None = None, failed: bool = False) -> None:
    """Close the run as done or failed with its result; raise LeaseLostError when it is no longer held."""
    failures = {"failures": run.c.failures + 1} if failed else {}
    with store.write(now) as unit:
        _update_held(unit, held, _ended(now, FAILED if failed else DONE, result) | failures)


def release(store: Store, held: Run, *, now: datetime, result: Json | None = None) -> None:
    """Give an unfinished run back, without a failure: it is due again at once. Raises as :func:`finish` does."""
    with store.write(now) as unit:
        _update_held(unit, held, _ended(now, FAILED, result))


def note_first_tick(store: Store, job: str, period: str, *, now: datetime) -> None:
    """Close the period before a new job's first one, so that it starts from now on; once, whoever comes first."""
    values = {"job": job, "period": period, "state": DONE, "attempts": 0, "failures": 0, "ended_at": now}
    with store.write(now) as unit:
        insert_missing(unit.conn, run, [{**values, "result": {"first_tick": now.isoformat()}}])


def get_run(conn: Connection, job: str, period: str) -> RunRow | None:
    """Return the ledger's row of a job's period, or None."""
    row = conn.execute(sa.select(run).where(run.c.job == job, run.c.period == period)).first()
    return None if row is None else _row(row)


def held_run(conn: Connection, run_id: int, attempt: int) -> Run | None:
    """Return a run as its holder knows it, None unless it is running in this attempt."""
    query = sa.select(run).where(run.c.id == run_id, run.c.attempts == attempt, run.c.state == RUNNING)
    row = conn.execute(query).first()
    if row is None:
        return None
    return Run(id=row.id, job=row.job, period=row.period, attempt=row.attempts, owner=row.lease_owner)


def list_runs(conn: Connection, *, job: str | None = None, limit: int = 50) -> list[RunRow]:
    """Return rows of the ledger, newest first; ``limit`` 0 means all."""
    query = sa.select(run).order_by(run.c.id.desc())
    if job is not None:
        query = query.where(run.c.job == job)
    return [_row(row) for row in conn.execute(query.limit(limit) if limit else query)]


def standing_runs(conn: Connection, bounds: Mapping[str, str]) -> list[RunRow]:
    """Return of each job its newest row whose period is not beyond the job's bound, and all its running rows."""
    running = sa.select(run).where(run.c.state == RUNNING, run.c.job.in_(bounds))
    found = {row.id: _row(row) for row in conn.execute(running)}
    for job, bound in bounds.items():
        newest = (
            sa.select(run).where(run.c.job == job, run.c.period <= bound).order_by(run.c.period.desc()).limit(1)
        )
        found |= {row.id: _row(row) for row in conn.execute(newest)}
    return list(found.values())


def last_period(conn: Connection, job: str) -> str | None:
    """Return the newest period of a job, however far ahead, or None."""
    return conn.execute(sa.select(sa.func.max(run.c.period)).where(run.c.job == job)).scalar()


def known_jobs(conn: Connection) -> list[str]:
    """Return the names of all jobs that ever ran, sorted."""
    return list(conn.execute(sa.select(run.c.job).distinct().order_by(run.c.job)).scalars())


def forget_runs(store: Store, job: str, *, before: datetime, now: datetime) -> int:
    """Delete up to 200 done rows of a job that ended before a moment, never its newest; return how many."""
    newest = sa.select(sa.func.max(run.c.period)).where(run.c.job == job).scalar_subquery()
    old = sa.select(run.c.id).where(
        run.c.job == job, run.c.state == DONE, run.c.ended_at < before, run.c.period < newest
    )
    with store.write(now) as unit:
        ids = list(unit.conn.execute(old.order_by(run.c.id).limit(_PRUNE_ROWS)).scalars())
        if ids:
            unit.conn.execute(sa.delete(run).where(run.c.id.in_(ids)))
    return len(ids)


def _of_job(names: Iterable[str], period: str) -> sa.Select[Any]:
    return sa.select(run).where(run.c.job.in_(names), (run.c.state == RUNNING) | (run.c.period == period))


def _lock_job(unit: Unit, name: str) -> None:
    """Let beginnings of one job take turns until the end of the transaction (on SQLite every writer does)."""
    if unit.conn.dialect.name == "postgresql":
        unit.conn.execute(sa.select(sa.func.pg_advisory_xact_lock(_JOB_LOCK | zlib.crc32(name.encode()))))


def _close_left(unit: Unit, ids: Sequence[int], period: str) -> None:
    """Close runs whose holder is gone and whose work a newer period does."""
    if ids:
        values = _ended(unit.now, FAILED, {"superseded_by": period})
        unit.conn.execute(sa.update(run).where(run.c.id.in_(ids)).values(values))


def _take(unit: Unit, job: str, period: str, *, owner: str, stale: Stale) -> Run | None:
    new = {"job": job, "period": period, "state": FAILED, "attempts": 0, "failures": 0}
    insert_missing(unit.conn, run, [new])
    row = _row(
        unit.conn.execute(sa.select(run).where(run.c.job == job, run.c.period == period).with_for_update()).one()
    )
    if row.state == DONE or row.given_up or (row.state == RUNNING and not stale(row)):
        return None
    taken = {
        "state": RUNNING,
        "attempts": row.attempts + 1,
        "lease_owner": owner,
        "lease_until": unit.now + LEASE,
        "worker": None,
        "started_at": unit.now,
        "ended_at": None,
    }
    unit.conn.execute(sa.update(run).where(run.c.id == row.id).values(taken))
    return Run(id=row.id, job=job, period=period, attempt=row.attempts + 1, owner=owner)


def _ended(now: datetime, state: str, result: Json | None) -> Json:
    return {
        "state": state,
        "ended_at": now,
        "result": result,
        "lease_owner": None,
        "lease_until": None,
        "worker": None,
    }


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
    return RunRow(**row._mapping)  # noqa: SLF001 - SQLAlchemy's public row mapping
