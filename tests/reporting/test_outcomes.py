"""Outcomes follow from observations; items end when their target's fate is known."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
import sqlalchemy as sa

from reporting.batches import show_batch
from reporting.outcomes import fold_outcomes, list_outcomes
from reporting.replies import import_replies
from storage import audit, submissions
from storage.outcomes import stored_outcomes
from storage.tables import account
from tests.support.takedown import (
    CHANNEL,
    CHANNELS,
    CHECKER,
    add_confirmed,
    add_offender,
    drafted,
    observe,
    sent,
)

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    from storage.engine import Store
    from storage.records import Json

DAY = timedelta(days=1)


def outcome(store: Store, now: datetime) -> Json:
    fold_outcomes(store, now=now)
    with store.read() as conn:
        (line,) = list_outcomes(conn)
    return line


def item(store: Store, code: str) -> tuple[str, str | None]:
    with store.read() as conn:
        (line,) = show_batch(conn, code)["contents"]
        last = submissions.events_of(conn, 1)[-1]
    return line["state"], last["note"]


def answered(store: Store, now: datetime, folder: Path, word: str) -> None:
    file = folder / "r.csv"
    file.write_text(f"item,result\ni1,{word}\n", "utf-8")
    import_replies(store, file, CHANNELS[CHANNEL], now=now, actor=CHECKER)


def test_line_names_clue_item_and_batch(store: Store, now: datetime, tmp_path: Path) -> None:
    (clue_id,) = add_confirmed(store, now, "a")
    code = sent(store, now, tmp_path)
    observe(store, clue_id, now + DAY, "content_removed")
    assert outcome(store, now + DAY) == {
        "clue": "c1",
        "item": "i1",
        "batch": code,
        "kind": "content_removed",
        "state": "provisional",
        "cause": "ours",
        "at": "2026-11-19T02:30:00+00:00",
    }


def test_folding_twice_changes_nothing(store: Store, now: datetime, tmp_path: Path) -> None:
    ids = add_confirmed(store, now, "a", "b", "c")
    sent(store, now, tmp_path)
    observe(store, ids[0], now + DAY, "content_removed")
    assert fold_outcomes(store, now=now + DAY) == 1
    with store.read() as conn:
        entries = audit.verify(conn)["entries"]
    assert fold_outcomes(store, now=now + 2 * DAY) == 0
    with store.read() as conn:
        assert audit.verify(conn)["entries"] == entries


def test_unsent_clue_without_observations_has_no_outcome(sqlite_store: Store, now: datetime) -> None:
    add_confirmed(sqlite_store, now, "a")
    assert fold_outcomes(sqlite_store, now=now) == 0


def test_confirmed_removal_closes_the_item_as_a_success(store: Store, now: datetime, tmp_path: Path) -> None:
    (clue_id,) = add_confirmed(store, now, "a")
    code = sent(store, now, tmp_path)
    observe(store, clue_id, now + DAY, "content_removed")
    assert outcome(store, now + DAY)["state"] == "provisional"
    assert item(store, code)[0] == "sent"
    observe(store, clue_id, now + 8 * DAY, "content_removed")
    assert outcome(store, now + 8 * DAY)["state"] == "confirmed"
    assert item(store, code) == ("closed", "worked: content_removed")


@pytest.mark.parametrize(
    ("word", "days"),
    [("未违规", 1), ("已下架", 8)],
)
def test_failure_closes_the_item_when_the_target_is_seen_live(
    sqlite_store: Store, now: datetime, tmp_path: Path, word: str, days: int
) -> None:
    (clue_id,) = add_confirmed(sqlite_store, now, "a")
    code = sent(sqlite_store, now, tmp_path)
    answered(sqlite_store, now, tmp_path, word)
    observe(sqlite_store, clue_id, now + days * DAY, "live")
    outcome(sqlite_store, now + days * DAY)
    why = "refused" if word == "未违规" else "still live after"
    assert item(sqlite_store, code) == ("closed", f"{why}: {word}")


def test_target_live_right_after_the_answer_is_waited_for(
    sqlite_store: Store, now: datetime, tmp_path: Path
) -> None:
    (clue_id,) = add_confirmed(sqlite_store, now, "a")
    code = sent(sqlite_store, now, tmp_path)
    answered(sqlite_store, now, tmp_path, "已下架")
    observe(sqlite_store, clue_id, now + DAY, "live")
    outcome(sqlite_store, now + DAY)
    assert item(sqlite_store, code)[0] == "answered"


def test_reappearance_adds_a_strike_once_and_ends_the_item(store: Store, now: datetime, tmp_path: Path) -> None:
    owner = add_offender(store, now, "u1")
    (clue_id,) = add_confirmed(store, now, "a", account_id=owner)
    code = sent(store, now, tmp_path)
    observe(store, clue_id, now + DAY, "content_removed")
    observe(store, clue_id, now + 3 * DAY, "live")
    found = outcome(store, now + 3 * DAY)
    assert (found["kind"], found["state"]) == ("live", "reappeared")
    fold_outcomes(store, now=now + 4 * DAY)
    with store.read() as conn:
        assert conn.execute(sa.select(account.c.strikes)).scalar() == 1
    assert item(store, code) == ("closed", "the target is back")


def test_author_who_deletes_ends_the_item_without_success(
    sqlite_store: Store, now: datetime, tmp_path: Path
) -> None:
    (clue_id,) = add_confirmed(sqlite_store, now, "a")
    code = sent(sqlite_store, now, tmp_path)
    for days in (1, 8):
        observe(sqlite_store, clue_id, now + days * DAY, "author_deleted", marker="author-deleted")
    assert outcome(sqlite_store, now + 8 * DAY)["cause"] == "self"
    assert item(sqlite_store, code) == ("closed", "gone without us: self")


@pytest.mark.parametrize("kind", ["login_wall", "probe_blocked", "unknown"])
def test_walls_leave_everything_open(sqlite_store: Store, now: datetime, tmp_path: Path, kind: str) -> None:
    (clue_id,) = add_confirmed(sqlite_store, now, "a")
    code = sent(sqlite_store, now, tmp_path)
    for days in range(1, 30):
        observe(sqlite_store, clue_id, now + days * DAY, kind)
    assert outcome(sqlite_store, now + 30 * DAY)["kind"] == kind
    assert item(sqlite_store, code)[0] == "sent"


def strikes(store: Store) -> int:
    with store.read() as conn:
        return int(conn.execute(sa.select(account.c.strikes)).scalar_one())


def test_strikes_follow_from_the_observations_alone(sqlite_store: Store, now: datetime, tmp_path: Path) -> None:
    owner = add_offender(sqlite_store, now, "u1")
    (clue_id,) = add_confirmed(sqlite_store, now, "a", account_id=owner)
    sent(sqlite_store, now, tmp_path)
    observe(sqlite_store, clue_id, now + 2 * DAY, "content_removed")
    observe(sqlite_store, clue_id, now + 4 * DAY, "live")
    outcome(sqlite_store, now + 4 * DAY)
    assert strikes(sqlite_store) == 1
    observe(sqlite_store, clue_id, now + 5 * DAY, "content_removed")
    observe(sqlite_store, clue_id, now + 6 * DAY, "live")
    for days in (6, 7):
        fold_outcomes(sqlite_store, now=now + days * DAY)
        assert strikes(sqlite_store) == 2
    with sqlite_store.read() as conn:
        assert strikes(sqlite_store) == sum(row.reappeared for row in stored_outcomes(conn, [clue_id]))


def test_target_that_came_back_is_drafted_again(sqlite_store: Store, now: datetime, tmp_path: Path) -> None:
    (clue_id,) = add_confirmed(sqlite_store, now, "a")
    sent(sqlite_store, now, tmp_path)
    for days, kind in ((1, "content_removed"), (8, "content_removed"), (14, "live")):
        observe(sqlite_store, clue_id, now + days * DAY, kind)
        outcome(sqlite_store, now + days * DAY)
    code = drafted(sqlite_store, now + 15 * DAY)
    with sqlite_store.read() as conn:
        (line,) = show_batch(conn, code)["contents"]
    assert (line["attempt"], line["earlier"]) == (2, "i1")
