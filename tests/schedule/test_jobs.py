"""The job table, the beat, and what a child may do in the scheduler's name."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
import typer

import cli
from commands.jobs import JobTable, load_table
from scheduler import Lane, Pulse, Rule
from storage import ledger
from storage.errors import SettingsError
from tests.support.cli import call
from tests.support.takedown import CHANNEL, add_confirmed

if TYPE_CHECKING:
    from tests.schedule.conftest import Scheduled

WATCH = """
sources:
  - {name: a, platform: web, access: open, base_url: "https://a.example", schedule: "0 2 * * *",
     budget: {quiet_hours: "23:00-07:00"}}
  - {name: b, platform: web, access: open, base_url: "https://b.example"}
  - {name: c, platform: web, access: import, schedule: "0 2 * * *"}
"""


def test_every_job_is_a_command_that_a_person_could_type(scheduled: Scheduled) -> None:
    scheduled.settings("", WATCH)
    table = load_table(scheduled.root)
    names = [job.name for job in table.jobs]
    stages = ["screen-posts", "cluster", "capture", "recheck", "notify"]
    assert names == [*stages, "crawl:a", "draft:cac_12377", "draft:partner_desk", "summary"]
    for job in table.jobs:
        words = [word.replace("{period}", "2026-W47") for word in job.words]
        command, context = typer.main.get_command(cli.app), None
        while words and (below := getattr(command, "commands", {}).get(words[0])):
            command, words = below, words[1:]
        context = command.make_context("x", words)
        assert context.command.name
    weekly = [job.name for job in table.jobs if job.rule is Rule.EACH]
    assert weekly == names[6:]
    assert {job.lane for job in table.jobs if job.weekly} == {Lane.PROMPT}


def test_a_job_is_switched_off_and_a_source_rests(scheduled: Scheduled) -> None:
    scheduled.settings('draft = ""\nsummary = ""\ncapture = ""\nreading_at_once = 5', WATCH)
    table = load_table(scheduled.root)
    assert {"capture", "summary"} & {job.name for job in table.jobs} == set()
    assert (table.at_once(Lane.READING), table.at_once(Lane.STAGE), table.at_once(Lane.PROMPT)) == (5, 1, None)
    assert table.resting(datetime(2026, 11, 18, 22, 0, tzinfo=UTC)) == {"crawl:a"}
    assert table.resting(datetime(2026, 11, 18, 2, 0, tzinfo=UTC)) == frozenset()


@pytest.mark.parametrize(
    ("settings", "watch", "field"),
    [
        ('screen_posts = "61 * * * *"', "sources: []", "schedule"),
        ('draft = "0 18 * *"', "sources: []", "schedule.draft"),
        ("", WATCH.replace('"0 2 * * *",', '"0 2 31 4 *",'), "schedule"),
        ('former = {"draft:partner_desk" = ["draft:cac_12377"]}', "sources: []", "schedule.former"),
    ],
)
def test_what_is_wrong_is_named(scheduled: Scheduled, settings: str, watch: str, field: str) -> None:
    scheduled.settings(settings, watch)
    with pytest.raises(SettingsError) as found:
        load_table(scheduled.root)
    assert (found.value.code, found.value.field) == ("bad_field", field)
    assert found.value.file


def test_the_table_follows_its_files_and_outlives_a_faulty_one(scheduled: Scheduled) -> None:
    scheduled.settings("", WATCH)
    jobs = JobTable(scheduled.root)
    first, wrong = jobs.read()
    assert wrong is None
    assert jobs.read()[0] is first
    (scheduled.root / "watch.yml").write_text("sources: {", "utf-8")
    kept, wrong = jobs.read()
    assert (kept is first, wrong is not None) == (True, True)
    assert jobs.read() == (first, None), "it is said once"
    (scheduled.root / "watch.yml").write_text("sources: []\n", "utf-8")
    assert "crawl:a" not in {job.name for job in jobs.read()[0].jobs}


def test_the_list_shows_what_was_what_comes_and_what_nobody_knows(scheduled: Scheduled, now: datetime) -> None:
    scheduled.settings("", WATCH)
    scheduled.began("draft:gone", "2026-W40", now)
    held = ledger.begin(scheduled.store, "draft:partner_desk", "2026-W45", now=now)
    assert held is not None
    ledger.finish(scheduled.store, held, now=now, failed=True)
    lines = {line["job"]: line for line in call("--data", scheduled.root, "--json", "schedule", "--list").lines}
    assert (lines["draft:gone"]["known"], lines["draft:gone"]["last"]) == (False, None)
    assert lines["draft:partner_desk"]["last"] | {"name": ""} == {
        "name": "",
        "period": "2026-W45",
        "state": "failed",
        "started_at": "2026-11-18T10:30:00+08:00",
        "ended_at": "2026-11-18T10:30:00+08:00",
        "attempts": 1,
        "failures": 1,
    }
    assert lines["draft:partner_desk"]["due"]
    assert lines["crawl:a"]["command"] == "crawl a"


def test_once_and_list_do_not_go_together(scheduled: Scheduled) -> None:
    assert call("--data", scheduled.root, "--json", "schedule", "--once", "--list").code == 2


@pytest.mark.parametrize("run", ["1.1", "7.1", "x", "1.2"])
def test_nobody_drafts_as_the_scheduler_without_a_run_in_the_ledger(
    scheduled: Scheduled, now: datetime, run: str
) -> None:
    """Run 1 is under way, but for another week and not a draft."""
    add_confirmed(scheduled.store, now, "a")
    assert ledger.begin(scheduled.store, "recheck", "2026-W46", now=now) is not None
    words = ("batch", "draft", "--channel", CHANNEL, "--week", "2026-W46")
    answer = call("--data", scheduled.root, "--json", *words, env={"QINGYUAN_RUN": run})
    assert (answer.code, answer.problem["code"]) == (1, "failed")
    assert call("--data", scheduled.root, "--json", "batch", "list").lines == []


def test_the_beat_goes_on_after_the_clock_was_set_back() -> None:
    """To the timer that is the same as a next call in eight days."""
    beaten = threading.Event()
    pulse = Pulse(beaten.set, seconds=0.05)
    pulse.start()
    try:
        assert beaten.wait(20)
        pulse._scheduler.modify_job("tick", next_run_time=datetime.now(UTC) + timedelta(days=8))
        beaten.clear()
        assert not beaten.wait(0.5)
        pulse.restart()
        assert beaten.wait(20)
    finally:
        pulse.stop()
