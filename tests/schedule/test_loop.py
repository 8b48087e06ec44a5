"""One loop over a real ledger, with children and clocks of the test's own."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from commands.jobs import Table
from commands.schedule_child import MOST_KEPT, shortened
from commands.schedule_loop import STOP_SECONDS, Clock, Happening, Loop, Observer
from commands.schedule_words import line_of
from scheduler import RETRY_AFTER, Due, Job, Lane, Rule
from storage import ledger
from storage.leases import LEASE, lease_owner

if TYPE_CHECKING:
    from storage.engine import Store

WEEKLY = Job(name="draft", cron="0 18 * * fri", words=(), rule=Rule.EACH, lane=Lane.PROMPT, weekly=True)
CRAWLS = tuple(Job(name=f"crawl:{n}", cron="0 * * * *", words=(), lane=Lane.READING) for n in "abc")
STAGES = tuple(Job(name=n, cron="0 * * * *", words=()) for n in ("screen", "cluster"))
GONE = "otherhost/1/1"


@dataclass(slots=True)
class Work:
    name: str = lease_owner()
    code: int | None = None
    said: dict[str, Any] | None = None
    heard: list[str] = field(default_factory=list)

    def poll(self) -> int | None:
        return self.code

    def feed(self) -> None:
        self.heard.append("beat")

    def interrupt(self) -> None:
        self.heard.append("interrupt")

    def kill(self) -> None:
        self.heard.append("kill")
        self.code = -9

    def answer(self) -> dict[str, Any] | None:
        return self.said


@dataclass(slots=True)
class Scene:
    """A loop, its time and its children."""

    store: Store
    now: datetime
    jobs: tuple[Job, ...]
    seconds: float = 0.0
    works: dict[str, Work] = field(default_factory=dict)
    told: list[Happening] = field(default_factory=list)
    broken: bool = False

    def loop(self, owner: str = "") -> Loop:
        return Loop(
            store=self.store,
            table=lambda: Table(jobs=self.jobs, sources={}),
            spawn=self.spawn,
            clock=Clock(wall=self.wall, steady=lambda: self.seconds),
            tell=self.told.append,
            stale=Observer(lambda: self.seconds).stale,
            owner=owner or lease_owner(),
        )

    def wall(self) -> datetime:
        return self.now + timedelta(seconds=self.seconds)

    def spawn(self, job: Job, _run: ledger.Run) -> Work:
        if self.broken:
            raise OSError(12, "Cannot allocate memory")
        self.works[job.name] = Work()
        return self.works[job.name]

    def miss(self, *periods: str) -> None:
        """Let the past of each job end with a period."""
        for job, period in zip(self.jobs, periods, strict=True):
            ledger.note_first_tick(self.store, job.name, period, now=self.now)

    def row(self, job: str, period: str) -> ledger.RunRow:
        with self.store.read() as conn:
            found = ledger.get_run(conn, job, period)
        assert found is not None
        return found

    def kinds(self) -> list[str]:
        return [what.kind for what in self.told]


@pytest.fixture
def scene(store: Store, now: datetime) -> Scene:
    """Return a Wednesday on which the draft of W46 was missed."""
    made = Scene(store, now, (WEEKLY,))
    made.miss("2026-W45")
    return made


def test_a_run_is_begun_fed_finished_and_kept_with_its_answer(scene: Scene) -> None:
    loop = scene.loop()
    assert loop.step() == 1
    assert scene.works["draft"].heard == ["beat"]
    scene.seconds += 11
    loop.step()
    assert scene.works["draft"].heard == ["beat", "beat"]
    assert scene.row("draft", "2026-W46").worker == lease_owner()
    scene.works["draft"].code, scene.works["draft"].said = 0, {"batch": None}
    assert loop.step() == 1
    row = scene.row("draft", "2026-W46")
    assert (row.state, row.attempts, row.result) == ("done", 1, {"exit": 0, "batch": None})
    assert loop.step() == 0
    assert scene.kinds() == ["started", "finished"]


def test_one_that_ends_with_problems_is_done(scene: Scene) -> None:
    loop = scene.loop()
    loop.step()
    scene.works["draft"].code, scene.works["draft"].said = 1, {"problems": [{"code": "blocked"}]}
    loop.step()
    assert (scene.row("draft", "2026-W46").state, loop.failed) == ("done", 0)
    assert scene.told[-1].text == "1 problems"


@pytest.mark.parametrize("code", [2, 3, -9])
def test_one_that_fails_is_tried_again_after_a_while_and_given_up_at_last(scene: Scene, code: int) -> None:
    loop = scene.loop()
    for number in range(ledger.MAX_ATTEMPTS):
        assert loop.step() == 1
        scene.works["draft"].code = code
        assert loop.step() == 1
        assert loop.step() == 0
        scene.seconds += RETRY_AFTER[min(number, len(RETRY_AFTER) - 1)].total_seconds()
    assert loop.step() == 0
    row = scene.row("draft", "2026-W46")
    assert (row.state, row.failures, row.given_up) == ("failed", ledger.MAX_ATTEMPTS, True)
    assert loop.failures[-1] | {"message": ""} == {"code": "failed", "id": "draft 2026-W46", "message": ""}
    scene.now += timedelta(days=7)
    assert loop.step() == 1, "the next week is drafted all the same"


def test_no_memory_for_a_child_is_a_failure_that_passes(scene: Scene) -> None:
    scene.broken, loop = True, scene.loop()
    assert loop.step() == 0
    assert scene.row("draft", "2026-W46").failures == 1
    scene.broken = False
    scene.seconds += RETRY_AFTER[0].total_seconds()
    assert loop.step() == 1


def test_who_stops_gives_back_what_was_interrupted(scene: Scene) -> None:
    loop = scene.loop()
    loop.step()
    loop.stop()
    assert scene.works["draft"].heard[-1] == "interrupt"
    scene.seconds += STOP_SECONDS + 1
    loop.end_the_slow()
    assert scene.works["draft"].heard[-1] == "kill"
    loop.step()
    row = scene.row("draft", "2026-W46")
    assert (row.state, row.failures) == ("failed", 0)
    assert (scene.kinds()[-1], loop.held) == ("stopped", [])
    assert scene.loop().step() == 1, "the next one begins it at once"


def test_a_silent_holder_elsewhere_is_taken_over_by_watching_whatever_the_clocks_say(scene: Scene) -> None:
    ahead = scene.now + timedelta(days=8)
    lost = ledger.begin(scene.store, "draft", "2026-W46", now=ahead, owner=GONE)
    assert lost is not None
    loop = scene.loop()
    for _ in range(2):
        assert loop.step() == 0
        scene.seconds += LEASE.total_seconds() - 1
        ledger.heartbeat(scene.store, lost, now=ahead + timedelta(seconds=scene.seconds))
    assert loop.step() == 0
    scene.seconds += LEASE.total_seconds()
    assert loop.step() == 1
    assert scene.row("draft", "2026-W46").attempts == 2


def test_who_was_taken_over_ends_its_child(scene: Scene) -> None:
    still = scene.loop(owner=GONE)
    still.step()
    mine = scene.works["draft"]
    other = scene.loop()
    other.step()
    scene.seconds += LEASE.total_seconds() + 1
    assert other.step() == 1
    still.step()
    assert (mine.heard[-1], still.held, scene.kinds()[-1]) == ("kill", [], "lost")
    scene.works["draft"].code = 0
    other.step()
    assert scene.row("draft", "2026-W46").state == "done"


def test_a_dead_schedule_on_this_host_waits_for_its_living_child_only(scene: Scene) -> None:
    host = lease_owner().split("/", maxsplit=1)[0]
    dead = f"{host}/999999999/1"
    held = ledger.begin(scene.store, "draft", "2026-W46", now=scene.now, owner=dead)
    assert held is not None
    ledger.name_worker(scene.store, held, lease_owner(), now=scene.now)
    loop = scene.loop()
    assert loop.step() == 0
    ledger.name_worker(scene.store, held, dead, now=scene.now)
    assert loop.step() == 1


def test_lanes_limit_what_reads_and_never_hold_up_a_draft(store: Store, now: datetime) -> None:
    scene = Scene(store, now, (*CRAWLS, *STAGES, WEEKLY))
    scene.miss(*["2026-11-18T00:00Z"] * 5, "2026-W45")
    loop = scene.loop()
    loop.step()
    assert sorted(scene.works) == ["crawl:a", "crawl:b", "draft", "screen"]
    scene.works["crawl:a"].code = scene.works["screen"].code = 0
    loop.step()
    assert sorted(scene.works) == ["cluster", "crawl:a", "crawl:b", "crawl:c", "draft", "screen"]


def test_a_crawl_left_by_the_dead_gives_way_to_the_newest_period(store: Store, now: datetime) -> None:
    scene = Scene(store, now, CRAWLS[:1])
    scene.miss("2026-11-17T00:00Z")
    assert ledger.begin(store, "crawl:a", "2026-11-17T01:00Z", now=now, owner=GONE) is not None
    loop = scene.loop()
    assert loop.step() == 0
    scene.seconds += LEASE.total_seconds()
    assert loop.step() == 1
    assert scene.row("crawl:a", "2026-11-17T01:00Z").result == {"superseded_by": "2026-11-18T02:00Z"}
    assert scene.row("crawl:a", "2026-11-18T02:00Z").state == "running"


def test_two_loops_never_run_two_periods_of_a_job_at_once(store: Store, now: datetime) -> None:
    scene = Scene(store, now, CRAWLS[:1])
    scene.miss("2026-11-18T00:00Z")
    first, second = scene.loop("hosta/1/1"), scene.loop("hostb/1/1")
    assert (first.step(), second.step()) == (1, 0)
    scene.seconds += 3600
    first.step()
    assert second.step() == 0
    scene.works["crawl:a"].code = 0
    assert (first.step(ticking=False), second.step(), first.step()) == (1, 1, 0)
    assert scene.row("crawl:a", "2026-11-18T03:00Z").state == "running"


def test_old_runs_of_a_job_that_coalesces_are_forgotten(store: Store, now: datetime) -> None:
    scene = Scene(store, now, (CRAWLS[0], WEEKLY))
    scene.miss("2026-11-18T02:00Z", "2026-W46")
    old = now - timedelta(days=91)
    ledger.note_first_tick(store, "crawl:a", "2026-08-01T00:00Z", now=old)
    ledger.note_first_tick(store, "draft", "2026-W30", now=old)
    scene.loop().step()
    with store.read() as conn:
        left = {(row.job, row.period) for row in ledger.list_runs(conn)}
    assert left == {("crawl:a", "2026-11-18T02:00Z"), ("draft", "2026-W46"), ("draft", "2026-W30")}


def test_a_long_answer_is_kept_in_short() -> None:
    kept = shortened({"batch": "b", "skipped": list(range(MOST_KEPT + 5)), "text": "字" * 30_000})
    assert kept == {
        "batch": "b",
        "skipped": list(range(MOST_KEPT)),
        "skipped_left_out": 5,
        "text": None,
        "text_left_out": 1,
    }


def test_a_line_says_what_for_when_and_how_late(now: datetime) -> None:
    due = Due(job=WEEKLY, period="2026-W46", fired_at=now - timedelta(days=1, minutes=3))
    started = Happening(kind="started", at=now, due=due)
    assert line_of(started) == "started draft for 2026-W46 (late by 1 day, 0:03:00)"
    crawl = Due(job=CRAWLS[0], period="2026-11-18T02:00Z", fired_at=now)
    failed = Happening(kind="failed", at=now, due=crawl, seconds=3.21, text="exit code 3")
    assert line_of(failed) == "failed crawl:a for 2026-11-18 10:30 after 3.2 s: exit code 3"
