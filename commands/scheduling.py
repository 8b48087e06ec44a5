"""`qingyuan schedule`: the process that keeps the calendar."""

from __future__ import annotations

import os
import signal
import threading
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, Annotated

import typer

from commands.context import UsageError, context

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from commands.jobs import Table
    from commands.schedule_loop import Happening, Loop, Worker
    from scheduler import Job, Pulse
    from storage.ledger import Run, RunRow

LOG_NAME = "schedule.log"
"""File of the workspace with what the operator was told and what the children said."""

_MOST_LOG_BYTES = 20 << 20
_SKEW_SECONDS = 30
_POLL_SECONDS = 0.5


def register(app: typer.Typer) -> None:
    """Add the command of this module."""
    app.command("schedule")(schedule)


def schedule(
    *,
    once: Annotated[bool, typer.Option("--once", help="Do what is due now and end.")] = False,
    show: Annotated[bool, typer.Option("--list", help="Show the jobs with their last run and the next.")] = False,
) -> None:
    """Keep the calendar: start crawls, stages, rechecks and weekly drafts when they are due, until stopped."""
    if once and show:
        raise UsageError("--once and --list do not go together", field="--list")
    if show:
        from commands.jobs import load_table
        from commands.schedule_words import job_lines

        lines = job_lines(load_table(context.workspace.root))
        context.out.lines(lines, shown=("job", "schedule", "last", "next", "due"))
        return
    loop, told = _make_loop(patient=not once)
    stops = _Stops()
    with stops.caught():
        if once:
            run_once(loop, stops)
        else:
            told.note(f"keeping the calendar of {context.workspace.root}; Ctrl-C stops it")
            keep_running(loop, stops, told)
    problems = loop.failures if once else []
    context.out.obj(
        {"started": loop.started, "finished": loop.finished, "failed": loop.failed, "problems": problems}
    )


@dataclass(slots=True)
class _Stops:
    """Counts requests to stop: the first one asks the children to end, the second one ends them."""

    count: int = 0
    wake: threading.Event = field(default_factory=threading.Event)

    def caught(self) -> _Caught:
        """Return a block in which SIGTERM and SIGINT are such requests."""
        return _Caught(self)

    def request(self, *_: object) -> None:
        """Count one."""
        self.count += 1
        self.wake.set()

    def obey(self, loop: Loop) -> None:
        """Do what was asked for."""
        if self.count:
            loop.stop()
            loop.end_the_slow(at_once=self.count > 1)


class _Caught:
    """SIGTERM and SIGINT as requests to stop while a block lasts."""

    def __init__(self, stops: _Stops) -> None:
        self._stops = stops

    def __enter__(self) -> None:
        self._before = {number: signal.signal(number, self._stops.request) for number in _SIGNALS}

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)


_SIGNALS = (signal.SIGINT, signal.SIGTERM)


@dataclass(slots=True)
class _Told:
    """Tells the operator: a line on stderr and in the log file."""

    log: Path
    _once: set[str] = field(default_factory=set)

    def happening(self, what: Happening) -> None:
        """Tell of a run, in one line."""
        from commands.schedule_words import line_of

        self._write(line_of(what), what.at)

    def note(self, text: str, *, once: bool = False) -> None:
        """Tell something else; ``once``: unless that was told before."""
        if not (once and text in self._once):
            self._once.add(text)
            self._write(text, context.now())

    def good_again(self, text: str) -> None:
        """Let a note be told anew when it comes true again."""
        self._once.discard(text)

    def _write(self, text: str, at: datetime) -> None:
        from scheduler import TIMEZONE

        line = f"{at.astimezone(TIMEZONE):%Y-%m-%d %H:%M:%S} {text}"
        context.out.note(line)
        try:
            if self.log.is_file() and self.log.stat().st_size > _MOST_LOG_BYTES:
                self.log.replace(self.log.with_suffix(".log.1"))
            with self.log.open("a", encoding="utf-8", errors="replace") as file:
                file.write(line + "\n")
        except OSError:
            return  # a full disk; stderr has it


def run_once(loop: Loop, stops: _Stops) -> None:
    """Do what is due now, each run once, and wait for it."""
    began = loop.clock.wall()
    tried: set[tuple[str, str]] = set()
    changed = 1
    while changed or loop.held:
        stops.obey(loop)
        if changed and loop.stopping is None:
            loop.start_due(at=began, but=tried)
            tried |= {(one.due.job.name, one.due.period) for one in loop.held}
        elif loop.stopping is not None and not loop.held:
            return
        stops.wake.wait(_POLL_SECONDS if loop.held else 0)
        stops.wake.clear()
        changed = loop.reap()
        loop.beat()


