"""Rechecks come due by a calendar, once per day of it, and are asked for through the frontier."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
import sqlalchemy as sa

from reporting.recheck import request_looks, request_rechecks
from storage.errors import InputError, NotFoundError
from storage.tables import frontier
from tests.support.takedown import add_confirmed, drafted, observe, sent

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    from storage.engine import Store

DAY = timedelta(days=1)


def asked(store: Store) -> list[tuple[str, str]]:
    with store.read() as conn:
        rows = conn.execute(sa.select(frontier.c.url, frontier.c.kind).order_by(frontier.c.id))
        return [(row.url, row.kind) for row in rows]


def days_asked(store: Store, now: datetime, clue_id: int, *, until: int, kind: str = "live") -> list[int]:
    """Let a year go by in days, answer each look with what is seen, and return the days on which one was due."""
    found = []
    for number in range(until + 1):
        today = now + number * DAY
        if request_rechecks(store, now=today):
            found.append(number)
            observe(store, clue_id, today, kind)
    return found


def test_sent_target_is_looked_at_on_the_days_of_the_calendar(
    sqlite_store: Store, now: datetime, tmp_path: Path
) -> None:
    (clue_id,) = add_confirmed(sqlite_store, now, "a")
    sent(sqlite_store, now, tmp_path)
    assert days_asked(sqlite_store, now, clue_id, until=100) == [1, 3, 7, 14, 30, 90]


def test_gone_target_is_looked_at_again_until_it_is_sure(
    sqlite_store: Store, now: datetime, tmp_path: Path
) -> None:
    (clue_id,) = add_confirmed(sqlite_store, now, "a")
    sent(sqlite_store, now, tmp_path)
    found = days_asked(sqlite_store, now, clue_id, until=100, kind="content_removed")
    assert found == [1, 2, 3, 4, 7, 8, 14, 30, 90]  # gone on day 1: again on 2, 4, 8


def test_confirmed_target_that_was_not_sent_is_followed_too(sqlite_store: Store, now: datetime) -> None:
    (clue_id,) = add_confirmed(sqlite_store, now, "a")
    assert days_asked(sqlite_store, now, clue_id, until=10) == [1, 3, 7]


def test_look_that_told_nothing_is_tried_once_more_a_day_later(sqlite_store: Store, now: datetime) -> None:
    (clue_id,) = add_confirmed(sqlite_store, now, "a")
    assert days_asked(sqlite_store, now, clue_id, until=12, kind="unknown") == [1, 2, 3, 7]


def test_days_missed_while_off_are_made_up_for_by_one_look(store: Store, now: datetime) -> None:
    add_confirmed(store, now, "a")
    assert request_rechecks(store, now=now + 20 * DAY) == 1
    assert asked(store) == [("https://forum.test/a", "recheck")]


def test_asking_again_asks_for_nothing_more(store: Store, now: datetime) -> None:
    add_confirmed(store, now, "a", "b")
    assert request_rechecks(store, now=now + DAY) == 2
    assert request_rechecks(store, now=now + DAY) == 0
    assert request_rechecks(store, now=now + 2 * DAY) == 0, "the first look is still to be made"


@pytest.mark.parametrize("state", ["rejected", "queued", "unsure"])
def test_clues_that_nobody_confirmed_are_left_alone(sqlite_store: Store, now: datetime, state: str) -> None:
    add_confirmed(sqlite_store, now, "a", state=state)
    assert request_rechecks(sqlite_store, now=now + 10 * DAY, mode="all") == 0


def test_target_without_an_address_cannot_be_looked_at(sqlite_store: Store, now: datetime) -> None:
    add_confirmed(sqlite_store, now, "a", url=None)
    assert request_rechecks(sqlite_store, now=now + DAY) == 0


def test_batch_and_all_are_looked_at_whatever_the_day(store: Store, now: datetime) -> None:
    add_confirmed(store, now, "a", "b")
    code = drafted(store, now)
    add_confirmed(store, now, "c")
    assert request_rechecks(store, now=now, mode="batch", batch=code) == 2
    assert request_rechecks(store, now=now, mode="all") == 3
    assert request_looks(store, [1], now=now, reason="export") == 1


def test_wrong_calls_are_refused(sqlite_store: Store, now: datetime) -> None:
    with pytest.raises(NotFoundError):
        request_rechecks(sqlite_store, now=now, mode="batch", batch="nothing")
    with pytest.raises(InputError):
        request_rechecks(sqlite_store, now=now, mode="batch")
    with pytest.raises(InputError):
        request_rechecks(sqlite_store, now=now, mode="due", batch="x")
