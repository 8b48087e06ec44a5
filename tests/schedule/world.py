"""A simulated world for the schedule: hosts that go down, freeze, die and have wrong clocks.

Time is made up, everything else is real: each host runs the real loop over one real database, and its children
draft with the real function. Hosts tick every minute as long as anything is under way, else when their own clock
says that a period begins; between those a tick does nothing, as :func:`scheduler.tick` is a pure function.
"""

from __future__ import annotations

import heapq
import itertools
import random
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from commands.jobs import Table
from commands.schedule_loop import Clock, Happening, Loop, Observer
from reporting.drafts import SCHEDULER, draft_batch
from reporting.weeks import cut_off
from scheduler import Job, Lane, Rule, next_fire
from storage.errors import LeaseLostError
from storage.ledger import Run, check_run
from tests.support.takedown import CHANNEL, CHANNELS, add_confirmed

if TYPE_CHECKING:
    from collections.abc import Callable

    from storage.engine import Store

CRON = "0 18 * * 5"
TICK, BEAT = 60.0, 10.0
SILENT, LAST = 35.0, 55.0
FRIDAY = timedelta(days=7)
NAME, NEW_NAME = f"draft:{CHANNEL}", "draft:renamed"


def draft_job(name: str, *former: str) -> Job:
    return Job(name=name, cron=CRON, words=(), rule=Rule.EACH, lane=Lane.PROMPT, weekly=True, former=former)


OLD_TABLE = Table(jobs=(draft_job(NAME),), sources={})
NEW_TABLE = Table(jobs=(draft_job(NEW_NAME, NAME),), sources={})


class DiedError(Exception):
    """The host went away in the middle of a step."""


@dataclass(slots=True)
class Child:
    """A draft under way: it takes its time, has its effect on the way, and follows its host's life."""

    world: World
    host: Host
    run: Run
    ends_at: float
    effect_at: float
    name: str = "elsewhere/1/1"
    code: int | None = None
    fed_at: float | None = None
    patience: float = SILENT

    def poll(self) -> int | None:
        self.live()
        return self.code

    def live(self) -> None:
        """Do what would have been done by now."""
        if self.code is not None or self.fed_at is None:
            return
        gone_at = self.fed_at + self.patience
        if 0 <= self.effect_at <= min(self.world.now, gone_at):
            self._draft()
        if self.code is None and self.ends_at <= min(self.world.now, gone_at):
            self.code = 0
        elif self.code is None and gone_at <= self.world.now:
            self.code = 130

    def feed(self) -> None:
        self.fed_at = self.world.now

    def interrupt(self) -> None:
        self.code = 130 if self.code is None else self.code

    def kill(self) -> None:
        self.code = -9 if self.code is None else self.code

    def answer(self) -> dict[str, Any] | None:
        return {"drafted": True} if self.code == 0 else None

    def _draft(self) -> None:
        self.effect_at = -1
        try:
            draft_batch(
                self.world.store,
                CHANNELS[CHANNEL],
                week=self.run.period,
                now=self.host.wall(),
                actor=SCHEDULER,
                check=lambda unit: check_run(unit, self.run),
            )
        except LeaseLostError:
            self.world.counts["fenced off"] += 1
            self.code = 3
        else:
            self.world.effects[self.run.period] += 1