def keep_running(loop: Loop, stops: _Stops, told: _Told, *, pulse_seconds: float | None = None) -> None:
    """Run until somebody asks to stop and the children have ended."""
    from sqlalchemy.exc import DBAPIError

    from scheduler import PULSE_SECONDS, Pulse

    seconds = pulse_seconds or PULSE_SECONDS
    beats = _Beats(stops.wake, steady=loop.clock.steady, wall=loop.clock.wall, seconds=seconds)
    pulse = Pulse(beats.beat, seconds=seconds)
    pulse.start()
    lost = "the database cannot be used now; trying again"
    try:
        while loop.stopping is None or loop.held:
            stops.obey(loop)
            odd = beats.look(pulse)
            try:
                if odd:
                    told.note(odd)
                    _note_odd(loop, told)
                beats.busy(loop.step(ticking=beats.take()))
                told.good_again(lost)
            except DBAPIError as error:
                told.note(lost, once=True)
                told.note(str(error.orig).splitlines()[0], once=True)
            stops.wake.wait(_POLL_SECONDS if loop.held else _POLL_SECONDS * 4)
            stops.wake.clear()
    finally:
        pulse.stop()


@dataclass(slots=True)
class _Beats:
    """When to tick: at each beat of the pulse, and again as soon as something ended or was started."""

    wake: threading.Event
    steady: Callable[[], float]
    wall: Callable[[], datetime]
    seconds: float
    _due: bool = True
    _last: float = field(init=False)
    _offset: float = field(init=False)

    def __post_init__(self) -> None:
        self._last = self.steady()
        self._offset = self._difference()

    def beat(self) -> None:
        """Ask for a tick; called by the pulse's thread."""
        self._due = True
        self.wake.set()

    def busy(self, changes: int) -> None:
        """Ask for a tick when something changed: there may be room now, or the next period may be due."""
        self._due = self._due or changes > 0

    def take(self) -> bool:
        """Return whether to tick now."""
        due, self._due = self._due, False
        if due:
            self._last = self.steady()
        return due

    def look(self, pulse: Pulse) -> str:
        """Mend the pulse after the clock moved; return what to say of it."""
        moved = self._difference() - self._offset
        if abs(moved) > _SKEW_SECONDS:
            self._offset += moved
            self._due = True
            pulse.restart()
            return f"the clock was moved by {round(moved)} seconds"
        if self.steady() - self._last > 2 * self.seconds + 1:
            self._due = True
            pulse.restart()
        return ""

    def _difference(self) -> float:
        return self.wall().timestamp() - self.steady()


def _note_odd(loop: Loop, told: _Told) -> None:
    """Tell of periods that a clock gone wrong ran ahead of their time, and of names that no job has any more."""
    from scheduler import Rule, bound_of
    from storage.ledger import known_jobs, last_period

    table, now = loop.table(), loop.clock.wall()
    with loop.store.read() as conn:
        known = known_jobs(conn)
        ahead = [
            f"{job.name} {period} ran before its time, by a clock that was ahead; it does not run again"
            for job in table.jobs
            if job.rule is Rule.EACH
            for name in job.names
            if (period := last_period(conn, name)) is not None and period > bound_of(job, now)
        ]
    for name in sorted(set(known) - {name for job in table.jobs for name in job.names}):
        if name.startswith(table.off):
            continue
        told.note(
            f"the ledger knows a job {name} that does not exist now; was it renamed? see [schedule] former",
            once=True,
        )
    for text in ahead:
        told.note(text, once=True)


def _make_loop(*, patient: bool) -> tuple[Loop, _Told]:
    """Return the loop of the workspace; a patient one takes over by watching, else the clock decides."""
    from commands.jobs import SUMMARIES, JobTable
    from commands.schedule_loop import Clock, Loop, Observer
    from storage.ledger import lease_is_over

    root, store = context.workspace.root, context.store
    (root / SUMMARIES).mkdir(exist_ok=True)
    told, jobs = _Told(root / LOG_NAME), JobTable(root)

    def table() -> Table:
        found, wrong = jobs.read()
        if wrong is not None:
            told.note(f"{wrong.code}: {wrong}; the jobs stay as they were")
        return found

    def stale_by_clock(row: RunRow) -> bool:
        return lease_is_over(row, context.now())

    loop = Loop(
        store=store,
        table=table,
        spawn=_spawn,
        clock=Clock(wall=context.now, steady=monotonic),
        tell=told.happening,
        stale=Observer(monotonic).stale if patient else stale_by_clock,
    )
    table()  # a broken file ends the command here
    _note_odd(loop, told)
    return loop, told


def _spawn(job: Job, held: Run) -> Worker:
    from commands.schedule_child import Child

    root = context.workspace.root
    clock = context.now().isoformat() if os.environ.get("QINGYUAN_CLOCK") else None
    return Child(job, held, root=root, log=root / LOG_NAME, clock=clock)
