"""Crawl runs keep their counts in the transactions of their pages."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from storage import runs
from storage.records import ReadOutcome, RunState

if TYPE_CHECKING:
    from datetime import datetime

    from storage.engine import Store


def test_run_begins_counts_and_ends(store: Store, now: datetime) -> None:
    with store.write(now) as unit:
        run = runs.start_run(unit, source="s", platform="web", access="open")
        for posts in ({"new": 1}, {"seen": 2}):
            runs.count_read(unit, run.id, outcome=ReadOutcome.OK, posts=posts)
        runs.count_read(unit, run.id, outcome=None, posts={})
        runs.count_read(unit, run.id, outcome=ReadOutcome.GONE, posts={})
        runs.note_robots(unit, run.id, "a.example", {"rule": "allow_all"})
        runs.note_problems(unit, run.id, [{"code": "failed"}] * 60)
        runs.end_run(unit, run.id, RunState.BLOCKED, reason="x")
    with store.read() as conn:
        found = runs.get_run(conn, run.id)
        assert found is not None
        assert (found.state, found.reason, found.ended_at) == (RunState.BLOCKED, "x", now)
        assert found.pages == {"ok": 2, "gone": 1, "blocked": 0, "format_changed": 0, "unknown": 0}
        assert found.posts == {"new": 1, "changed": 0, "seen": 2}
        assert found.robots == {"a.example": {"rule": "allow_all"}}
        assert len(found.problems) == runs.MAX_PROBLEMS
        assert found.public_id == f"r{run.id}"
        assert runs.get_run(conn, run.id + 1) is None


def test_newest_run_of_each_source(store: Store, now: datetime) -> None:
    with store.write(now) as unit:
        first = runs.start_run(unit, source="s", platform="web", access="open")
        runs.end_run(unit, first.id, RunState.FINISHED)
        other = runs.start_run(unit, source="t", platform="web", access="open")
        second = runs.start_run(unit, source="s", platform="web", access="open")
        runs.end_run(unit, second.id, RunState.BLOCKED)
    with store.write(now + timedelta(hours=1)) as unit:
        runs.continue_run(unit, second.id)
    with store.read() as conn:
        assert {name: run.id for name, run in runs.last_runs(conn).items()} == {"s": second.id, "t": other.id}
        last, good = runs.last_run(conn, "s"), runs.last_good_run(conn, "s")
        assert last is not None
        assert (last.id, last.state, last.ended_at) == (second.id, RunState.RUNNING, None)
        assert good is not None
        assert good.id == first.id
        assert runs.last_run(conn, "nobody") is None
