"""The schedule as processes: real children, signals, two schedules on one workspace."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
import sqlalchemy as sa

from storage.leases import LEASE
from storage.tables import audit_entry, batch, crawl_run, submission
from tests.schedule.conftest import ALL_OFF, Scheduled, until
from tests.support.cli import _clean, call, command, shell
from tests.support.takedown import CHANNEL, add_confirmed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.support.site import Site

    Start = Callable[..., subprocess.Popen[bytes]]

WATCH = """
sources:
  - name: slow
    platform: web
    access: open
    base_url: {url}
    start: [/]
    article: ^/thread/
    private: true
    schedule: "* * * * *"
    budget: {{delay_seconds: 0, pages_per_run: 5000}}
"""
DRAFTS = ALL_OFF.replace('draft = ""', 'draft = "0 18 * * fri"')
JOB = f"draft:{CHANNEL}"
OTHER = "draft:cac_12377"
PAGES = 30


def weeks_ago(count: int) -> str:
    """Return the week whose cut-off is so many weeks before the last one that has passed."""
    moment = datetime.now(UTC) - timedelta(hours=106, weeks=count)  # Friday 18:00 is 106 hours into a week
    year, week, _ = moment.isocalendar()
    return f"{year:04d}-W{week:02d}"


def past(workspace: Scheduled, weeks: int) -> None:
    """Let the drafts of so many weeks be missed, and those of the other channel be done."""
    workspace.settings(DRAFTS)
    workspace.began(JOB, weeks_ago(weeks), datetime.now(UTC))
    workspace.began(OTHER, weeks_ago(0), datetime.now(UTC))


def publish(site: Site, *, delay: float) -> None:
    """Serve a start page and threads that take their time."""
    text = "<article><p>" + "停息挂账协商还款的经验，大家可以看看。" * 10 + "</p></article>"
    for number in range(PAGES):
        page = f"<html><meta charset=utf-8><title>帖{number}</title><h1>帖{number}</h1>{text}</html>"
        site.put(f"/thread/{number}", page, delay_seconds=delay)
    links = "".join(f"<a href=/thread/{number}>帖{number}</a>" for number in range(PAGES))
    site.put("/", f"<html><meta charset=utf-8>{links}</html>")


@pytest.fixture
def start(scheduled: Scheduled) -> Iterator[Start]:
    """Return what starts a schedule; those that still run at the end are killed, their children follow."""
    keepers: list[subprocess.Popen[bytes]] = []

    def begin(*words: str) -> subprocess.Popen[bytes]:
        argv = command(["--data", scheduled.root, "schedule", *words])
        keepers.append(subprocess.Popen(argv, env=_clean({}), stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL))
        return keepers[-1]

    yield begin
    for keeper in keepers:
        keeper.kill()
        keeper.wait()


def crawl_due(workspace: Scheduled, site: Site, *, delay: float) -> None:
    publish(site, delay=delay)
    workspace.settings(ALL_OFF, WATCH.format(url=site.url))
    workspace.began("crawl:slow", "2026-01-01T00:00Z", datetime.now(UTC))


def crawl_states(workspace: Scheduled) -> list[str]:
    with workspace.store.read() as conn:
        return list(conn.execute(sa.select(crawl_run.c.state).order_by(crawl_run.c.id)).scalars())


def test_a_missed_draft_is_caught_up_by_the_scheduler_itself(scheduled: Scheduled) -> None:
    past(scheduled, 1)
    before = datetime.now(UTC) - timedelta(days=8)
    add_confirmed(scheduled.store, before, "a")
    answer = shell("--data", scheduled.root, "--json", "schedule", "--once")
    assert answer.code == 0, answer.err
    assert answer.obj == {"started": 1, "finished": 1, "failed": 0, "problems": []}
    assert "late by" in answer.err
    (row,) = scheduled.runs(JOB)
    assert (row.state, row.attempts, row.result) == (
        "done",
        1,
        {"exit": 0, "batch": f"{row.period}-{CHANNEL}", "items": 1, "skipped": []},
    )
    with scheduled.store.read() as conn:
        assert conn.execute(sa.select(batch.c.drafted_by, batch.c.state)).all() == [("scheduler", "drafted")]
        found = conn.execute(sa.select(audit_entry.c.actor, audit_entry.c.via, audit_entry.c.action))
        assert ("scheduler", "schedule", "batch.draft") in [tuple(entry) for entry in found]
    again = shell("--data", scheduled.root, "--json", "schedule", "--once")
    assert again.obj["started"] == 0
    assert scheduled.processes() == []


def test_a_broken_file_is_refused_before_anything_is_started(scheduled: Scheduled) -> None:
    past(scheduled, 1)
    (scheduled.root / "overlays" / "channels" / "partner_desk.yml").write_text("title: [", "utf-8")
    broken = call("--data", scheduled.root, "--json", "schedule", "--once")
    assert (broken.code, broken.problem["code"]) == (2, "bad_field")
    (scheduled.root / "overlays" / "channels" / "partner_desk.yml").unlink()
    scheduled.settings('draft = "0 18 30 2 *"')
    never = call("--data", scheduled.root, "--json", "schedule", "--list")
    assert (never.code, never.problem["code"]) == (2, "bad_field")
    assert "never fires" in never.problem["message"]
    assert scheduled.runs(JOB) == []


def test_one_that_is_stopped_lets_its_crawl_stop_cleanly(scheduled: Scheduled, site: Site, start: Start) -> None:
    crawl_due(scheduled, site, delay=0.4)
    keeper = start()
    until(lambda: len(site.requests) >= 4, what="the crawl is under way")
    keeper.send_signal(signal.SIGTERM)
    assert keeper.wait(timeout=90) == 0
    assert scheduled.processes() == []
    (row,) = scheduled.runs("crawl:slow")
    assert (row.state, row.failures, row.lease_owner) == ("failed", 0, None)
    assert row.result is not None
    assert row.result["exit"] == 130
    assert len(site.requests) < PAGES


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_a_killed_one_takes_its_crawl_along_and_the_next_takes_over(
    scheduled: Scheduled, site: Site, start: Start
) -> None:
    crawl_due(scheduled, site, delay=0.4)
    keeper = start()
    until(lambda: len(site.requests) >= 4, what="the crawl is under way")
    keeper.kill()
    keeper.wait()
    until(lambda: scheduled.processes() == [], what="the children of a killed schedule end", seconds=60)
    (row,) = scheduled.runs("crawl:slow")
    assert row.state == "running"
    for page in site.pages.values():
        object.__setattr__(page, "delay_seconds", 0)
    answer = shell("--data", scheduled.root, "--json", "schedule", "--once")
    assert (answer.code, answer.obj["finished"]) == (0, 1)
    assert crawl_states(scheduled) == ["finished"]
    assert [one.state for one in scheduled.runs("crawl:slow")].count("done") == 1
    assert {path for path in site.pages if "thread" in path and not 1 <= site.hits(path) <= 2} == set()


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_two_at_once_and_kills_double_no_week_and_lose_none(scheduled: Scheduled, start: Start) -> None:
    weeks = 12
    past(scheduled, weeks)
    for number in range(weeks):
        add_confirmed(scheduled.store, datetime.now(UTC) - timedelta(days=8 + 7 * number), f"p{number}")
    for turn in range(12):
        keepers = [start("--once") for _ in range(2)]
        before = scheduled.count()
        until(lambda before=before: scheduled.count() > before, what="a run begins", seconds=60)  # type: ignore[misc]  # a default binds it
        time.sleep(0.4 * (turn % 5))
        keepers[turn % 2].kill()
        for keeper in keepers:
            keeper.wait(timeout=240)
        if len(scheduled.runs(JOB)) == weeks and {row.state for row in scheduled.runs(JOB)} == {"done"}:
            break
    until(lambda: scheduled.processes() == [], what="no child is left")
    assert shell("--data", scheduled.root, "schedule", "--once").code == 0
    rows = scheduled.runs(JOB)
    assert [row.period for row in rows] == [weeks_ago(number) for number in range(weeks - 1, -1, -1)]
    assert {row.state for row in rows} == {"done"}
    with scheduled.store.read() as conn:
        drafted = conn.execute(sa.select(batch.c.week, submission.c.clue_id).join(batch)).all()
    assert len(drafted) == len({one.clue_id for one in drafted}) == weeks


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_one_that_stood_still_for_longer_than_its_lease_doubles_nothing(
    scheduled: Scheduled, site: Site, start: Start
) -> None:
    crawl_due(scheduled, site, delay=3)
    first = start()
    until(lambda: len(site.requests) >= 3, what="the crawl is under way")
    (held,) = scheduled.runs("crawl:slow")
    os.kill(first.pid, signal.SIGSTOP)
    second = start()
    ends = LEASE.total_seconds() + 10
    until(lambda: len(scheduled.processes()) == 2, what="the child of the still one ends", seconds=ends)
    until(lambda: len(scheduled.runs("crawl:slow")) > 1, what="the other one takes over", seconds=200)
    os.kill(first.pid, signal.SIGCONT)
    for page in site.pages.values():
        object.__setattr__(page, "delay_seconds", 0)
    until(lambda: crawl_states(scheduled) == ["finished"], what="the crawl ends")
    for keeper in (first, second):
        keeper.send_signal(signal.SIGINT)
        assert keeper.wait(timeout=90) == 0
    assert scheduled.processes() == []
    rows = {row.period: row for row in scheduled.runs("crawl:slow")}
    assert rows[held.period].result == {"superseded_by": sorted(rows)[1]}
    doubled = {path for path in site.pages if "thread" in path and site.hits(path) > 2}
    assert doubled == set()
