"""The loop of `qingyuan schedule`: asks the tick what is due, takes it in the ledger, has it done, writes it down.

Nothing here waits or starts a process by itself: clocks and children are handed in, and whoever calls decides when.
Every step may be the last one before the machine dies; the ledger says what a later loop has to do.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Protocol

from scheduler import Due, Entry, Rule, bound_of, entry_of, first_periods, tick
from storage import ledger
from storage.errors import LeaseLostError
from storage.leases import HEARTBEAT, LEASE, lease_owner

if TYPE_CHECKING:
    from collections.abc import Callable

    from commands.jobs import Table
    from scheduler import Job
    from storage.engine import Store
    from storage.ledger import Run, RunRow
    from storage.records import Json

STOP_SECONDS = 50
"""How long a child may take to stop; a crawl gives its own process 45 seconds of them."""

LATE = timedelta(minutes=5)
"""A run that begins so long after its time is called late."""

KEEP = timedelta(days=90)
"""Done runs of jobs that coalesce are forgotten after this time."""

MOST_FAILURES = 100
"""Failures that a process can name at its end; the ledger has all."""

_EXIT_DONE = (0, 1)
_EXIT_INTERRUPTED = 130
_DAY_SECONDS = 86_400


class Worker(Protocol):
    """What does the work of a run; :class:`commands.schedule_child.Child` is the one in use."""

    name: str
    """Its owner's name, ``host/pid/start``."""

    def poll(self) -> int | None:
        """Return its exit code, None while it runs."""

    def feed(self) -> None:
        """Tell it that the lease was renewed; the first time, that it may begin."""

    def interrupt(self) -> None:
        """Ask it to stop cleanly."""

    def kill(self) -> None:
        """End it."""

    def answer(self) -> Json | None:
        """Return its answer after its end."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Clock:
    """The time of day, which may jump, and one that only goes on (seconds)."""

    wall: Callable[[], datetime]
    steady: Callable[[], float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Happening:
    """What the operator is told: ``kind`` is started, finished, problems, failed, stopped, lost or a note."""

    kind: str
    at: datetime
    due: Due | None = None
    seconds: float = 0
    text: str = ""


@dataclass(slots=True, kw_only=True)
class Held:
    """A run in hands and the child that does it."""

    due: Due
    run: Run
    worker: Worker
    begun: float
    beaten: float
    named: bool = False


@dataclass(slots=True)
class Observer:
    """Tells holders that are gone, by this process's own clock: a lease that did not change for its whole length.

    Clocks of other hosts, and jumps of ours, so play no part.
    """

    steady: Callable[[], float]
    lease: timedelta = LEASE
    _seen: dict[int, tuple[tuple[int, datetime | None], float]] = field(default_factory=dict)

    def stale(self, row: RunRow) -> bool:
        """Return whether the holder of a running row is gone, and remember the row as it is."""
        state, now = (row.attempts, row.lease_until), self.steady()
        known = self._seen.get(row.id)
        if known is None or known[0] != state:
            self._seen[row.id] = known = (state, now)
        return ledger.is_gone(row) or now - known[1] >= self.lease.total_seconds()

    def forget_others(self, rows: list[RunRow]) -> None:
        """Drop what was remembered of rows that are not running any more."""
        running = {row.id for row in rows if row.state == ledger.RUNNING}
        self._seen = {number: seen for number, seen in self._seen.items() if number in running}


@dataclass(slots=True, kw_only=True)
class Loop:
    """The state of one schedule process: what it holds, and what it told."""

    store: Store
    table: Callable[[], Table]
    spawn: Callable[[Job, Run], Worker]
    clock: Clock
    tell: Callable[[Happening], None]
    stale: Callable[[RunRow], bool]
    owner: str = field(default_factory=lease_owner)
    held: list[Held] = field(default_factory=list)
    started: int = 0
    finished: int = 0
    failed: int = 0
    failures: list[Json] = field(default_factory=list)
    stopping: float | None = None
    _pruned: float | None = None

    def step(self, *, ticking: bool = True) -> int:
        """Look after the children, then start what is due; return how many children ended or were started."""
        ended = self.reap()
        self.beat()
        begun = self.start_due() if ticking and self.stopping is None else 0
        return ended + begun

    def due(self, *, at: datetime | None = None) -> list[Due]:
        """Return what is due by the ledger now; jobs that it never saw begin with this call."""
        table, now = self.table(), at or self.clock.wall()
        bounds = {name: bound_of(job, now) for job in table.jobs for name in job.names}
        with self.store.read() as conn:
            rows = ledger.standing_runs(conn, bounds)
        entries = [self._entry(row) for row in rows]
        for name, period in first_periods(now, entries, jobs=table.jobs).items():
            ledger.note_first_tick(self.store, name, period, now=now)
        return tick(now, entries, jobs=table.jobs, resting=table.resting(now))

    def start_due(self, *, at: datetime | None = None, but: set[tuple[str, str]] | None = None) -> int:
        """Start what is due, as many as may run at once, except for some; return how many."""
        started = 0
        for due in self.due(at=at):
            if (due.job.name, due.period) not in (but or ()) and self._has_room(due.job):
                started += self._start(due)
        self._prune()
        return started

    def reap(self) -> int:
        """Write down what became of children that ended; return how many did."""
        ended = [one for one in self.held if one.worker.poll() is not None]
        for one in ended:
            self._close(one)
            self.held.remove(one)
        return len(ended)

    def beat(self) -> None:
        """Renew the leases that need it; a child whose run somebody else has taken over is killed."""
        for one in list(self.held):
            if self.clock.steady() - one.beaten < HEARTBEAT.total_seconds() and one.named:
                continue
            try:
                if one.named:
                    ledger.heartbeat(self.store, one.run, now=self.clock.wall())
                else:
                    ledger.name_worker(self.store, one.run, one.worker.name, now=self.clock.wall())
            except LeaseLostError:
                one.worker.kill()
                one.worker.answer()
                self.held.remove(one)
                self._tell("lost", one, text="another schedule has taken it over")
                continue
            one.named, one.beaten = True, self.clock.steady()
            one.worker.feed()

    def stop(self) -> None:
        """Begin to stop: nothing new is started, the children are asked to end."""
        if self.stopping is None:
            self.stopping = self.clock.steady()
            for one in self.held:
                one.worker.interrupt()

    def end_the_slow(self, *, at_once: bool = False) -> None:
        """Kill children that did not stop in time, or all of them."""
        if at_once or (self.stopping is not None and self.clock.steady() - self.stopping > STOP_SECONDS):
            for one in self.held:
                one.worker.kill()

    def _entry(self, row: RunRow) -> Entry:
        return entry_of(row, stale=row.state == ledger.RUNNING and self.stale(row))

    def _has_room(self, job: Job) -> bool:
        most = self.table().at_once(job.lane)
        return most is None or sum(one.due.job.lane is job.lane for one in self.held) < most

    def _start(self, due: Due) -> bool:
        """Take a run and start its child; False when somebody else was quicker."""
        now = self.clock.wall()
        run = ledger.begin_alone(self.store, due.job.names, due.period, now=now, owner=self.owner, stale=self.stale)
        if run is None:
            return False
        try:
            worker = self.spawn(due.job, run)
        except OSError as error:  # no memory, no process, no file left: tried again later
            self._fail(Happening(kind="failed", at=now, due=due, text=error.strerror or "no child"), run, {})
            return False
        steady = self.clock.steady()
        self.held.append(Held(due=due, run=run, worker=worker, begun=steady, beaten=steady))
        self.started += 1
        self.tell(Happening(kind="started", at=now, due=due))
        self.beat()
        return True

    def _close(self, one: Held) -> None:
        """Write down how a run ended. Exit 0 and 1 are done, an interrupted one is given back, others failed."""
        code, now = one.worker.poll(), self.clock.wall()
        answer = one.worker.answer()
        result: Json = {"exit": code, **(answer or {})}
        stopped = code == _EXIT_INTERRUPTED or self.stopping is not None
        try:
            if code in _EXIT_DONE:
                ledger.finish(self.store, one.run, now=now, result=result)
                self.finished += 1
                problems = len(result.get("problems") or [])
                self._tell("problems" if code else "finished", one, text=f"{problems} problems" if code else "")
            elif stopped:
                ledger.release(self.store, one.run, now=now, result=result)
                self._tell("stopped", one)
            else:
                self._fail(self._happening("failed", one, text=_how(code)), one.run, result)
        except LeaseLostError:
            self._tell("lost", one, text="another schedule has taken it over")

    def _fail(self, what: Happening, run: Run, result: Json) -> None:
        due = what.due
        assert due is not None  # noqa: S101 - failures are of runs
        ledger.finish(self.store, run, now=self.clock.wall(), result={"why": what.text, **result}, failed=True)
        problem = {"code": "failed", "id": f"{due.job.name} {due.period}", "message": what.text}
        self.failures = [*self.failures, problem][-MOST_FAILURES:]
        self.failed += 1
        self.tell(what)

    def _happening(self, kind: str, one: Held, *, text: str = "") -> Happening:
        seconds = self.clock.steady() - one.begun
        return Happening(kind=kind, at=self.clock.wall(), due=one.due, seconds=seconds, text=text)

    def _tell(self, kind: str, one: Held, *, text: str = "") -> None:
        self.tell(self._happening(kind, one, text=text))

    def _prune(self) -> None:
        """Once a day forget old runs of jobs of which only the newest period counts."""
        steady = self.clock.steady()
        if self._pruned is not None and steady - self._pruned < _DAY_SECONDS:
            return
        self._pruned = steady
        now = self.clock.wall()
        for job in self.table().jobs:
            while job.rule is Rule.COALESCE and ledger.forget_runs(
                self.store, job.names[0], before=now - KEEP, now=now
            ):
                pass


def _how(code: int | None) -> str:
    return f"killed by signal {-code}" if code is not None and code < 0 else f"exit code {code}"