@dataclass(slots=True)
class Host:
    """A machine with a clock of its own, perhaps with a schedule on it."""

    world: World
    number: int
    table: Table = OLD_TABLE
    offset: timedelta = timedelta()
    loop: Loop | None = None
    frozen: bool = False
    generation: int = 0
    turn: int = 0

    @property
    def good(self) -> bool:
        return self.loop is not None and not self.frozen and not self.offset

    def wall(self) -> datetime:
        return self.world.at(self.world.now) + self.offset

    def boot(self) -> None:
        if self.loop is None:
            self.generation += 1
            steady = self.world.steady
            self.loop = Loop(
                store=self.world.store,
                table=lambda: self.table,
                spawn=self.spawn,
                clock=Clock(wall=self.wall, steady=steady),
                tell=self.world.told,
                stale=Observer(steady).stale,
                owner=f"host{self.number}/{self.generation}/1",
            )
            self.frozen = False
            self.world.disturbed()
            self.step_in(0)

    def step_in(self, seconds: float) -> None:
        """Let the next turn of the loop be then, and no other."""
        self.turn += 1
        turn = self.turn
        self.world.later(seconds, lambda: self.step() if self.turn == turn else None)

    def die(self) -> None:
        """Lose power, or only the schedule: then its children follow by their leash."""
        if self.loop is not None:
            if self.world.chance.random() < 0.5:
                self.world.orphans += [held.worker for held in self.loop.held if isinstance(held.worker, Child)]
            self.loop, self.frozen = None, False
            self.world.disturbed()

    def set_clock(self, offset: timedelta) -> None:
        self.offset = offset
        self.world.disturbed()
        if self.loop is not None:
            self.step_in(self.world.chance.uniform(0, TICK))

    def spawn(self, _job: Job, run: Run) -> Child:
        world, chance = self.world, self.world.chance
        fate = chance.random()
        if fate < world.deaths / 3:
            world.counts["died before its child began"] += 1
            raise DiedError
        length = chance.uniform(1, 40)
        child = Child(world, self, run, world.now + length, world.now + chance.uniform(0, length))
        child.patience = chance.uniform(SILENT, LAST)
        if fate < world.deaths:
            kind = "before" if fate < world.deaths * 2 / 3 else "after"
            world.counts[f"died {kind} the effect"] += 1
            moment = chance.uniform(0, child.effect_at - world.now) if kind == "before" else length
            if kind == "after":
                moment = chance.uniform(child.effect_at - world.now, length)
            world.later(moment, self.die_once(self.generation))
        elif fate < world.deaths * 1.3:
            world.counts["frozen"] += 1
            world.later(chance.uniform(0, length), self.freeze)
        return child

    def die_once(self, generation: int) -> Callable[[], None]:
        return lambda: self.die() if self.generation == generation else None

    def freeze(self) -> None:
        """Stand still for longer than a lease, and go on."""
        if self.loop is not None and not self.frozen:
            self.frozen = True
            self.world.disturbed()
            self.world.later(self.world.chance.uniform(61, 400), self.thaw)

    def thaw(self) -> None:
        if self.frozen:
            self.frozen = False
            self.world.disturbed()
            self.step_in(0)

    def step(self) -> None:
        """Do one turn of the loop, and say when the next one is."""
        if self.loop is None or self.frozen:
            return
        try:
            changed = self.loop.step()
        except DiedError:
            self.die()
            return
        if self.loop is not None:
            self.world.plan_step(self, changed=changed > 0)


@dataclass(slots=True)
class World:
    """All of it. ``deaths`` is the share of runs in which the host dies."""

    store: Store
    chance: random.Random
    start: datetime
    weeks: int
    deaths: float = 0.3
    now: float = 0.0
    quiet_since: float = 0.0
    finished: list[tuple[str, float]] = field(default_factory=list)
    lateness: list[float] = field(default_factory=list)
    delays: list[float] = field(default_factory=list)
    early: set[str] = field(default_factory=set)
    effects: Counter[str] = field(default_factory=Counter)
    counts: Counter[str] = field(default_factory=Counter)
    orphans: list[Child] = field(default_factory=list)
    hosts: list[Host] = field(default_factory=list)
    calendar: list[str] = field(default_factory=list)
    _events: list[tuple[float, int, Callable[[], None]]] = field(default_factory=list)
    _numbers: itertools.count[int] = field(default_factory=itertools.count)

    def at(self, seconds: float) -> datetime:
        return self.start + timedelta(seconds=seconds)

    def seconds(self, moment: datetime) -> float:
        return (moment - self.start).total_seconds()

    def steady(self) -> float:
        return self.now

    def later(self, seconds: float, call: Callable[[], None]) -> None:
        heapq.heappush(self._events, (self.now + seconds, next(self._numbers), call))

    def disturbed(self) -> None:
        """Count lateness from now on: something happened that may rightly delay a run."""
        self.quiet_since = self.now

    def told(self, what: Happening) -> None:
        self.counts[what.kind] += 1
        if what.kind in {"finished", "problems"}:
            assert what.due is not None
            week = what.due.period
            fired = self.seconds(cut_off(week))
            self.finished.append((week, self.now))
            if self.now < fired:
                self.early.add(week)
            else:
                self.delays.append(self.now - fired)
                if any(host.good for host in self.hosts):
                    self.lateness.append(self.now - max(fired, self.quiet_since))
            self.disturbed()  # the next missed week can begin only now

    def plan_step(self, host: Host, *, changed: bool) -> None:
        assert host.loop is not None
        if changed:
            host.step_in(0.5)
        elif host.loop.held:
            host.step_in(BEAT)
        elif self.busy():
            host.step_in(TICK)
        else:
            fires = next_fire(CRON, host.wall())
            assert fires is not None
            host.step_in(self.seconds(fires - host.offset) - self.now + self.chance.uniform(0, TICK))

    def busy(self) -> bool:
        self.orphans = [child for child in self.orphans if child.poll() is None]
        done = {week for week, _ in self.finished}
        well = [host for host in self.hosts if host.loop is not None and not host.frozen]
        due = any(cut_off(week) <= host.wall() for host in well for week in self.open_weeks(done))
        return due or bool(self.orphans) or any(host.loop and host.loop.held for host in self.hosts)

    def open_weeks(self, done: set[str]) -> list[str]:
        return [week for week in self.calendar[max(0, len(done) - 3) : len(done) + 3] if week not in done]

    def run(self) -> None:
        """Let it all happen."""
        end = self.seconds(cut_off(self.calendar[-1])) + 3600
        while self._events and self._events[0][0] <= end:
            self.now, _, call = heapq.heappop(self._events)
            for child in self.orphans:
                child.live()
            call()


