from __future__ import annotations

import subprocess
import sys
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from storage.errors import LeaseLostError
from storage.leases import LEASE
from storage.ledger import MAX_ATTEMPTS, begin, check_run, finish, get_run, heartbeat, list_runs
from storage.meta import get_meta, put_meta

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    from storage.engine import Store
    from storage.ledger import Run

ELSEWHERE = "otherhost/1/1"

RACER = """
import sys, time
from datetime import datetime
from pathlib import Path
from storage.engine import Store, make_engine
from storage.ledger import begin, finish
url, folder, mode = sys.argv[1:]
store = Store(make_engine(url), evidence_root=Path(folder), keys_root=Path(folder))
won = 0
print("ready", flush=True)
sys.stdin.readline()
for number in range(20):
    held = begin(store, "weekly", str(number), now=datetime.fromisoformat("2026-11-18T02:30:00+00:00"))
    if held is not None:
        won += 1
        if mode == "hold":
            print("held", flush=True)
            time.sleep(600)
        finish(store, held, now=datetime.fromisoformat("2026-11-18T02:31:00+00:00"), result={"mode": mode})
print(won, flush=True)
"""


def start_racer(store: Store, folder: Path, mode: str) -> subprocess.Popen[str]:
    url = store.engine.url.render_as_string(hide_password=False)
    racer = subprocess.Popen(
        [sys.executable, "-c", RACER, url, str(folder), mode],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert racer.stdout is not None
    assert racer.stdout.readline() == "ready\n"
    return racer


def work_late(store: Store, lost: Run, now: datetime) -> None:
    with store.write(now) as unit:
        put_meta(unit.conn, "work", 2)
        check_run(unit, lost)


def test_a_period_runs_once_and_keeps_its_result(store: Store, now: datetime) -> None:
    held = begin(store, "weekly", "2026-W47", now=now)
    assert held is not None
    assert begin(store, "weekly", "2026-W47", now=now) is None
    finish(store, held, now=now + timedelta(minutes=5), result={"items": 3})
    assert begin(store, "weekly", "2026-W47", now=now + timedelta(days=7)) is None
    assert begin(store, "weekly", "2026-W48", now=now) is not None
    with store.read() as conn:
        row = get_run(conn, "weekly", "2026-W47")
        assert row is not None
        assert (row.state, row.attempts, row.result, row.lease_owner) == ("done", 1, {"items": 3}, None)
        assert [one.period for one in list_runs(conn, job="weekly")] == ["2026-W48", "2026-W47"]
        assert get_run(conn, "weekly", "2026-W49") is None


def test_a_failed_period_is_tried_again_but_not_for_ever(store: Store, now: datetime) -> None:
    for _ in range(MAX_ATTEMPTS):
        held = begin(store, "weekly", "p", now=now)
        assert held is not None
        finish(store, held, now=now, result={"error": "disk full"}, failed=True)
    assert begin(store, "weekly", "p", now=now) is None


def test_a_silent_holder_elsewhere_is_taken_over_only_after_its_lease(store: Store, now: datetime) -> None:
    lost = begin(store, "weekly", "p", now=now, owner=ELSEWHERE)
    assert lost is not None
    heartbeat(store, lost, now=now + timedelta(seconds=30))
    assert begin(store, "weekly", "p", now=now + LEASE) is None
    taken = begin(store, "weekly", "p", now=now + timedelta(seconds=30) + LEASE)
    assert taken is not None
    assert taken.attempt == 2
    for late in (
        lambda: heartbeat(store, lost, now=now),
        lambda: finish(store, lost, now=now),
    ):
        with pytest.raises(LeaseLostError, match="weekly p"):
            late()
    finish(store, taken, now=now)


def test_a_holder_that_was_taken_over_cannot_commit_its_work(store: Store, now: datetime) -> None:
    lost = begin(store, "weekly", "p", now=now, owner=ELSEWHERE)
    assert lost is not None
    with store.write(now) as unit:
        check_run(unit, lost)
        put_meta(unit.conn, "work", 1)
    assert begin(store, "weekly", "p", now=now + 2 * LEASE) is not None
    with pytest.raises(LeaseLostError):
        work_late(store, lost, now)
    with store.read() as conn:
        assert get_meta(conn, "work") == 1


def test_the_same_owner_again_is_told_apart_by_its_attempt(store: Store, now: datetime) -> None:
    first = begin(store, "weekly", "p", now=now)
    second = begin(store, "weekly", "p", now=now + LEASE)
    assert first is not None
    assert second is not None
    with pytest.raises(LeaseLostError):
        heartbeat(store, first, now=now + LEASE)


def test_two_processes_share_the_periods_without_doubling_any(store: Store, tmp_path: Path) -> None:
    racers = [start_racer(store, tmp_path, mode) for mode in ("a", "b")]
    for racer in racers:
        assert racer.stdin is not None
        racer.stdin.write("go\n")
        racer.stdin.flush()
    won = [int(racer.communicate(timeout=60)[0]) for racer in racers]
    assert sum(won) == 20
    with store.read() as conn:
        assert {(row.state, row.attempts) for row in list_runs(conn, limit=0)} == {("done", 1)}


def test_a_killed_holder_is_taken_over_at_once(store: Store, now: datetime, tmp_path: Path) -> None:
    racer = start_racer(store, tmp_path, "hold")
    assert racer.stdin is not None
    assert racer.stdout is not None
    racer.stdin.write("go\n")
    racer.stdin.flush()
    assert racer.stdout.readline() == "held\n"
    assert begin(store, "weekly", "0", now=now) is None
    racer.kill()
    racer.communicate()
    taken = begin(store, "weekly", "0", now=now)
    assert taken is not None
    assert taken.attempt == 2
