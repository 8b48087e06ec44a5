"""The frontier: leases, taking back, re-opening, rechecks; the same on both databases."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from storage import frontier
from storage.errors import LeaseLostError
from storage.frontier import FrontierRow, NewRequest
from storage.leases import LEASE, lease_owner
from storage.records import ReadOutcome
from storage.runs import start_run

if TYPE_CHECKING:
    from datetime import datetime

    from storage.engine import Store

DEAD = lease_owner().rsplit("/", 1)[0] + "/1"  # this process's id with another start
OTHER = "elsewhere/7/7"


def add(store: Store, now: datetime, *requests: NewRequest) -> int:
    with store.write(now) as unit:
        run = start_run(unit, source="s", platform="web", access="open")
        return frontier.add_requests(unit, "s", requests, run_id=run.id, stale_before=now - timedelta(days=7))


def request(key: str, **rest: object) -> NewRequest:
    return NewRequest(key=key, url=f"https://a.example/{key}", kind="article", **rest)  # type: ignore[arg-type]  # short


def take(store: Store, now: datetime, owner: str = OTHER, limit: int = 10) -> list[FrontierRow]:
    with store.write(now) as unit:
        return frontier.lease(unit, "s", owner=owner, limit=limit)


def finish(store: Store, now: datetime, row: FrontierRow, owner: str = OTHER) -> None:
    with store.write(now) as unit:
        frontier.complete(unit, row, owner=owner, outcome=ReadOutcome.OK)


def test_rows_are_leased_once_and_in_order(store: Store, now: datetime) -> None:
    assert add(store, now, request("b", priority=2), request("a", priority=1), request("c", priority=2)) == 3
    assert [row.url[-1] for row in take(store, now, limit=2)] == ["a", "b"]
    assert [row.url[-1] for row in take(store, now, owner="second/1/1")] == ["c"]
    assert take(store, now) == []


def test_known_rows_are_added_once(store: Store, now: datetime) -> None:
    assert add(store, now, request("a"), request("a")) == 1
    assert add(store, now, request("a")) == 0


@pytest.mark.parametrize(
    ("changes", "days", "opened"),
    [
        (({}, {}), 1, 0),
        (({}, {}), 8, 1),
        (({"lastmod": "1"}, {"lastmod": "1"}), 30, 0),
        (({"lastmod": "1"}, {"lastmod": "2"}), 1, 1),
        (({}, {"lastmod": "1"}), 1, 1),
        (({}, {"again": True}), 0, 1),
    ],
)
def test_known_rows_are_opened_again_when_due(
    store: Store,
    now: datetime,
    changes: tuple[dict[str, object], dict[str, object]],
    days: int,
    opened: int,
) -> None:
    add(store, now, request("a", **changes[0]))
    finish(store, now, take(store, now)[0])
    assert add(store, now + timedelta(days=days), request("a", **changes[1])) == opened


def test_row_is_opened_once_per_run(store: Store, now: datetime) -> None:
    add(store, now, request("a"))
    with store.write(now) as unit:
        (row,) = frontier.lease(unit, "s", owner=OTHER, limit=1)
        frontier.complete(unit, row, owner=OTHER, outcome=ReadOutcome.OK)
        assert row.run_id is not None
        again = [request("a", again=True)]
        assert frontier.add_requests(unit, "s", again, run_id=row.run_id, stale_before=now) == 0


def test_failed_row_is_opened_by_the_next_run(store: Store, now: datetime) -> None:
    add(store, now, request("a"))
    with store.write(now) as unit:
        (row,) = frontier.lease(unit, "s", owner=OTHER, limit=1)
        frontier.fail(unit, row, owner=OTHER, outcome=ReadOutcome.UNKNOWN, meta={"seen": 1})
    assert add(store, now, request("a")) == 1
    assert take(store, now)[0].meta == {"seen": 1}


def test_dead_owners_rows_come_back_at_once_others_when_their_lease_ends(store: Store, now: datetime) -> None:
    add(store, now, request("a"), request("b"), request("c"))
    take(store, now, owner=DEAD, limit=1)
    take(store, now, owner=OTHER, limit=1)
    take(store, now, owner=lease_owner(), limit=1)
    with store.write(now) as unit:
        assert frontier.take_back(unit) == 1
    with store.write(now + LEASE + timedelta(seconds=1)) as unit:
        assert frontier.renew(unit, lease_owner()) == 1
        assert frontier.take_back(unit) == 1
        assert frontier.counts(unit.conn, "s", now=unit.now).leased == 1


def test_lost_lease_cannot_be_settled(store: Store, now: datetime) -> None:
    add(store, now, request("a"))
    (row,) = take(store, now, owner=DEAD)
    with store.write(now) as unit:
        frontier.take_back(unit)
        frontier.lease(unit, "s", owner=OTHER, limit=1)
    with pytest.raises(LeaseLostError), store.write(now) as unit:
        frontier.complete(unit, row, owner=DEAD, outcome=ReadOutcome.OK)
    finish(store, now, row, owner=OTHER)


def test_postponed_rows_wait(store: Store, now: datetime) -> None:
    add(store, now, request("a"), request("b"))
    later = now + timedelta(minutes=5)
    with store.write(now) as unit:
        (row,) = frontier.lease(unit, "s", owner=OTHER, limit=1)
        frontier.postpone(unit, row, owner=OTHER, until=later)
        counts = frontier.counts(unit.conn, "s", now=now)
        assert (counts.ready, counts.waiting, counts.leased, counts.next_at) == (1, 1, 0, later)
    assert [row.url[-1] for row in take(store, now)] == ["b"]
    assert [(row.url[-1], row.attempts) for row in take(store, later)] == [("a", 1)]


def test_released_rows_are_ready_and_own_leases_not_counted(store: Store, now: datetime) -> None:
    add(store, now, request("a"), request("b"))
    take(store, now, owner=OTHER)
    with store.write(now) as unit:
        assert frontier.counts(unit.conn, "s", now=now, owner=OTHER).open == 0
        assert frontier.counts(unit.conn, "s", now=now).leased == 2
        assert frontier.release(unit, OTHER) == 2
        assert frontier.counts(unit.conn, "s", now=now).ready == 2


def test_rechecks_are_asked_for_once_and_kept_apart(store: Store, now: datetime) -> None:
    later = now + timedelta(days=1)
    with store.write(now) as unit:
        for expected in (True, False):
            asked = frontier.request_recheck(
                unit, source="s", url="https://a.example/1", clue_id=3, key="k1", not_before=later
            )
            assert asked is expected
        assert frontier.lease(unit, "s", owner=OTHER, limit=9) == []
        assert frontier.sources_with_rechecks(unit.conn, now=now) == []
    with store.write(later) as unit:
        assert frontier.sources_with_rechecks(unit.conn, now=later) == ["s"]
        (row,) = frontier.lease(unit, "s", owner=OTHER, limit=9, rechecks=True)
        assert row.meta == {"clue_id": 3, "key": "k1"}
        frontier.release(unit, OTHER)
        assert frontier.give_up_rechecks(unit, "s") == 1
        assert frontier.sources_with_rechecks(unit.conn, now=later) == []


def test_hundreds_of_rows_keep_their_order(sqlite_store: Store, now: datetime) -> None:
    add(sqlite_store, now, *(request(f"{number:03}") for number in range(150)))
    assert [row.url[-3:] for row in take(sqlite_store, now, limit=99)] == [f"{n:03}" for n in range(99)]