def make_world(store: Store, seed: int, *, weeks: int, hosts: int = 3, deaths: float = 0.3) -> World:
    """Return a world of so many weeks with all its misfortunes planned."""
    start = datetime(2026, 11, 18, 2, 30, tzinfo=UTC)
    world = World(store, random.Random(seed), start, weeks, deaths)
    first = next_fire(CRON, start)
    assert first is not None
    job = draft_job(NAME)
    world.calendar = [job.period_of(first + number * FRIDAY) for number in range(weeks)]
    world.hosts = [Host(world, number) for number in range(hosts)]
    for number in range(weeks):
        at = first + number * FRIDAY
        world.later(world.seconds(at) - world.chance.uniform(60, 6 * 86_400), _confirm(world, number))
    for host in world.hosts:
        _plan(world, host)
    return world


def _confirm(world: World, number: int) -> Callable[[], None]:
    def confirm() -> None:
        add_confirmed(world.store, world.at(world.now), f"p{number}")

    return confirm


def _plan(world: World, host: Host) -> None:
    """Plan what becomes of a host: up and down, a wrong clock now and then, a new version after a third."""
    chance, end = world.chance, world.seconds(cut_off(world.calendar[-1]))
    last = end - 86_400 * 15  # at the end all are well: what is open then is drafted
    week = FRIDAY.total_seconds()
    world.later(0, host.boot)
    moment = chance.uniform(0, 4) * week
    while moment < last:
        world.later(moment, host.die)
        moment += chance.choice(
            (chance.uniform(60, 3600), chance.uniform(0, 1.5) * week, chance.uniform(0, 3) * week)
        )
        world.later(min(moment, last), host.boot)
        moment += chance.uniform(0.2, 4) * week
    moment = chance.uniform(0, 6) * week
    while moment < last:
        hours = chance.choice((1, -1, 8 * 24, -8 * 24))
        world.later(moment, _clock(host, timedelta(hours=hours)))
        world.counts[f"clock {hours:+} h"] += 1
        moment += chance.choice((300, 3600, 86_400 * 2)) * chance.uniform(0.5, 1.5)
        world.later(min(moment, last), _clock(host, timedelta()))
        moment += chance.uniform(0.5, 8) * week
    world.later(last, host.boot)
    world.later(end / 3 + host.number * 1.3 * week, _rename(host))
    for at in range(int(end / week)):  # who died by itself is started again, as an operating system does
        world.later(at * week + chance.uniform(0, week), _restart(host, chance.random() < 0.7))


def _clock(host: Host, offset: timedelta) -> Callable[[], None]:
    return lambda: host.set_clock(offset)


def _restart(host: Host, wanted: bool) -> Callable[[], None]:
    return lambda: host.boot() if wanted else None


def _rename(host: Host) -> Callable[[], None]:
    def rename() -> None:
        host.die()
        host.table = NEW_TABLE
        host.boot()

    return rename
